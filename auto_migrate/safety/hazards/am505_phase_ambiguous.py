"""AM505: a migration does what is for before the deploy and what is for after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import AlterType, Change
from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.reading import OperationChanges
from auto_migrate.phases.classify import ClassifiedMigration, PhaseDecision
from auto_migrate.safety.hazard import EVERYWHERE, Found, Harm, Hazard, ServerFacts, Site
from auto_migrate.safety.suggestions import in_turn, written_operation
from auto_migrate.safety.suggestions import migration as written_migration

DECLARE = """\
class Migration(migrations.Migration):
    phase = "post_deploy"  # or "pre_deploy": only you know which code can do with it"""


class PhaseAmbiguous(Hazard):
    code = "AM505"
    slug = "phase-ambiguous"
    title = gettext_noop("A migration is for before the deploy and for after it")
    harm = Harm.BREAKS
    vendors = EVERYWHERE

    def look(self, migration: ClassifiedMigration, server: ServerFacts, new: NewObjects) -> Iterator[Found]:
        """Find a migration whose operations do not agree, where phases are kept."""
        decision = migration.decision
        if decision.kept and decision.is_ambiguous and not is_covered_elsewhere(decision):
            yield Found("", problem(decision), instead(migration))

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        """Find nothing in a single change."""
        return iter(())


def is_covered_elsewhere(decision: PhaseDecision) -> bool:
    """Return whether all that is to blame is a hazard of its own: a rename, or a known type that becomes another."""
    return not decision.destructive and all(
        not isinstance(change, AlterType) or change.old for operation in decision.either for change in operation.changes
    )


def problem(decision: PhaseDecision) -> str:
    """Name the operations of either side."""
    sides = (
        (_("For before the deploy, since the new code needs it: {named}."), decision.additive),
        (_("For after it, since the running release needs what goes: {named}."), decision.destructive),
        (_("For neither, since both releases are hurt: {named}."), decision.either),
    )
    told = [text.format(named=named(operations)) for text, operations in sides if operations]
    return " ".join([*told, _("All of it would run before the deploy.")])


def named(operations: Iterable[OperationChanges]) -> str:
    """Say what operations do, with their numbers."""
    return "; ".join(f"{operation.index}. {operation.operation.describe()}" for operation in operations)


def instead(migration: ClassifiedMigration) -> str:
    """Return two migrations where the operations can be told apart, else a phase to declare."""
    decision = migration.decision
    late = {operation.index for operation in decision.destructive}
    if not late or late & {operation.index for operation in (*decision.additive, *decision.either)}:
        return DECLARE
    written = {operation.index: written_operation(operation.operation) for operation in migration.operations}
    return in_turn(
        written_migration(*(code for index, code in written.items() if index not in late)),
        written_migration(*(code for index, code in written.items() if index in late), late="AM505"),
    )
