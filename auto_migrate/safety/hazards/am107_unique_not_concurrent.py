"""AM107: a unique constraint or a primary key builds its index while others wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.migrations.operations import AlterField
from django.db.models import CharField, ForeignKey, OneToOneField, TextField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import AddColumn, AddConstraint, Change
from auto_migrate.changes.constraints import ConstraintKind
from auto_migrate.changes.sql.quoting import parts_of, quoted_name, quoted_table
from auto_migrate.safety.effects import effects
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site
from auto_migrate.safety.suggestions import (
    beside,
    concurrently,
    fitting,
    in_turn,
    listed,
    migration,
    model_name,
    run_sql,
    without,
    without_like,
    written,
)

KEYS = frozenset({ConstraintKind.UNIQUE, ConstraintKind.PRIMARY_KEY})


class UniqueNotConcurrent(Hazard):
    code = "AM107"
    slug = "unique-not-concurrent"
    title = gettext_noop("A unique constraint builds its index while others wait")
    harm = Harm.BLOCKS

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not builds_unique_index(change):
            return
        on_table = effects(change, site.server)
        # Where the table is written anew, with all its indexes, AM101 tells of it.
        if not any(effect.holds_up for effect in on_table) or any(effect.rewrites for effect in on_table):
            return
        if isinstance(change, AddConstraint) and change.as_index:
            problem = _("{name} is built as an index that reads all of {table}, and lets nobody write to it meanwhile.")
        else:
            problem = _("{name} builds an index that reads all of {table}, and nobody reads or writes it meanwhile.")
        text = problem.format(name=name_of(change), table=change.table)
        yield Found(change.table, text, self.instead(change, site))

    def instead(self, change: Any, site: Site) -> str:
        """Return the way by an index that is built concurrently first."""
        if isinstance(change, AddColumn):
            return self.after_the_column(change)
        if change.definition is None:
            return "\n".join([f"{built(change)};  -- atomic = False", f"{taken_over(change)};"])
        operation = site.operation.operation
        undo = f"DROP INDEX CONCURRENTLY {beside(change.table, change.name)}"
        if change.as_index:
            return migration(run_sql(concurrently(change.sql), undo, operation), atomic=False, late="AM405")
        drop = f"ALTER TABLE {quoted_table(change.table)} DROP CONSTRAINT {quoted_name(change.name)}"
        both = run_sql(built(change), undo), run_sql(taken_over(change), drop, operation)
        return like(change) + migration(*both, atomic=False, late="AM405")

    def after_the_column(self, change: AddColumn) -> str:
        """Return the way by a column that becomes unique only later."""
        if change.definition is None or change.primary_key:
            return ""
        model, plain = model_name(change.model), not_unique(change.definition)
        name = name_of(change)
        constraint = AddConstraint(table=change.table, name=name, kind=ConstraintKind.UNIQUE, columns=(change.column,))
        drop = f"ALTER TABLE {quoted_table(change.table)} DROP CONSTRAINT {quoted_name(name)}"
        unique = AlterField(model, change.field, change.definition)
        return in_turn(
            migration(f'migrations.AddField("{model}", "{change.field}", {written(plain)})'),
            like(change)
            + migration(
                run_sql(built(constraint), f"DROP INDEX CONCURRENTLY {beside(change.table, name)}"),
                run_sql(taken_over(constraint), drop, unique),
                atomic=False,
                late="AM405",
            ),
        )


def builds_unique_index(change: Change) -> bool:
    """Return whether a change brings an index that lets each value in once."""
    if isinstance(change, AddConstraint):
        return change.kind in KEYS and not change.using_index
    return isinstance(change, AddColumn) and (change.unique or change.primary_key)


def not_unique(field: Any) -> Any:
    """Return the field that lets a value in twice; its index would only be dropped again."""
    if not isinstance(field, OneToOneField):
        return without(field, "unique")
    _name, _path, arguments, keywords = field.deconstruct()
    return ForeignKey(*arguments, **{**keywords, "db_index": False})


def like(change: AddColumn | AddConstraint) -> str:
    """Return a comment on the index for LIKE where Django would make one."""
    return without_like() if isinstance(change.definition, CharField | TextField) else ""


def name_of(change: Any) -> str:
    """Name the constraint, as PostgreSQL does where nobody has."""
    if isinstance(change, AddConstraint):
        return change.name
    table = parts_of(change.table)[-1]
    return fitting(table, "pkey") if change.primary_key else fitting(table, change.column, "key")


def built(change: AddConstraint) -> str:
    """Write the statement that builds the index."""
    more = "" if change.nulls_distinct else " NULLS NOT DISTINCT"
    index = f"{quoted_name(change.name)} ON {quoted_table(change.table)} ({listed(change.columns)}){more}"
    return f"CREATE UNIQUE INDEX CONCURRENTLY {index}"


def taken_over(change: AddConstraint) -> str:
    """Write the statement that makes a constraint of the index."""
    what = "PRIMARY KEY" if change.kind is ConstraintKind.PRIMARY_KEY else "UNIQUE"
    later = getattr(change.definition, "deferrable", None)
    deferred = f" DEFERRABLE INITIALLY {later.name}" if later else ""
    name = quoted_name(change.name)
    return f"ALTER TABLE {quoted_table(change.table)} ADD CONSTRAINT {name} {what} USING INDEX {name}{deferred}"
