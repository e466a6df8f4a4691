"""Drift as people read it on a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext, override

from auto_migrate.drift.differences import Difference, DifferenceKind, ObjectType
from auto_migrate.drift.drift_events import DriftChecked, DriftFound
from auto_migrate.events import Context, Event
from auto_migrate.redaction import printable_fields
from auto_migrate.reporting.console import Console

PARTS = {
    ObjectType.TABLE: gettext_noop("table"),
    ObjectType.COLUMN: gettext_noop("column"),
    ObjectType.DEFAULT: gettext_noop("default of column"),
    ObjectType.COLLATION: gettext_noop("collation of column"),
    ObjectType.COMMENT: gettext_noop("comment on"),
    ObjectType.CONSTRAINT: gettext_noop("constraint"),
    ObjectType.INDEX: gettext_noop("index"),
    ObjectType.SEQUENCE: gettext_noop("sequence"),
}
WORDS = {
    DifferenceKind.MISSING: gettext_noop("{what} is missing: {expected}"),
    DifferenceKind.EXTRA: gettext_noop("{what} is in no model: {actual}"),
    DifferenceKind.DIFFERENT: gettext_noop("{what} is {actual}, expected is {expected}"),
    DifferenceKind.INVALID: gettext_noop("{what} is INVALID, and no query uses it: {actual}"),
    DifferenceKind.NOT_VALID: gettext_noop("{what} is NOT VALID, and holds new rows only: {actual}"),
    DifferenceKind.BEHIND: gettext_noop("{what} gives {actual} next, and a row has {expected} already"),
    DifferenceKind.UNKNOWN: gettext_noop("{what} cannot be compared: {expected}"),
}


class DriftConsole(Console):
    """Tells of drift, beside what happens in any run."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.table = ""

    def __call__(self, event: Event, context: Context) -> None:
        super().__call__(event, context)
        if self.verbosity < 1:
            return
        event = printable_fields(event)
        with override(self.language):
            if isinstance(event, DriftFound):
                self.tell(event)
            elif isinstance(event, DriftChecked):
                self.lines(summary(event))

    def tell(self, event: DriftFound) -> None:
        """Write one difference, under the heading of its table."""
        if event.difference.table != self.table:
            self.table = event.difference.table
            self.line(f"  {self.table} ({event.app_label})")
        told = describe_difference(event.difference)
        if event.made_by is not None:
            told = _("{difference} (by SQL of {migration})").format(difference=told, migration=event.made_by)
        self.line(f"    {told}")


def describe_difference(difference: Difference) -> str:
    """Say one difference in a sentence, its table left out."""
    what = " ".join(filter(None, (_(PARTS[difference.part]), difference.name)))
    if difference.part in {ObjectType.CONSTRAINT, ObjectType.INDEX} and not difference.name:
        what += f" ({', '.join(difference.columns)})"
    if difference.part is ObjectType.TABLE and difference.kind is DifferenceKind.MISSING:
        return _("the table is missing")
    return _(WORDS[difference.kind]).format(what=what, expected=difference.expected, actual=difference.actual)


def summary(event: DriftChecked) -> Iterator[str]:
    """Return how it came out."""
    if event.unclaimed:
        yield _("📎 Tables that no model knows: {names}").format(names=", ".join(event.unclaimed))
    text = _("✅ No drift: what the recorded migrations make is there; tables compared: {tables}.")
    if event.count:
        text = ngettext(
            "⚠️  Drift: {count} difference; tables compared: {tables}.",
            "⚠️  Drift: {count} differences; tables compared: {tables}.",
            event.count,
        )
    yield text.format(count=event.count, tables=event.tables)
