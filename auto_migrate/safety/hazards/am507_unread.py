"""AM507: nobody can tell beforehand what a statement or operation does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from auto_migrate.changes.change import Change, OpaqueChange
from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.phases.classify import ClassifiedMigration
from auto_migrate.safety.hazard import EVERYWHERE, Found, Harm, Hazard, ServerFacts, Site

# So many are named.
MOST = 3


class Unjudged(Hazard):
    code = "AM507"
    slug = "unread"
    title = gettext_noop("A statement or operation could not be read")
    harm = Harm.RISKS
    vendors = EVERYWHERE

    def look(self, migration: ClassifiedMigration, server: ServerFacts, new: NewObjects) -> Iterator[Found]:
        """Say once for each reason what of a migration could not be read."""
        unread: dict[str, list[tuple[int, str]]] = {}
        for operation, change in migration.changes():
            if isinstance(change, OpaqueChange):
                unread.setdefault(change.reason.rstrip("."), []).append((operation.index, change.text))
        problem = _("Nothing is known of what this does, and no hazard in it was found: {text} ({reason}).")
        for reason, places in unread.items():
            indexes, texts = {index for index, _text in places}, dict.fromkeys(text for _index, text in places)
            place = next(iter(indexes)) if len(indexes) == 1 else None
            yield Found("", problem.format(text=listed(list(texts)), reason=reason), operation=place)

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        """Find nothing in a single change."""
        return iter(())


def listed(texts: Sequence[str]) -> str:
    """Name a few of several things, and how many there are besides."""
    named, more = "; ".join(texts[:MOST]), len(texts) - MOST
    if more <= 0:
        return named
    return ngettext("{named}; and {count} more", "{named}; and {count} more", more).format(named=named, count=more)
