"""The two READMEs say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.manage import ROOT

ENGLISH = (ROOT / "README.md").read_text("utf-8")
PORTUGUESE = (ROOT / "README.pt-BR.md").read_text("utf-8")
BOTH = pytest.mark.parametrize("readme", [ENGLISH, PORTUGUESE], ids=["en", "pt-br"])
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def blocks(readme: str) -> list[str]:
    return BLOCK.findall(readme)


def prose(readme: str) -> str:
    return BLOCK.sub("", readme)


def headings(readme: str) -> list[int]:
    return [len(marks) for marks in re.findall(r"^(#+) ", prose(readme), re.MULTILINE)]


def tables(readme: str) -> list[int]:
    """Return the number of cells of every row of every table."""
    return [row.count("|") for row in re.findall(r"^\|.*\|$", prose(readme), re.MULTILINE)]


def links(readme: str) -> list[str]:
    return re.findall(r"\]\(([^)]+)\)", readme)


def in_portuguese(link: str) -> str:
    """Return the Portuguese page that a link leads to, where there is one."""
    twin = link.replace(".md", ".pt-BR.md")
    return twin if (ROOT / twin.partition("#")[0]).exists() else link


def numbers(readme: str) -> list[str]:
    """Return the digits of all numbers of more than one, whichever sign parts their thousands and fractions."""
    return sorted(re.sub("[.,]", "", number) for number in re.findall(r"\d+(?:[.,]\d+)+", prose(readme)))


def test_they_have_the_same_headings() -> None:
    assert headings(PORTUGUESE) == headings(ENGLISH)


def test_they_have_the_same_blocks_of_code() -> None:
    assert blocks(PORTUGUESE) == blocks(ENGLISH)


def test_their_tables_have_the_same_rows() -> None:
    assert tables(PORTUGUESE) == tables(ENGLISH)


def test_they_link_to_the_same_places_and_to_each_other() -> None:
    assert "README.pt-BR.md" in links(ENGLISH)
    assert "README.md" in links(PORTUGUESE)
    others = [in_portuguese(link) for link in links(ENGLISH) if link != "README.pt-BR.md"]
    assert [link for link in links(PORTUGUESE) if link != "README.md"] == others


def test_they_tell_the_same_numbers() -> None:
    assert numbers(PORTUGUESE) == numbers(ENGLISH)


def test_they_name_the_same_commands_and_files_in_their_text() -> None:
    def names(readme: str) -> set[str]:
        return set(re.findall(r"`([^`]+)`", prose(readme)))

    assert names(PORTUGUESE) == names(ENGLISH)


@BOTH
def test_the_log_that_they_show_is_the_one_that_a_deploy_prints(readme: str) -> None:
    printed = (ROOT / "tests" / "e2e" / "golden" / "success.pt-br.txt").read_text("utf-8")
    assert f"```\n{printed}```" in blocks(readme)


@BOTH
def test_no_sentence_was_left_out(readme: str) -> None:
    """Portuguese takes about a fifth more room; what is much shorter than the other lacks something."""
    assert len(readme) > 0.8 * max(len(ENGLISH), len(PORTUGUESE))


@BOTH
def test_what_they_link_to_exists(readme: str) -> None:
    missing = [link for link in links(readme) if "://" not in link and not Path(ROOT, link).exists()]
    assert missing == []
