"""Workflow commands: read back as the runner of GitHub Actions reads them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from auto_migrate.findings import Acknowledgement, Level
from auto_migrate.reporting.assessments.github import command, render
from tests.unit.reporting.assessments.reports import NASTY, finding, report


@dataclasses.dataclass
class Command:
    name: str
    properties: dict[str, str]
    message: str


def unescape(text: str, *signs: str) -> str:
    """Turn back in the runner's order: the percent sign last (ActionCommand.cs)."""
    for sign in signs:
        text = text.replace(f"%{ord(sign):02X}", sign)
    return text.replace("%25", "%")


def parse(line: str) -> Command:
    """Read a command as the runner does: up to the second pair of colons, properties at commas and equal signs."""
    assert line.startswith("::")
    head, _colons, message = line[2:].partition("::")
    name, _blank, told = head.partition(" ")
    pairs = (pair.partition("=") for pair in told.split(","))
    return Command(
        name,
        {key: unescape(value, "\r", "\n", ":", ",") for key, _equals, value in pairs},
        unescape(message, "\r", "\n"),
    )


def test_a_finding_is_shown_at_the_lines_of_its_operation(tmp_path: Path) -> None:
    [line, summary] = render(report(finding(instead="Do\n  this"), folder=tmp_path)).splitlines()
    told = parse(line)
    assert told.name == "error"
    assert told.properties == {
        "title": "AM109 An index is built while writes wait",
        "file": "my shop/0002_note_index.py",
        "line": "6",
        "endLine": "8",
    }
    assert told.message.startswith("shop.0002_note_index: It blocks.\n")
    assert told.message.endswith("Instead:\nDo\n  this")
    assert summary == "1 migration judged for PostgreSQL 15.4: 1 error, 0 warnings, 0 notices; 0 acknowledged."


def test_levels_are_those_of_the_workflow_commands(tmp_path: Path) -> None:
    lines = render(report(*map(finding, Level), folder=tmp_path)).splitlines()
    assert [parse(line).name for line in lines[:-1]] == ["notice", "warning", "error"]


def test_whatever_a_text_has_stays_within_its_command(tmp_path: Path) -> None:
    [line, _summary] = render(report(finding(title=NASTY, problem=NASTY), folder=tmp_path)).split("\n")[:-1]
    told = parse(line)
    assert told.properties["title"] == f"AM109 {NASTY}"
    assert NASTY in told.message


def test_the_escapes_are_those_of_the_toolkit() -> None:
    """The expected lines are those of actions/toolkit, packages/core/__tests__/command.test.ts."""
    escaped = "%25 percent %25 percent %0D cr %0D cr %0A lf %0A lf"
    text = "% percent % percent \r cr \r cr \n lf \n lf"
    assert command("some-command", {"name": f"{text} : colon : colon , comma , comma"}, text) == (
        f"::some-command name={escaped} %3A colon %3A colon %2C comma %2C comma::{escaped}"
    )


def test_what_somebody_acknowledged_is_not_shown(tmp_path: Path) -> None:
    [summary] = render(report(finding(acknowledged="known"), folder=tmp_path)).splitlines()
    assert summary.endswith("0 notices; 1 acknowledged.")


def test_an_acknowledgement_that_matches_nothing_is_told(tmp_path: Path) -> None:
    unmatched = [Acknowledgement("AM301", "shop.0001_initial", "gone", "settings")]
    [line, _summary] = render(report(folder=tmp_path, unmatched=unmatched)).splitlines()
    assert parse(line).name == "warning"
    assert "AM301" in parse(line).message


def test_a_file_outside_of_the_repository_is_not_named(tmp_path: Path) -> None:
    [line, _summary] = render(report(finding(), folder=tmp_path, inside=False)).splitlines()
    assert set(parse(line).properties) == {"title"}
