"""What of a plan is made only when the old code is gone, although its migration is applied before.

That code may go on writing what a new constraint refuses. Nothing of the plan may count on the constraint meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from auto_migrate.changes.change import Change, DropConstraint
from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.reading import OperationChanges
from auto_migrate.changes.restrictions import Restriction, restrictions_of, touched
from auto_migrate.conf import get_settings
from auto_migrate.findings import Acknowledgement
from auto_migrate.phases.classify import ClassifiedMigration
from auto_migrate.safety.acknowledgements import is_of, of_migration
from auto_migrate.safety.hazard import ServerFacts
from auto_migrate.safety.hazards.am404_not_null_set import NotNullSet
from auto_migrate.safety.hazards.am405_constraint_on_old_writes import ConstraintOnOldWrites
from auto_migrate.values import OperationKey

# Which find what the running release writes and could write no more.
ABOUT_OLD_WRITES = (NotNullSet(), ConstraintOnOldWrites())

Held = dict[OperationKey, tuple[Restriction, ...]]


def held_back(
    plan: Sequence[ClassifiedMigration],
    server: ServerFacts,
    new: NewObjects,
    acknowledgements: Sequence[Acknowledgement] = (),
) -> Held:
    """Return the operations of a plan that are held back, with what each tightens; `new` is what is used by none.

    What somebody has acknowledged, here or in its migration, is made at once.
    """
    if not get_settings().BRIDGES or server.vendor != "postgresql" or server.has_tenants:
        return {}
    new, held, dropped = new.copy(), Held(), set[tuple[str, str]]()
    for place, read in enumerate(plan):
        is_wanted_now = read.backwards or read.decision.waits or is_acknowledged(read, acknowledgements)
        hurts = set() if is_wanted_now else hurting(read, server, new)
        for operation in read.operations:
            restrictions = restrictions_of(operation) if operation.index in hurts else ()
            # What takes the place of another: neither would hold in between.
            is_replacement = any(one.name and (one.tables[0], one.name) in dropped for one in restrictions)
            after = changes_after(plan, place, operation)
            if restrictions and not is_replacement and not any(touched(restrictions, one) for one in after):
                held[read.key, operation.index] = restrictions
            for change in operation.changes:
                new.follow(change)
                if isinstance(change, DropConstraint):
                    dropped.add((change.table, change.name))
    return held


def is_acknowledged(read: ClassifiedMigration, acknowledgements: Sequence[Acknowledgement]) -> bool:
    """Return whether somebody says that the running release writes nothing that a migration will refuse."""
    codes = {hazard.code for hazard in ABOUT_OLD_WRITES}
    given = (*acknowledgements, *of_migration(read.migration))
    return any(one.code in codes and is_of(one, read.key) for one in given)


def hurting(read: ClassifiedMigration, server: ServerFacts, new: NewObjects) -> set[int | None]:
    """Return the operations of a migration that refuse what the running release writes."""
    return {found.operation for hazard in ABOUT_OLD_WRITES for found in hazard.look(read, server, new)}


def changes_after(plan: Sequence[ClassifiedMigration], place: int, operation: OperationChanges) -> Iterator[Change]:
    """Return what a plan does after an operation of its migration at a place."""
    for read in plan[place:]:
        for other, change in read.changes():
            if read is not plan[place] or other.index > operation.index:
                yield change
