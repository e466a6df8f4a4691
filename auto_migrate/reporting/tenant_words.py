"""What people are told of the tenants of a database, and of its turn among several."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from auto_migrate.fleet_events import (
    SchemaFinished,
    SchemasCompared,
    SchemasProgressed,
    TenantEvent,
    TurnAwaited,
    first_names,
)
from auto_migrate.numerals import numeral
from auto_migrate.reporting.bridge_words import MOST


def lines_of(event: TenantEvent, schema: str) -> Iterator[str]:
    """Return the lines of an event; of a schema that ended well there is nothing to say but in sum."""
    match event:
        case SchemasCompared():
            yield from compared_lines(event)
        case SchemasProgressed():
            yield f"  {progress_line(event)}"
        case TurnAwaited():
            text = _("⏳ Waiting for the database {other} ({waited:.0f}s), which comes first")
            yield text.format(other=event.other, waited=event.waited)
        case SchemaFinished() if event.error:
            yield _("  ✖ {schema}: {error}").format(schema=schema, error=event.error)


def compared_lines(event: SchemasCompared) -> Iterator[str]:
    """Say what the tenants need, in a line for each plan that some of them share."""
    for plan in event.plans:
        count = len(plan.schemas)
        text = ngettext("🏢 {count} schema is behind ({names})", "🏢 {count} schemas are behind ({names})", count)
        told = text.format(count=numeral(count), names=first_names(plan.schemas, MOST))
        yield f"{told}: {', '.join(map(str, plan.migrations))}" if plan.migrations else told
    if event.unprovisioned:
        text = _("⚠️  Skipped, since they have no schema: {names}")
        yield text.format(names=first_names(event.unprovisioned, MOST))
    if event.drifting:
        text = _("⚠️  Their records differ from those of all others: {names}")
        yield text.format(names=first_names(event.drifting, MOST))


def progress_line(event: SchemasProgressed) -> str:
    """Say how far the schemas are: `1,204/3,000 schemas, 3 failed, 40 s left`."""
    text = _("{done}/{total} schemas, {failed} failed").format(
        done=numeral(event.done), total=numeral(event.total), failed=numeral(event.failed)
    )
    if event.left is None or event.done >= event.total:
        return text
    return _("{progress}, {left:.0f} s left").format(progress=text, left=event.left)
