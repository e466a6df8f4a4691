"""Every page of the documentation has a twin in Portuguese that says the same."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.portuguese import in_portuguese, unknown
from tests.entries import each_entry
from tests.manage import ROOT

DOCS = ROOT / "docs"
TWIN = ".pt-BR.md"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md") if not path.name.endswith(TWIN))
BLOCK = re.compile(r"^ *```(.*?)^ *```$", re.MULTILINE | re.DOTALL)
# What a command writes into both.
WRITTEN = re.compile(r"<!-- ([\w-]+) -->\n(.*?)\n<!-- /\1 -->", re.DOTALL)
CELL = re.compile(r"(?<!\\)\|")
MARKS = ("####", "###", "##", "#", "```", "- ", "1. ", "!!!", ":::", "![")
# A text of so many letters is told in no less than this part of them.
LONG, LEAST = 120, 0.7
LINK = re.compile(r"(?<=\]\()[^)\s]+(?=\))")


def parts(path: Path) -> list[tuple[str, list[str]]]:
    """Return each section of a page: its heading, and the kinds of what stands in it."""
    text = BLOCK.sub("```", path.read_text("utf-8"))
    sections = re.split(r"^(?=#+ )", text, flags=re.MULTILINE)
    return [(text.partition("\n")[0], [kind(line) for line in lines(text)]) for text in sections if text.strip()]


def lines(section: str) -> list[str]:
    """Return paragraphs, items of lists and rows of tables."""
    return [text for text in re.split(r"\n\n|\n(?=\||[-*] |\d+\. )", section) if text.strip()]


def kind(text: str) -> str:
    """Return what a paragraph is: how deep a heading, of how many cells a row, an item, a block, or prose."""
    text = text.strip()
    if text.startswith("|"):
        return f"row of {len(CELL.findall(text))}"
    return next((mark for mark in MARKS if text.startswith(mark)), "prose")


def test_every_page_is_in_the_navigation() -> None:
    named = set(re.findall(r"^ +- ([\w/-]+\.md)\b", (ROOT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE))
    assert {page for page in PAGES if not re.fullmatch(r"hazards/AM\d+\.md", page)} == named


def test_every_page_has_its_twin() -> None:
    assert [page for page in PAGES if not (DOCS / page.replace(".md", TWIN)).exists()] == []


@each_entry("page", PAGES)
def test_no_section_row_or_paragraph_is_missing(page: str) -> None:
    english, portuguese = parts(DOCS / page), parts(DOCS / page.replace(".md", TWIN))
    differing = [
        f"{ours[0]} / {theirs[0]}: {ours[1]} and {theirs[1]}"
        for ours, theirs in zip(english, portuguese, strict=False)
        if ours[1] != theirs[1]
    ]
    assert differing == []
    assert (
        [theirs[0] for theirs in portuguese[len(english) :]] == [ours[0] for ours in english[len(portuguese) :]] == []
    )


def prose(path: Path) -> list[str]:
    """Return the texts of a page, in its order, without where its links lead."""
    text = LINK.sub("", BLOCK.sub("```", path.read_text("utf-8")))
    return [" ".join(part.split()) for part in re.split(r"^(?=#+ )", text, flags=re.MULTILINE) for part in lines(part)]


@each_entry("page", PAGES)
def test_no_text_lacks_much_of_what_the_other_says(page: str) -> None:
    """Portuguese takes more room; where it takes much less, sentences are missing, or rows stand in another order."""
    pairs = zip(prose(DOCS / page), prose(DOCS / page.replace(".md", TWIN)), strict=True)
    assert [theirs for ours, theirs in pairs if len(ours) >= LONG and len(theirs) < LEAST * len(ours)] == []


def code(block: str) -> list[str]:
    """Return the lines of a block without what may be in the reader's language: remarks, and what commands print."""
    lines = block.splitlines()
    if lines[0].strip() == "console":
        lines = [line for line in lines if line.lstrip().startswith("$ ")]
    return [line for line in (re.sub(r"\s*# .*", "", line) for line in lines) if line]


@each_entry("page", PAGES)
def test_blocks_of_code_are_the_same(page: str) -> None:
    english, portuguese = (
        BLOCK.findall((DOCS / name).read_text("utf-8")) for name in (page, page.replace(".md", TWIN))
    )
    assert [code(block) for block in portuguese] == [code(block) for block in english]


@each_entry("page", PAGES)
def test_links_lead_to_the_same_pages(page: str) -> None:
    def targets(name: str) -> list[str]:
        found = LINK.findall(BLOCK.sub("", (DOCS / name).read_text("utf-8")))
        names = (link.partition("#")[0].replace(TWIN, ".md") for link in found)
        return sorted(name for name in names if name and Path(name).name != Path(page).name)

    assert targets(page.replace(".md", TWIN)) == targets(page)


@each_entry("page", ["performance.md", "reliability.md"])
def test_what_commands_write_stands_in_both_and_is_translated(page: str) -> None:
    english, portuguese = (
        dict(WRITTEN.findall((DOCS / name).read_text("utf-8"))) for name in (page, page.replace(".md", TWIN))
    )
    assert [line for text in english.values() for line in unknown(text)] == []
    assert portuguese == {marker: in_portuguese(text) for marker, text in english.items()}


def test_what_is_not_translated_is_told() -> None:
    assert list(unknown("Seconds by the clock:\n| migrations | 1,024 | shown |\nNothing.")) == ["shown", "Nothing."]
    assert in_portuguese("| 1,024.5 ms (2 to 3) | Django 5.2 |") == "| 1.024,5 ms (2 a 3) | Django 5.2 |"
