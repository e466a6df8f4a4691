"""AM112: a constraint is validated in the transaction that added it, under the lock that adding it took."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.migrations.operations import RunSQL
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import AddConstraint, Change, ValidateConstraint
from auto_migrate.changes.reading import OperationChanges
from auto_migrate.phases.classify import ClassifiedMigration
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site
from auto_migrate.safety.suggestions import (
    in_turn,
    migration,
    model_name,
    quoted,
    validated_later,
    written_operation,
)


class ValidatedWithItsLock(Hazard):
    code = "AM112"
    slug = "validated-with-its-lock"
    title = gettext_noop("A constraint is validated under the lock with which it was added")
    harm = Harm.BLOCKS

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, ValidateConstraint) or (adding := added_before(change, site)) is None:
            return
        problem = _(
            "{name} was added in the same transaction, and the lock for that is still held: validating reads all rows "
            "of {table} under it, so that NOT VALID gains nothing."
        )
        yield Found(change.table, problem.format(name=change.name, table=change.table), self.instead(change, adding))

    def instead(self, change: ValidateConstraint, adding: OperationChanges) -> str:
        """Return the same in two migrations."""
        if isinstance(adding.operation, RunSQL):
            added = (one for one in adding.changes if isinstance(one, AddConstraint) and one.name == change.name)
            return validated_later(next(added))
        validated = f'ValidateConstraint("{model_name(change.model)}", {quoted(change.name)})'
        return in_turn(migration(written_operation(adding.operation), late="AM405"), migration(validated))


def added_before(change: ValidateConstraint, site: Site) -> OperationChanges | None:
    """Return the operation of the same transaction that added the constraint NOT VALID, or None."""
    for operation, other in site.migration.changes():
        if other is change:
            return None
        added = isinstance(other, AddConstraint) and (other.table, other.name) == (change.table, change.name)
        if added and in_one_transaction(site.migration, operation, site.operation):
            return operation
    return None


def in_one_transaction(migration: ClassifiedMigration, one: OperationChanges, other: OperationChanges) -> bool:
    """Return whether two operations are carried out in one transaction; a text of statements always is."""
    if migration.migration.atomic:
        return True
    return one is other and isinstance(one.operation, RunSQL) and isinstance(one.operation.sql, str)
