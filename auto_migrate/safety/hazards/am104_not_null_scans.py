"""AM104: NULL is refused, for which all rows are read first."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import NOT_PROVIDED
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change, SetNotNull
from auto_migrate.changes.sql.quoting import quoted_name, quoted_table
from auto_migrate.safety.becoming_key import becomes_key
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site
from auto_migrate.safety.suggestions import (
    batches,
    fitting,
    in_turn,
    migration,
    model_name,
    next_migration,
    quoted,
    run_sql,
    written,
    written_operation,
)

CHECK = "models.CheckConstraint(condition=models.Q({field}__isnull=False), name={name})"


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
        """Return the way by a constraint that is validated while others read and write."""
        if becomes_key(site.operation):
            return ""
        name = fitting(change.column, "not_null")
        if change.definition is None:
            table, column = quoted_table(change.table), quoted_name(change.column)
            return (
                f"ALTER TABLE {table} ADD CONSTRAINT {quoted_name(name)} CHECK ({column} IS NOT NULL) NOT VALID;\n"
                f"{next_migration()}ALTER TABLE {table} VALIDATE CONSTRAINT {quoted_name(name)};\n"
                f"{next_migration()}ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL;\n"
                f"ALTER TABLE {table} DROP CONSTRAINT {quoted_name(name)};"
            )
        model = model_name(change.model)
        check = CHECK.format(field=change.field, name=quoted(name))
        return in_turn(
            migration(f'AddConstraintNotValid("{model}", {check})', late="AM405"),
            *([filled(change)] if change.fills else []),
            migration(f'ValidateConstraint("{model}", {quoted(name)})'),
            migration(
                self.refused(change, site), f'migrations.RemoveConstraint("{model}", {quoted(name)})', late="AM404"
            ),
        )

    def refused(self, change: SetNotNull, site: Site) -> str:
        """Write the operation that refuses NULL; where Django's would write defaults first, the statement alone."""
        if not change.fills:
            return written_operation(site.operation.operation)
        column = f"ALTER TABLE {quoted_table(change.table)} ALTER COLUMN {quoted_name(change.column)}"
        return run_sql(f"{column} SET NOT NULL", f"{column} DROP NOT NULL", site.operation.operation)


def filled(change: SetNotNull) -> str:
    """Write the migration that gives old rows the field's default, in batches."""
    default = getattr(change.definition, "default", NOT_PROVIDED)
    value = "..." if default is NOT_PROVIDED or callable(default) else written(default)
    return batches(change.model, f"{change.field}__isnull=True", f"update({change.field}={value})", late=True)
