"""AM104: NULL is refused, for which all rows are read first."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.planning.changes import Change, SetNotNull
from auto_migrate.safety.code import in_turn, migration, model_name, named, run_sql, written_operation
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site

CHECK = 'models.CheckConstraint(condition=models.Q({field}__isnull=False), name="{name}")'


class NotNullScans(Hazard):
    code = "AM104"
    slug = "not-null-scans"
    title = gettext_noop("All rows are read for a NULL while everybody waits")
    harm = Harm.BLOCKS

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, SetNotNull):
            return
        if change.proven_by and not change.fills:
            return
        problem = (
            _(
                "Before SET NOT NULL on {table}.{column}, Django writes the default into all rows that hold NULL, in "
                "one go, and others may have to wait for that."
            )
            if change.proven_by
            else _(
                "SET NOT NULL on {table}.{column} reads all rows under ACCESS EXCLUSIVE. It need not if a CHECK "
                "constraint that has been validated says the same."
            )
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
        validated = migration(f'ValidateConstraint("{model}", "{name}")')
        if change.fills:
            validated = _("# Fill old rows in batches before this.") + f"\n{validated}"
        return in_turn(
            migration(f'AddConstraintNotValid("{model}", {CHECK.format(field=change.field, name=name)})'),
            validated,
            migration(self.refused(change, site), f'migrations.RemoveConstraint("{model}", "{name}")'),
        )

    def refused(self, change: SetNotNull, site: Site) -> str:
        """Write the operation that refuses NULL; where Django's would write defaults first, the statement alone."""
        if not change.fills:
            return written_operation(site.operation.operation)
        column = f"ALTER TABLE {named(change.table)} ALTER COLUMN {named(change.column)}"
        return run_sql(f"{column} SET NOT NULL", f"{column} DROP NOT NULL", site.operation.operation)
