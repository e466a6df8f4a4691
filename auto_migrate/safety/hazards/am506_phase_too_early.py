"""AM506: a migration is for before the deploy and depends on one that is for after it."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change
from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.phases.classify import ClassifiedMigration
from auto_migrate.safety.hazard import EVERYWHERE, Found, Harm, Hazard, ServerFacts, Site

WAYS = """\
# If {behind} was left by an earlier deploy, finish that one first:
#     manage.py auto_migrate --phase post_deploy
# If both are new, let this migration come first, or wait as well if the new code can do without it:
class Migration(migrations.Migration):
    phase = "post_deploy\""""


class PhaseTooEarly(Hazard):
    code = "AM506"
    slug = "phase-too-early"
    title = gettext_noop("A migration for before the deploy depends on one for after it")
    harm = Harm.FAILS
    vendors = EVERYWHERE

    def look(self, migration: ClassifiedMigration, server: ServerFacts, new: NewObjects) -> Iterator[Found]:
        """Find a migration that cannot run when the new code needs it, where phases are kept."""
        if not (migration.decision.kept and migration.decision.comes_too_early):
            return
        behind = ", ".join(map(str, migration.decision.behind))
        problem = _(
            "The new code may need {migration} before it starts, and it depends on {behind}, which waits until the "
            "old code is gone. The release step applies neither."
        )
        yield Found("", problem.format(migration=migration.key, behind=behind), WAYS.format(behind=behind))

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        """Find nothing in a single change."""
        return iter(())
