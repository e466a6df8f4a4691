"""The pages of docs/reference/ name what there is: every option, setting, exit code and public name."""

from __future__ import annotations

import argparse
import re
from importlib import import_module

from django.core.management.base import BaseCommand

import auto_migrate
from auto_migrate.conf import FIELDS
from auto_migrate.exit_codes import ExitCode
from tests.entries import each_entry
from tests.manage import ROOT

COMMANDS = (
    "auto_migrate", "wait_for_db", "wait_for_migrations", "backfills", "assess_migrations", "rehearse_migrations",
)  # fmt: skip
# What every command takes.
OF_DJANGO = {action.dest for action in BaseCommand().create_parser("manage.py", "any")._actions}


def page(name: str) -> str:
    """Return a page of the reference."""
    return (ROOT / "docs/reference" / name).read_text("utf-8")


def rows(text: str) -> dict[str, list[str]]:
    """Return the cells of each row of the tables behind the first, by each name in that one."""
    lines = re.findall(r"^\| *(`.*)\|$", text, re.MULTILINE)
    found = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)] for line in lines]
    return {name: cells for names, *cells in found for name in re.findall(r"`([^`]+)`", names)}


def told(command: str) -> dict[str, list[str]]:
    """Return the rows of a command's options."""
    return rows(page("commands.md").partition(f"\n## `{command}`\n")[2].partition("\n## ")[0])


def options(command: str) -> dict[str, argparse.Action]:
    """Return what a command takes beside what all take, by each of its names."""
    module = import_module(f"auto_migrate.management.commands.{command}")
    actions = module.Command().create_parser("manage.py", command)._actions
    ours = [action for action in actions if action.dest not in OF_DJANGO and action.help != argparse.SUPPRESS]
    return {name: action for action in ours for name in (action.option_strings or [action.dest])}


@each_entry("command", COMMANDS)
def test_every_option_of_a_command_is_told_and_no_other(command: str) -> None:
    assert set(told(command)) - {"--skip-checks"} == set(options(command))


@each_entry("command", COMMANDS)
def test_defaults_and_choices_of_an_option_are_told(command: str) -> None:
    for name, action in options(command).items():
        default, meaning = told(command)[name]
        if isinstance(action.default, int | float) and not isinstance(action.default, bool):
            assert default == f"{action.default:g}", name
        # Which aliases there are is the project's own.
        for choice in () if name == "--database" else (action.choices or ()):
            assert f"`{choice}`" in default + meaning, (name, choice)


@each_entry("name", ["exit-codes.md", "exit-codes.pt-BR.md"])
def test_every_exit_code_has_its_row(name: str) -> None:
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", page(name), re.MULTILINE)] == sorted(ExitCode)


def test_every_setting_has_its_row_with_its_default() -> None:
    settings = rows(page("settings.md"))
    assert set(settings) == set(FIELDS)
    for name, field in FIELDS.items():
        if isinstance(field.default, bool | int | float):
            assert settings[name][0].strip("`") in {str(field.default), f"{field.default:g}"}, name


def test_every_public_name_is_on_the_page_of_the_api() -> None:
    shown = set(re.findall(r"heading: auto_migrate\.(\w+)\b", page("python.md")))
    assert set(auto_migrate.__all__) - {"__version__"} <= shown
