"""Bridges as people read of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.values import Bridge, BridgeKind

if TYPE_CHECKING:
    # Most deploys have no plan, and the console is imported by all.
    from auto_migrate.findings import PlannedBridge

WORDS = {
    BridgeKind.DEFAULT: gettext_noop("{place} keeps its default in the database"),
    BridgeKind.FILL: gettext_noop("NULL that is written into {place} becomes its default"),
    BridgeKind.NOT_NULL: gettext_noop("{place} takes NULL"),
    BridgeKind.FOREIGN_KEY: gettext_noop("{place} is held to no foreign key"),
}


def bridge_line(bridge: Bridge) -> str:
    """Say what a bridge does, and for which migration it was raised."""
    return f"{what(bridge)} ({bridge.migration})"


def what(bridge: Bridge | PlannedBridge) -> str:
    """Say what a bridge does."""
    # A name with its schema is quoted in the middle.
    place = ".".join(filter(None, (bridge.table.replace('"', ""), bridge.column)))
    return _(WORDS[bridge.kind]).format(place=place)
