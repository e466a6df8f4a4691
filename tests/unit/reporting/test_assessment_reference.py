"""`docs/reference/assessment.md` describes the command and the document that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path

from django.core.management.base import BaseCommand

from auto_migrate.exit_codes import ExitCode
from auto_migrate.management.commands.assess_migrations import Command
from auto_migrate.reporting.assessments.jsondoc import document
from tests.manage import ROOT
from tests.schemas import ASSESSMENT
from tests.unit.reporting.assessments.reports import finding, report

REFERENCE = (ROOT / "docs" / "reference" / "assessment.md").read_text("utf-8")


def options(command: BaseCommand) -> set[str]:
    """Return the long options of a command."""
    parser = command.create_parser("manage.py", "assess_migrations")
    return {text for action in parser._actions for text in action.option_strings if text.startswith("--")}


def test_the_options_are_those_of_the_command() -> None:
    described = set(re.findall(r"^\| `(--[a-z-]+)", REFERENCE, re.MULTILINE))
    assert described == options(Command()) - options(BaseCommand())


def test_the_exit_codes_are_those_that_it_can_end_with() -> None:
    codes = set(map(int, re.findall(r"^\| (\d) \|", REFERENCE, re.MULTILINE)))
    assert codes == {ExitCode.DONE, ExitCode.USAGE, ExitCode.PLAN_REFUSED, ExitCode.DIVERGED}


def test_the_example_is_a_document_of_the_schema() -> None:
    [example] = re.findall(r"^```json\n(.*?)^```$", REFERENCE, re.MULTILINE | re.DOTALL)
    ASSESSMENT.validate(json.loads(example))


def test_the_hardest_report_is_a_document_of_the_schema(tmp_path: Path) -> None:
    whole = finding(operation=None, acknowledged="known")
    ASSESSMENT.validate(json.loads(json.dumps(document(report(finding(), whole, folder=tmp_path)))))
