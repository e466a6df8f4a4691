"""Where a command's report goes: lines for people, or JSON lines on a standard output that is theirs alone."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandParser, OutputWrapper

from auto_migrate.events import Listener
from auto_migrate.reporting.console import Console
from auto_migrate.reporting.jsonlines import JsonLines
from auto_migrate.reporting.outlet import MarkedLines, Outlet


@dataclasses.dataclass(frozen=True)
class Output:
    """The listener that reports, and the stream for everybody else who is given one, such as signal receivers."""

    listener: Listener
    stdout: OutputWrapper
    # The same for one database of several that are told of side by side, whose lines say which; None where all do.
    of_database: Callable[[str], Output] | None = None

    def of(self, database: str) -> Output:
        """Return the output for one database of several."""
        return self if self.of_database is None else self.of_database(database)


def add_format(parser: CommandParser, *, of_drift: bool = False) -> None:
    """Add `--format`; `of_drift` adds what drift alone is written in."""
    also = " sarif, with --drift, is for code scanning." if of_drift else ""
    parser.add_argument(
        "--format",
        choices=("text", "json", "sarif") if of_drift else ("text", "json"),
        default="text",
        help="json writes one JSON object a line for every event, and nothing else to standard output."
        f"{also} Default: text.",
    )


@contextlib.contextmanager
def reporting(
    command: BaseCommand, options: dict[str, Any], *, lists_pending: bool = False, for_people: type[Console] = Console
) -> Iterator[Output]:
    """Return the output that the command's `--format` and `--verbosity` ask for; see `Console` for `lists_pending`."""
    write_unencodable(command)
    if options["format"] == "json":
        with kept_apart(command.stdout) as stream:
            yield Output(JsonLines(stream), command.stderr)
    elif options["format"] == "sarif":
        from auto_migrate.reporting.drift_sarif import DriftSarif

        log = DriftSarif(Path.cwd())
        with kept_apart(command.stdout) as stream:
            try:
                yield Output(log, command.stderr)
            finally:
                log.write(stream)
    elif options.get("sql"):
        # The release step does not pay for importing it.
        from auto_migrate.reporting.assessments.sql_script import SqlScript

        yield Output(SqlScript(command.stdout), command.stderr)
    else:
        told = {"style": command.style, "verbosity": options["verbosity"], "lists_pending": lists_pending}
        outlet = Outlet(command.stdout)

        with contextlib.ExitStack() as ends:

            def of_database(database: str) -> Output:
                lines: Any = MarkedLines(outlet, f"[{database}] ")
                ends.callback(lines.end)
                marked = OutputWrapper(lines)
                return Output(for_people(marked, **told, whole_lines=True), marked)

            yield Output(for_people(command.stdout, **told), command.stdout, of_database)


def write_unencodable(command: BaseCommand) -> None:
    """Let signs that a terminal's encoding lacks come out escaped instead of ending the deploy."""
    for stream in (command.stdout, command.stderr, sys.stdout, sys.stderr):
        reconfigure = getattr(getattr(stream, "_out", stream), "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def kept_apart(stdout: OutputWrapper) -> Iterator[TextIO]:
    """Return the stream behind `stdout`, and send to standard error what anybody else prints meanwhile."""
    stream: TextIO = getattr(stdout, "_out", sys.stdout)
    with contextlib.ExitStack() as stack:
        if stream is sys.stdout:
            stream = stack.enter_context(moved(stream))
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        yield stream


@contextlib.contextmanager
def moved(stream: TextIO) -> Iterator[TextIO]:
    """Return the file behind `stream` under a new descriptor; the old one leads to standard error meanwhile.

    Logging handlers hold the stream since Django started, and the child processes of a migration inherit the
    descriptor: neither looks at `sys.stdout`.
    """
    try:
        number, other = stream.fileno(), sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        # Not a file (a test, another program's console): there is nothing to inherit.
        yield stream
        return
    stream.flush()
    kept = os.dup(number)
    os.dup2(other, number)
    own = os.fdopen(kept, "w", encoding="ascii", closefd=False)
    try:
        yield own
    finally:
        # A reader that went away must not turn a finished deploy into a failed one.
        with contextlib.suppress(OSError):
            own.close()
        with contextlib.suppress(OSError):
            stream.flush()
        os.dup2(kept, number)
        os.close(kept)
