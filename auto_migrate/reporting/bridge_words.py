"""Bridges as people read of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from auto_migrate.fleet_events import first_names
from auto_migrate.values import Bridge, BridgeKind

if TYPE_CHECKING:
    # Most deploys have no plan, and the console is imported by all.
    from auto_migrate.findings import PlannedBridge

# How many names are told of many.
MOST = 5
WORDS = {
    BridgeKind.DEFAULT: gettext_noop("{place} keeps its default in the database"),
    BridgeKind.FILL: gettext_noop("NULL that is written into {place} becomes its default"),
    BridgeKind.NOT_NULL: gettext_noop("{place} takes NULL"),
    BridgeKind.FOREIGN_KEY: gettext_noop("{place} is held to no foreign key"),
    BridgeKind.HELD_NOT_NULL: gettext_noop("{place} goes on taking NULL"),
    BridgeKind.HELD_CONSTRAINT: gettext_noop("{place} goes on taking what its new constraint refuses"),
}


def bridge_line(bridge: Bridge) -> str:
    """Say what a bridge does, and for which migration it was raised."""
    return f"{what(bridge)} ({bridge.migration})"


def bridge_lines(bridges: Iterable[Bridge]) -> Iterator[str]:
    """Say the same of several; those of many schemas that are alike are told in one line."""
    return (line_of(bridge, schemas) for bridge, schemas in grouped(bridges))


def line_of(bridge: Bridge, schemas: Sequence[str]) -> str:
    """Say the same of one that stands for those of some schemas, if there are any."""
    if not schemas:
        return bridge_line(bridge)
    count = len(schemas)
    text = ngettext("{bridge}, in {count} schema: {names}", "{bridge}, in {count} schemas: {names}", count)
    return text.format(bridge=bridge_line(bridge), count=count, names=first_names(schemas, MOST))


def grouped(bridges: Iterable[Bridge]) -> list[tuple[Bridge, tuple[str, ...]]]:
    """Put together what is alike but for its schema: one of the bridges, and the schemas of all of them."""
    found: dict[tuple[object, ...], list[Bridge]] = {}
    for bridge in bridges:
        kind = (bridge.kind, bridge.migration, bridge.table, bridge.column, bridge.name)
        found.setdefault((*kind, bridge.released_at is None, bool(bridge.schema)), []).append(bridge)
    return [(alike[0], tuple(sorted(bridge.schema for bridge in alike if bridge.schema))) for alike in found.values()]


def what(bridge: Bridge | PlannedBridge) -> str:
    """Say what a bridge does."""
    # A name with its schema is quoted in the middle.
    place = ".".join(filter(None, (bridge.table.replace('"', ""), bridge.column)))
    return _(WORDS[bridge.kind]).format(place=place)
