"""The outcomes as text: a line each while it runs, and the table of the document."""

from __future__ import annotations

import platform
from collections.abc import Sequence

from benchmarks.report import table
from corpus.environments import django
from corpus.outcome import Outcome, State

HEADS = ("package", "migrations", "tables", "views", "triggers", "outcome")
SHORT = 200


def summary(outcome: Outcome) -> str:
    """Return the state, with what is wrong or the reason."""
    wrong = "; ".join(f"{name}: {said}" for name, said in outcome.wrong.items())
    return ", ".join(filter(None, [str(outcome.state), outcome.reason, wrong]))


def report(outcomes: Sequence[Outcome], unknown: Sequence[str], server_version: str) -> str:
    """Return the section of the document; `unknown` are packages that wait to be examined."""
    identical = [each for each in outcomes if each.state is State.IDENTICAL]
    different = [each for each in outcomes if each.state is State.DIFFERENT]
    others = [each for each in outcomes if each.state in {State.STOCK_FAILS, State.NOT_INSTALLED}]
    rows = [
        [
            ", ".join(each.packages),
            *map(str, (each.migrations, each.tables, each.views, each.triggers)),
            cell(summary(each)),
        ]
        for each in (*different, *identical)
    ]
    versions = f"PostgreSQL {server_version}, {django().replace('==', ' ')}, Python {platform.python_version()}"
    migrations = sum(each.migrations for each in identical)
    parts = [
        f"{versions}: {len(identical)} of {len(rows)} identical, {migrations:,} migrations in all.",
        table(HEADS, rows),
    ]
    if others:
        parts.append("Looked at, and not to be had here, or not migrated by stock `migrate` either:")
        parts.append(table(("package", "reason"), [[", ".join(each.packages), cell(summary(each))] for each in others]))
    if unknown:
        parts.append(f"Not examined with this code yet: {', '.join(unknown)}.")
    return "\n\n".join(parts)


def cell(text: str) -> str:
    """Return a text that fits into a cell of a table."""
    text = text.replace("|", "\\|").replace("<", "&lt;")
    return text if len(text) <= SHORT else f"{text[:SHORT]}…"
