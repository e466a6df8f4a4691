"""Findings that a bridge takes care of, and the reason where none can."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _

from auto_migrate.changes.bridgeable import bridges_of, obstacle
from auto_migrate.changes.change import AddColumn, Change, DropColumn, DropDefault, DropTable, SetNotNull
from auto_migrate.phases.classify import ClassifiedMigration
from auto_migrate.safety.hazard import Found, Hazard, Site
from auto_migrate.values import BridgeKind

# The hazards of which a bridge takes care, and the changes that they are about.
BRIDGED: Mapping[str, tuple[type[Change], ...]] = {
    "AM403": (AddColumn,),
    "AM404": (SetNotNull,),
    "AM407": (DropDefault,),
    "AM409": (DropColumn, DropTable),
}


def is_handled_by_bridge(hazard: Hazard, found: Found, read: ClassifiedMigration, vendor: str) -> bool:
    """Return whether the database serves whoever would be hurt by what a hazard found."""
    about = [
        change
        for operation, change in read.changes()
        if operation.index == found.operation and change.table == found.table
        if isinstance(change, BRIDGED.get(hazard.code, ()))
    ]
    return bool(about) and all(is_served(change, vendor, late=read.decision.waits) for change in about)


def is_served(change: Change, vendor: str, *, late: bool) -> bool:
    """Return whether a change, done to a table that is in use, is bridged in all that it breaks."""
    kinds = {bridge.kind for bridge in bridges_of(change, vendor, late=late)}
    if isinstance(change, DropColumn) and change.required and BridgeKind.NOT_NULL not in kinds:
        return False
    return bool(kinds)


def with_obstacle(problem: str, change: AddColumn | SetNotNull | DropDefault, site: Site) -> str:
    """Return what is wrong with a column that nothing fills, and why no bridge can serve the running release."""
    reason = "" if site.migration.decision.waits else obstacle(change, site.server.vendor)
    return f"{problem} " + _("No bridge can serve it: {reason}.").format(reason=reason) if reason else problem
