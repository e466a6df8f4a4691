"""AM507: nobody can tell beforehand what a statement or operation does."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change, OpaqueChange
from auto_migrate.safety.hazard import EVERYWHERE, Found, Harm, Hazard, Site


class Unjudged(Hazard):
    code = "AM507"
    slug = "unread"
    title = gettext_noop("A statement or operation could not be read")
    harm = Harm.RISKS
    vendors = EVERYWHERE

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if isinstance(change, OpaqueChange):
            problem = _("Nothing is known of what this does, and no hazard in it was found: {text} ({reason}).")
            yield Found("", problem.format(text=change.text, reason=change.reason.rstrip(".")))
