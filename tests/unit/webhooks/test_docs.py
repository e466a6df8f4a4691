"""The two pages about the service say the same, and name what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.urls import resolve

from tests.manage import ROOT
from webhooks.states import Refusal

ENGLISH = (ROOT / "docs/sms_sender.md").read_text("utf-8")
PORTUGUESE = (ROOT / "docs/sms_sender.pt-BR.md").read_text("utf-8")
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
ALARMS = (ROOT / "webhooks/alarms.py").read_text("utf-8")
SETTINGS = (ROOT / "sms_sender/settings.py").read_text("utf-8")


def headings(page: str) -> list[int]:
    """Return the depths of the headings."""
    return [len(marks) for marks in re.findall(r"^(#+) ", BLOCK.sub("", page), re.MULTILINE)]


def first_cells(page: str) -> list[str]:
    """Return what stands in code at the beginning of each table's row, in which both are to agree."""
    rows = re.findall(r"^\| (.*?) \|", page, re.MULTILINE)
    return [" ".join(re.findall(r"`[^`]+`", row)) for row in rows]


def test_they_have_the_same_parts_tables_and_blocks() -> None:
    assert headings(PORTUGUESE) == headings(ENGLISH)
    assert first_cells(PORTUGUESE) == first_cells(ENGLISH)
    assert BLOCK.findall(PORTUGUESE) == BLOCK.findall(ENGLISH)


def test_they_name_the_same_variables_commands_and_addresses() -> None:
    def names(page: str) -> set[str]:
        return set(re.findall(r"`([A-Za-z/][^`\s]*[A-Za-z/)>]|python manage[^`]*)`", BLOCK.sub("", page)))

    hosts = {"https://<your host>", "https://<seu host>"}
    english = {name.replace("<your host>", "<seu host>") for name in names(ENGLISH)}
    assert {name for name in names(PORTUGUESE) ^ english if name not in hosts} == set()


@pytest.mark.parametrize("page", [ENGLISH, PORTUGUESE], ids=["en", "pt-br"])
def test_what_they_link_to_is_there(page: str) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", page):
        path, _, anchor = link.partition("#")
        if "://" not in link and path:
            assert Path(ROOT, "docs", path).exists(), link
        elif anchor:
            titles = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
            assert anchor in slugs, link


def test_every_alarm_variable_and_address_is_told() -> None:
    for name in re.findall(r'yield f?"(\w+)[:"]', ALARMS):
        assert f"`{name}" in ENGLISH
    for name in re.findall(
        r'(?:given|seconds|whole|price|listed)\("((?:SMS|ALARM|RETENTION|TWILIO|EMAIL|WEB)_\w+)"', SETTINGS
    ):
        if not name.endswith(("POLL_INTERVAL", "REDISPATCH_AFTER", "SENDING_TIMEOUT")):
            assert f"`{name}`" in ENGLISH, name
    for path in ("/panel/", "/api/webhooks/dead-letters/", "/api/webhooks/sms/inbound/"):
        assert path in ENGLISH
        assert resolve(path)
    assert f"`{Refusal.BAD_SECRET}`" in ENGLISH
