"""AM410: a view, function, sequence or type that the running release may use goes, or gets another name."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change
from auto_migrate.changes.object_change import DropObject, RenameObject
from auto_migrate.safety.after_deploy import late
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site


class ObjectGone(Hazard):
    code = "AM410"
    slug = "object-gone"
    title = gettext_noop("A view, function, sequence or type that queries use is dropped or renamed")
    harm = Harm.BREAKS

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, DropObject | RenameObject) or change.table in site.new.objects:
            return
        # What goes along was perhaps forgotten: then the new code misses it as much.
        if not getattr(change, "along", "") and (site.migration.decision.waits or is_replaced(change, site)):
            return
        names = {"kind": change.kind, "name": change.table, "to": getattr(change, "to", "")}
        yield Found(
            change.table, problem(change).format(**names, along=getattr(change, "along", "")), instead(change, site)
        )


def is_replaced(change: Change, site: Site) -> bool:
    """Return whether the same transaction makes it again, so that nobody sees it gone."""
    return isinstance(change, DropObject) and change.again and bool(site.migration.migration.atomic)


def problem(change: DropObject | RenameObject) -> str:
    """Say what goes, and how."""
    if isinstance(change, RenameObject):
        return _(
            "From the moment that {kind} {name} is called {to}, every query of the running release that names it fails."
        )
    if change.along:
        return _(
            "{along} takes {kind} {name} along, without a word (CASCADE), and every query of the running release that "
            "uses it fails."
        )
    if change.again:
        return _(
            "{kind} {name} is dropped and made again outside of a transaction: what the running release asks of it in "
            "between fails."
        )
    return _("{kind} {name} is dropped, and every query of the running release that uses it fails.")


def instead(change: DropObject | RenameObject, site: Site) -> str:
    """Return the same for when the old code is gone; a name is none that only one release can know."""
    return late(site, "AM410") if isinstance(change, DropObject) and not change.along and not change.again else ""
