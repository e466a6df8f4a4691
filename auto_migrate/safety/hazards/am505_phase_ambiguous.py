"""AM505: a migration does what is for before the deploy and what is for after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import AlterType, Change
from auto_migrate.changes.reading import MigrationChanges, OperationChanges
from auto_migrate.conf import get_settings
from auto_migrate.phases.classify import PhaseDecision
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

    def look(self, migration: MigrationChanges, server: ServerFacts, new_tables: frozenset[str]) -> Iterator[Found]:
        """Return of a migration whose operations do not agree, where phases are on."""
        phasing = migration.phasing
        if get_settings().PHASES and phasing.is_ambiguous and not is_told_elsewhere(phasing):
            yield Found("", problem(phasing), instead(migration))

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        """Find nothing in a single change."""
        return iter(())


def is_told_elsewhere(phasing: PhaseDecision) -> bool:
    """Return whether all that is to blame is a hazard of its own: a rename, or a known type that becomes another."""
    return not phasing.destructive and all(
        not isinstance(change, AlterType) or change.old for operation in phasing.either for change in operation.changes
    )


def problem(phasing: PhaseDecision) -> str:
    """Name the operations of either side."""
    sides = (
        (_("For before the deploy, since the new code needs it: {named}."), phasing.additive),
        (_("For after it, since the running release needs what goes: {named}."), phasing.destructive),
        (_("For neither, since both releases are hurt: {named}."), phasing.either),
    )
    told = [text.format(named=named(operations)) for text, operations in sides if operations]
    return " ".join([*told, _("All of it would run before the deploy.")])


def named(operations: Iterable[OperationChanges]) -> str:
    """Say what operations do, with their numbers."""
    return "; ".join(f"{operation.index}. {operation.operation.describe()}" for operation in operations)


def instead(migration: MigrationChanges) -> str:
    """Return two migrations where the operations can be told apart, else a phase to declare."""
    phasing = migration.phasing
    late = {operation.index for operation in phasing.destructive}
    if not late or late & {operation.index for operation in (*phasing.additive, *phasing.either)}:
        return DECLARE
    written = {operation.index: written_operation(operation.operation) for operation in migration.operations}
    return in_turn(
        written_migration(*(code for index, code in written.items() if index not in late)),
        written_migration(*(code for index, code in written.items() if index in late), late=True),
    )
