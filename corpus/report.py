"""The outcomes as text: a line each while it runs, and the tables of the document."""

from __future__ import annotations

import platform
from collections.abc import Sequence

from benchmarks.report import table
from corpus.environments import django
from corpus.outcome import Outcome, State

HEADS = ("package", "migrations", "tables", "views", "triggers", "outcome")
SAID_HEADS = ("package", "step", "output")
SHORT = 200


def summary(outcome: Outcome) -> str:
    """Return the state, with what was said at which step."""
    return "; ".join([str(outcome.state), *(f"{step}: {said}" for step, said in outcome.said.items())])


def report(outcomes: Sequence[Outcome], unknown: Sequence[str], server_version: str) -> str:
    """Return the section of the document; `unknown` are packages that wait to be examined.

    Words are few and in sentences and cells of their own, so that they can be translated; the rest is code.
    """
    different, empty, identical, failing, missing = (
        [each for each in outcomes if each.state is state]
        for state in (State.DIFFERENT, State.EMPTY, State.IDENTICAL, State.STOCK_FAILS, State.NOT_INSTALLED)
    )
    same = [*empty, *identical]
    versions = f"PostgreSQL {server_version}, {django().replace('==', ' ')}, Python {platform.python_version()}"
    migrations = sum(each.migrations for each in same)
    parts = [
        (
            f"{versions}: {len(same)} of {len(different) + len(same)} identical ({len(empty)} on empty tables alone), "
            f"{migrations:,} migrations in all."
        ),
        table(HEADS, [row(each) for each in (*different, *same)]),
    ]
    if told := sayings([*different, *empty]):
        parts += ["What is different, or could not be compared on filled tables:", table(SAID_HEADS, told)]
    if told := sayings([*failing, *missing]):
        parts += [
            "Looked at, and not to be had here, or not migrated by stock `migrate` either:",
            table(SAID_HEADS, told),
        ]
    if unknown:
        parts.append(f"Not examined with this code yet: {', '.join(unknown)}.")
    return "\n\n".join(parts)


def row(outcome: Outcome) -> list[str]:
    """Return the cells of a package that was examined."""
    counts = (outcome.migrations, outcome.tables, outcome.views, outcome.triggers)
    return [", ".join(outcome.packages), *map(str, counts), str(outcome.state)]


def sayings(outcomes: Sequence[Outcome]) -> list[list[str]]:
    """Return the cells of what was said of packages, at each step."""
    return [[", ".join(each.packages), step, code(said)] for each in outcomes for step, said in each.said.items()]


def code(text: str) -> str:
    """Return the words of a program as code that fits into a cell of a table."""
    text = " ".join(text.split()).replace("`", "'").replace("\\", "/")
    shown = text if len(text) <= SHORT else f"{text[:SHORT]}…"
    return "`{}`".format(shown.replace("|", r"\|") or "?")
