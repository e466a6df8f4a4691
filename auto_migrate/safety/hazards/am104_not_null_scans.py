"""AM104: NULL is refused, for which all rows are read first."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.planning.changes import AddConstraint, Change, SetNotNull, ValidateConstraint
from auto_migrate.planning.reading import ReadMigration
from auto_migrate.safety.code import in_turn, migration, model_name, named, written_operation
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site
from auto_migrate.safety.proofs import proof_of

CHECK = 'models.CheckConstraint(condition=models.Q({field}__isnull=False), name="{name}")'


class NotNullScans(Hazard):
    code = "AM104"
    slug = "not-null-scans"
    title = gettext_noop("All rows are read for a NULL while everybody waits")
    harm = Harm.BLOCKS

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, SetNotNull):
            return
        proof = proof_of(change)
        if proof and (change.table, proof) not in not_validated(site.migration):
            return
        problem = _(
            "SET NOT NULL on {table}.{column} reads all rows under ACCESS EXCLUSIVE. It need not if a CHECK constraint "
            "that has been validated says the same."
        )
        text = problem.format(table=change.table, column=change.column)
        yield Found(change.table, text, self.instead(change, site))

    def instead(self, change: SetNotNull, site: Site) -> str:
        """Give the way by a constraint that is validated while others read and write."""
        name = f"{change.column}_not_null"
        if change.definition is None:
            table, column = named(change.table), named(change.column)
            return (
                f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({column} IS NOT NULL) NOT VALID;\n"
                f"-- in the next migration\nALTER TABLE {table} VALIDATE CONSTRAINT {name};\n"
                f"-- in the one after that\nALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL;\n"
                f"ALTER TABLE {table} DROP CONSTRAINT {name};"
            )
        model = model_name(change.model)
        return in_turn(
            migration(f'AddConstraintNotValid("{model}", {CHECK.format(field=change.field, name=name)})'),
            migration(f'ValidateConstraint("{model}", "{name}")'),
            migration(written_operation(site.operation.operation), f'migrations.RemoveConstraint("{model}", "{name}")'),
        )


def not_validated(migration: ReadMigration) -> set[tuple[str, str]]:
    """Name the constraints, with their tables, that a migration adds and leaves NOT VALID."""
    names: set[tuple[str, str]] = set()
    for _operation, change in migration.changes():
        if isinstance(change, AddConstraint) and not change.valid:
            names.add((change.table, change.name))
        elif isinstance(change, ValidateConstraint):
            names.discard((change.table, change.name))
    return names
