"""Options that every command of this app reads alike."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.utils.translation import gettext as _

from auto_migrate.conf import LONGEST, BadSetting, get_settings, unknown_keys, unknown_variables
from auto_migrate.exceptions import AutoMigrateError, summary_of
from auto_migrate.exit_codes import ExitCode
from auto_migrate.interrupts import seen_to_end, seen_to_exit
from auto_migrate.redaction import printable


def number(kind: type[int] | type[float], minimum: float) -> Callable[[str], Any]:
    """Return an argparse type that takes finite numbers not below `minimum`; those with a fraction are durations."""

    def parse(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(_("{text!r} is not a number.").format(text=text)) from None
        if not minimum <= value < float("inf"):
            problem = _("{text!r} is not allowed: a number of at least {minimum:g} is needed.")
            raise argparse.ArgumentTypeError(problem.format(text=text, minimum=minimum))
        if kind is float and value > LONGEST:
            problem = _("{text!r} is not allowed: a number of at most {maximum} is needed.")
            raise argparse.ArgumentTypeError(problem.format(text=text, maximum=LONGEST))
        return value

    return parse


def add_database(parser: CommandParser) -> None:
    """Add `--database`, which may be given several times."""
    parser.add_argument(
        "--database",
        action="append",
        choices=tuple(connections),
        metavar="ALIAS",
        dest="databases",
        help=f"Database alias; may be given several times. Default: {DEFAULT_DB_ALIAS}.",
    )


@contextlib.contextmanager
def exit_codes(*, of_django: bool = False) -> Iterator[None]:
    """Turn what the engine raises into the command's message and exit code; the one place where this is done.

    What Django's own command raises of a database, `of_django`, stays as it is.
    """
    with seen_to_end():
        try:
            check_settings()
            with seen_to_exit():
                yield
        except AutoMigrateError as error:
            raise CommandError(str(error), returncode=error.exit_code) from error
        except BadSetting as error:
            raise CommandError(printable(str(error)), returncode=ExitCode.USAGE) from error
        except Error as error:
            if of_django:
                raise
            raise refused_outside(error) from error
        except KeyboardInterrupt as error:
            raise CommandError(_("Stopped at once by a second signal."), returncode=ExitCode.INTERRUPTED) from error
        except SystemExit as error:
            # Of code of others, before or after a run: `sys.exit(0)` there must not pass for an answer.
            text = _("The run was ended from within: {error}.").format(error=summary_of(error))
            raise CommandError(printable(text), returncode=ExitCode.MIGRATION_FAILED) from error


def refused_outside(error: Error) -> CommandError:
    """Return how a command ends at what the database says of a statement of its own.

    Those of migrations, and of databases that cannot be used, are told apart by the engine.
    """
    from auto_migrate.planning.raised_at import raised_at

    text = _("The database refused a statement outside of any migration: {error}").format(error=summary_of(error))
    own = _("A table or view of a name of Django's or of auto_migrate's may be somebody else's. More: --traceback")
    hint = "\n".join(raised_at(error)) or own
    return CommandError(str(AutoMigrateError(text, hint=hint)), returncode=ExitCode.MIGRATION_FAILED)


def check_settings() -> None:
    """Raise `BadSetting` for a setting that means nothing, before anything is done with the others."""
    if unknown := unknown_keys():
        text = _("AUTO_MIGRATE has unknown keys: {names}. See: {command}")
        raise BadSetting(text.format(names=", ".join(unknown), command="manage.py check"))
    get_settings()
    for name in unknown_variables():
        # A name that belongs to somebody else must not stop a deploy; one that was mistyped must not go unseen.
        sys.stderr.write(_("{name} is no setting of auto_migrate and was passed over.").format(name=name) + "\n")
