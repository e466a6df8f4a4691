"""The comment on a pull request, read back by a parser of CommonMark with GitHub's tables."""

from __future__ import annotations

from html import unescape
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from auto_migrate.findings import Acknowledgement, Level
from auto_migrate.reporting.assessments.markdown import LIMIT, MARKER, render
from tests.unit.reporting.assessments.reports import NASTY, finding, report

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
FLAT = " ".join(NASTY.split())


def shown(inline: Token) -> str:
    """Return what a reader sees of a line: its texts and its code."""
    kinds = {"text", "code_inline", "text_special"}
    return "".join(child.content for child in inline.children or [] if child.type in kinds)


def rows(text: str) -> list[list[str]]:
    """Return the cells of every row of every table, as they are shown."""
    found: list[list[str]] = []
    for token, following in zip(tokens := PARSER.parse(text), [*tokens[1:], None], strict=True):
        if token.type == "tr_open":
            found.append([])
        elif token.type in {"td_open", "th_open"} and following:
            found[-1].append(shown(following))
    return found


def markup(text: str) -> set[str]:
    """Return the kinds of markup within lines."""
    return {child.type for token in PARSER.parse(text) for child in token.children or []}


def test_every_finding_has_a_row_of_a_table(tmp_path: Path) -> None:
    text = render(report(finding(), finding(acknowledged="known"), folder=tmp_path))
    assert rows(text) == [
        ["level", "code", "migration", "table", "finding"],
        ["❌ error", "AM109", "my shop/0002_note_index.py:6", "shop_order", "An index is built while writes wait"],
        ["☑️ acknowledged", "AM109", "my shop/0002_note_index.py:6", "shop_order",
         "An index is built while writes wait: known"],
    ]  # fmt: skip


def test_the_weightiest_come_first(tmp_path: Path) -> None:
    text = render(report(*map(finding, Level), folder=tmp_path))
    assert [row[0] for row in rows(text)[1:]] == ["❌ error", "⚠️ warning", "💬 notice"]


def test_whatever_a_text_has_is_shown_as_it_is(tmp_path: Path) -> None:
    text = render(report(finding(title=NASTY, problem=NASTY, table=NASTY), folder=tmp_path))
    [_head, row] = rows(text)
    assert row[3:] == [FLAT, FLAT]
    assert any(shown(token) == FLAT for token in PARSER.parse(text) if token.type == "inline")
    assert not markup(text) & {"strong_open", "link_open", "s_open", "image"}


def test_nobody_is_called_and_nothing_linked_by_a_name_in_a_text(tmp_path: Path) -> None:
    text = render(report(finding(problem="@team, see #12", title="@team, see #12"), folder=tmp_path))
    assert "@team" not in text
    assert "#12" not in text


def test_no_html_but_its_own(tmp_path: Path) -> None:
    text = render(report(finding(title=NASTY, problem=NASTY, acknowledged=None), folder=tmp_path))
    blocks = [token.content.strip() for token in PARSER.parse(text) if token.type == "html_block"]
    summary = blocks[1].removeprefix("<details><summary>").removesuffix("</summary>")
    assert blocks == [MARKER, f"<details><summary>{summary}</summary>", "</details>"]
    seen = summary.replace("<!-- -->", "")
    assert unescape(seen) == f"❌ AM109 shop.0002_note_index: {FLAT}"
    assert "<" not in seen


@pytest.mark.parametrize("start", ["1. one", "- one", "+ one", "# one", "= one", "> one", "12) one"])
def test_a_text_does_not_begin_a_block(tmp_path: Path, start: str) -> None:
    tokens = PARSER.parse(render(report(finding(problem=start), folder=tmp_path)))
    place = next(index for index, token in enumerate(tokens) if token.type == "inline" and shown(token) == start)
    assert tokens[place - 1].type == "paragraph_open"


def test_code_is_kept_to_the_letter(tmp_path: Path) -> None:
    code = 'RunSQL("""\n```\n<b>|</b>\n````\n""")'
    text = render(report(finding(instead=code), folder=tmp_path))
    [fence] = [token for token in PARSER.parse(text) if token.type == "fence"]
    assert (fence.info, fence.content) == ("python", f"{code}\n")


def test_codes_link_to_their_pages_where_there_are_some(tmp_path: Path) -> None:
    told = report(finding(), folder=tmp_path, docs_url="https://docs.example/hazards")
    [link] = [
        child for token in PARSER.parse(render(told)) for child in token.children or [] if child.type == "link_open"
    ]
    assert link.attrs["href"] == "https://docs.example/hazards/AM109.md"


@pytest.mark.parametrize("count", [90, 1_000])
def test_a_comment_that_github_would_refuse_is_cut_and_says_so(tmp_path: Path, count: int) -> None:
    many = [finding(problem=f"{number} 🐘 " * 100, title=f"finding {number}") for number in range(count)]
    text = render(report(*many, folder=tmp_path))
    assert LIMIT * 0.9 < len(text.encode("utf-16-le")) / 2 <= LIMIT
    tokens = PARSER.parse(text)
    assert any(token.type == "inline" and "are left out" in shown(token) for token in tokens)
    assert text.count("<details>") == text.count("</details>")
    # No row is half, and none follows one that was left out.
    titles = [row[4] for row in rows(text)[1:]]
    assert titles == [f"finding {number}" for number in range(len(titles))]


def test_one_that_fits_is_not_cut(tmp_path: Path) -> None:
    text = render(report(finding(), folder=tmp_path))
    assert "left out" not in text
    assert text.startswith(MARKER)


def test_the_heading_says_whether_it_fails(tmp_path: Path) -> None:
    assert "### ❌" in render(report(finding(), folder=tmp_path))
    assert "### ✅" in render(report(finding(Level.WARNING), folder=tmp_path))
    assert "### ✅" in render(report(finding(acknowledged="known"), folder=tmp_path))


def test_an_acknowledgement_that_matches_nothing_is_told(tmp_path: Path) -> None:
    unmatched = [Acknowledgement("AM301", "shop.0001_initial", "gone", "settings")]
    assert "AM301" in render(report(folder=tmp_path, unmatched=unmatched))
