"""Findings that a bridge takes care of, and the reason where none can."""

from __future__ import annotations

from django.utils.translation import gettext as _

from auto_migrate.changes.bridgeable import is_bridged, obstacle
from auto_migrate.changes.change import AddColumn, SetNotNull
from auto_migrate.findings import Handled
from auto_migrate.safety.hazard import Found, Site
from auto_migrate.safety.late import runs_late


def served(change: AddColumn | SetNotNull, site: Site, problem: str, instead: str) -> Found:
    """Return what is found about a required column, and whether the database serves writers that do not fill it."""
    late = runs_late(site.migration)
    if is_bridged(change, site.server.vendor, late=late):
        return Found(change.table, problem, instead, handled=Handled.BRIDGE)
    reason = "" if late else obstacle(change, site.server.vendor)
    if reason:
        problem = f"{problem} " + _("No bridge can serve it: {reason}.").format(reason=reason)
    return Found(change.table, problem, instead)
