"""An adoption as people read it on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from auto_migrate.adoption.adoption_events import AdoptionExamined, AppHeldBack, ProofMissing, TableContradicted
from auto_migrate.events import Context, Event, RunSucceeded
from auto_migrate.record_events import MigrationsAdopted
from auto_migrate.redaction import printable_fields
from auto_migrate.reporting.console import Console
from auto_migrate.reporting.drift_console import describe_difference
from auto_migrate.values import MigrationKey

# So many names of an app are listed, whatever they are.
LISTED = 3


class AdoptionConsole(Console):
    """Tells what may be recorded and what not, beside what happens in any run."""

    def __call__(self, event: Event, context: Context) -> None:
        # It carries nothing out.
        if not isinstance(event, RunSucceeded):
            super().__call__(event, context)
        if self.verbosity > 0 and type(event) in LINES:
            with override(self.language):
                self.lines(LINES[type(event)](printable_fields(event)))


def contradiction_lines(event: TableContradicted) -> Iterator[str]:
    """Return what sets a table apart."""
    text = _("❌ {table} ({app_label}) is there as no migration makes it:")
    yield text.format(table=event.table, app_label=event.app_label)
    yield from (f"    {describe_difference(difference)}" for difference in event.differences)


def question_lines(event: ProofMissing) -> Iterator[str]:
    """Return what only a person can know."""
    text = _("❓ {migration}: no schema proves that this was carried out, and nothing that is there builds on it:")
    if event.followed:
        text = _("❓ {migration}: no schema proves that this was carried out; what builds on it is there:")
    yield text.format(migration=event.migration)
    yield from (f"    {operation}" for operation in event.operations)


def held_back_lines(event: AppHeldBack) -> Iterator[str]:
    """Return why an app has to wait."""
    text = _("⏸️  {app_label} builds on what is not proven: {behind}")
    yield text.format(app_label=event.app_label, behind=", ".join(event.behind))


def examined_lines(event: AdoptionExamined) -> Iterator[str]:
    """Return what is proven and what is left."""
    if event.proven:
        yield _("🔎 Proven by the schema that is there:")
        yield from by_app(event.proven)
    else:
        yield _("🔎 There is nothing to be recorded.")
    if event.pending:
        yield _("⏭️  Not recorded, and left to a run:")
        yield from by_app(event.pending)


def adopted_lines(event: MigrationsAdopted) -> Iterator[str]:
    """Return that it is recorded."""
    count = len(event.migrations)
    text = ngettext("✅ Recorded {count} migration as applied.", "✅ Recorded {count} migrations as applied.", count)
    yield text.format(count=count)


def by_app(migrations: Sequence[MigrationKey]) -> Iterator[str]:
    """Return a line for each app with the names of its migrations."""
    ordered = sorted(migrations, key=lambda key: key.app_label)
    for label, group in groupby(ordered, key=lambda key: key.app_label):
        yield f"    {label}: {range_or_list([key.name for key in group])}"


def range_or_list(names: Sequence[str]) -> str:
    """Return names in a line; of many whose numbers follow one another, the first and the last with how many."""
    numbers = [int(name[:4]) if name[:4].isdecimal() else 0 for name in names]
    if len(names) <= LISTED or numbers != list(range(numbers[0], numbers[0] + len(names))):
        return ", ".join(names)
    text = _("{first} to {last} ({count} migrations)")
    return text.format(first=names[0], last=names[-1], count=len(names))


LINES: dict[type[Event], Callable[[Any], Iterator[str]]] = {
    TableContradicted: contradiction_lines,
    ProofMissing: question_lines,
    AppHeldBack: held_back_lines,
    AdoptionExamined: examined_lines,
    MigrationsAdopted: adopted_lines,
}
