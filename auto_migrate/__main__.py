"""`python -m auto_migrate COMMAND`: as `manage.py COMMAND`, but what needs no models does not wait for any.

`wait_for_db` asks whether a database can be used, in the language of the project. Loading every app of a large project
for that takes longer than the answer.
"""

from __future__ import annotations

import sys

from django.apps import apps
from django.conf import settings
from django.core.management import execute_from_command_line, load_command_class
from django.core.management.base import CommandParser, handle_default_options
from django.utils.log import configure_logging

WITHOUT_MODELS = frozenset({"wait_for_db"})
PROGRAM = "python -m auto_migrate"


def main(arguments: list[str]) -> None:
    """Run the command that was asked for."""
    if arguments and arguments[0] in WITHOUT_MODELS:
        run_without_models(arguments[0], arguments[1:])
    else:
        execute_from_command_line([PROGRAM, *arguments])


def run_without_models(name: str, arguments: list[str]) -> None:
    """Run a command with the project's settings, logging and language, and no app but this one."""
    read_environment_options(arguments)
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    apps.populate(["auto_migrate"])
    load_command_class("auto_migrate", name).run_from_argv([PROGRAM, name, *arguments])


def read_environment_options(arguments: list[str]) -> None:
    """Heed `--settings` and `--pythonpath` before the settings are read, as Django does."""
    parser = CommandParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--settings")
    parser.add_argument("--pythonpath")
    options, _others = parser.parse_known_args(arguments)
    handle_default_options(options)


if __name__ == "__main__":
    main(sys.argv[1:])
