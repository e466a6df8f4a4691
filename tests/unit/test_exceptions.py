"""The exit codes are a contract: one meaning each, and the same wherever they are told."""

from __future__ import annotations

import re

import pytest

from auto_migrate import exceptions
from auto_migrate.exceptions import AutoMigrateError, DatabaseRefused, TransientError
from auto_migrate.exit_codes import ExitCode
from auto_migrate.management.commands.auto_migrate import EPILOG
from tests.manage import ROOT

ERRORS = AutoMigrateError.__subclasses__()
CODES = {int(code) for code in ExitCode}


def test_every_error_has_an_exit_code_of_its_own() -> None:
    codes = [int(error.exit_code) for error in ERRORS]
    assert sorted(codes) == sorted(CODES - {ExitCode.DONE})


def test_the_codes_are_the_ones_that_scripts_depend_on() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "DONE": 0,
        "MIGRATION_FAILED": 1,
        "USAGE": 2,
        "UNREACHABLE": 3,
        "REFUSED": 4,
        "LOCK_TIMEOUT": 5,
        "PLAN_REFUSED": 6,
        "DIVERGED": 7,
        "INTERRUPTED": 8,
        "BEHIND": 9,
        "BACKFILL_UNFINISHED": 10,
    }


def test_the_modules_docstring_tells_every_error_with_its_code() -> None:
    told = re.findall(r"^[├└]── (\w+) +(\d+)  \S", exceptions.__doc__ or "", re.MULTILINE)
    assert dict(told) == {error.__name__: str(int(error.exit_code)) for error in ERRORS}


@pytest.mark.parametrize("readme", ["README.md", "README.pt-BR.md"])
def test_the_readme_tells_every_code_once(readme: str) -> None:
    told = re.findall(r"^\| (\d+) \| [^|]+ \|", (ROOT / readme).read_text("utf-8"), re.MULTILINE)
    assert told == [str(code) for code in sorted(CODES)]


def test_the_help_tells_every_code_once() -> None:
    codes, _examples = EPILOG.split("examples:")
    assert sorted(re.findall(r"(?:^ |  )(\d+) \S", codes, re.MULTILINE), key=int) == [
        str(code) for code in sorted(CODES)
    ]


def test_an_error_reads_as_its_message_and_then_its_hint() -> None:
    error = DatabaseRefused("The door is shut.", hint="Ring the bell.")
    assert (error.message, error.hint, str(error)) == (
        "The door is shut.",
        "Ring the bell.",
        "The door is shut.\nRing the bell.",
    )
    assert str(DatabaseRefused("The door is shut.")) == "The door is shut."


def test_a_passing_fault_is_nothing_that_a_command_could_end_with() -> None:
    assert not issubclass(TransientError, AutoMigrateError)
    assert str(TransientError("It rains.", detail="a lot")) == "It rains."
