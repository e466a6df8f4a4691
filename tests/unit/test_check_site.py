"""A link of the built site that leads nowhere is told, with the page that it is on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.check_site import main

PAGES = {
    "index.html": '<a href="online/#steps">Online</a> <a href="https://e.example/#gone">There</a> <img src="a.png">',
    "online/index.html": '<h2 id="steps">S</h2> <a href="../">Home</a> <a href="#steps">S</a> <a href=".">Here</a>',
    "404.html": '<a href="/online/">Online</a>',
    "a.png": "",
}


def build(site: Path, **changes: str) -> str:
    """Write a site with pages changed, and return its folder."""
    for name, text in {**PAGES, **{f"{name}.html": text for name, text in changes.items()}}.items():
        (site / name).parent.mkdir(exist_ok=True)
        (site / name).write_text(text)
    return str(site)


def test_a_site_whose_links_lead_somewhere_is_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([build(tmp_path)]) == 0
    assert capsys.readouterr().out == "✅ 3 pages, 7 links.\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('<a href="phases/">', "index.html links to phases/: there is no phases."),
        ('<a href="online/#cost">', "index.html links to online/#cost: online/index.html has no such place."),
        ('<img src="b.png">', "index.html links to b.png: there is no b.png."),
        ('<a href="#top">', "index.html links to #top: index.html has no such place."),
    ],
)
def test_what_leads_nowhere_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, told: str) -> None:
    assert main([build(tmp_path, index=text)]) == 1
    assert capsys.readouterr().err == f"✖ {told}\n"


def test_an_empty_folder_is_no_site(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 1
