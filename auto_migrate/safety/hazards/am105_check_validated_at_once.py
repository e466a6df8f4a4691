"""AM105: a CHECK constraint reads all rows while everybody waits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.migrations.operations.base import Operation
from django.db.models import CheckConstraint
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import AddColumn, AddConstraint, Change, Default
from auto_migrate.changes.constraints import ConstraintKind
from auto_migrate.changes.sql.quoting import parts_of, quoted_name, quoted_table
from auto_migrate.safety.effects import effects
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site
from auto_migrate.safety.suggestions import (
    fitting,
    in_turn,
    migration,
    model_name,
    quoted,
    run_sql,
    validated_later,
    written,
)


class CheckValidatedAtOnce(Hazard):
    code = "AM105"
    slug = "check-validated-at-once"
    title = gettext_noop("A CHECK constraint reads all rows while others wait")
    harm = Harm.BLOCKS
    vendors = frozenset({"postgresql", "mysql"})

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not is_check(change) or not any(effect.holds_up for effect in effects(change, site.server)):
            return
        if isinstance(change, AddColumn):
            problem = _("The new column {table}.{name} comes with a CHECK, which reads all rows though all are alike.")
            text = problem.format(table=change.table, name=change.column)
        else:
            problem = _("The constraint {name} reads all rows of {table}, and nobody reads or writes it meanwhile.")
            text = problem.format(name=getattr(change, "name", ""), table=change.table)
        yield Found(change.table, text, self.instead(change, site) if site.server.vendor == "postgresql" else "")

    def instead(self, change: Any, site: Site) -> str:
        """Return the way by a constraint that is validated while others read and write."""
        name = getattr(change, "name", "") or fitting(parts_of(change.table)[-1], change.column, "check")
        model = model_name(change.model)
        if change.definition is None:
            # A column that comes with its CHECK is one statement to whoever wrote it.
            return validated_later(change) if isinstance(change, AddConstraint) else ""
        validated = migration(f'ValidateConstraint("{model}", {quoted(name)})')
        if isinstance(change.definition, CheckConstraint):
            added = f'AddConstraintNotValid("{model}", {written(change.definition)})'
            return in_turn(migration(added, late="AM405"), validated)
        # The running release does not write to a column that is new.
        late = "" if isinstance(change, AddColumn) else "AM405"
        return in_turn(migration(*self.by_sql(change, name, site), late=late), validated)

    def by_sql(self, change: Any, name: str, site: Site) -> Iterator[str]:
        """Return the statements that add the check of a field's own, which Django cannot leave unvalidated."""
        table, drops = quoted_table(change.table), f"ALTER TABLE {quoted_table(change.table)} DROP"
        column = change.column if isinstance(change, AddColumn) else "".join(change.columns[:1])
        # The only checks that Django's own fields have on PostgreSQL.
        positive = change.definition.get_internal_type().startswith("Positive")
        check = f"CHECK ({quoted_name(column)} {'>= 0' if positive else '…'}) NOT VALID"
        operation: Operation | None = site.operation.operation
        if isinstance(change, AddColumn):
            added = f"ALTER TABLE {table} ADD COLUMN {quoted_name(column)} {change.type} {filled(change)}"
            yield run_sql(added, f"{drops} COLUMN {quoted_name(column)}", operation)
            operation = None
        yield run_sql(
            f"ALTER TABLE {table} ADD CONSTRAINT {quoted_name(name)} {check}",
            f"{drops} CONSTRAINT {quoted_name(name)}",
            operation,
        )


def filled(change: AddColumn) -> str:
    """Write how a new column fills old rows and whether it takes NULL; the default stays for who does not know it."""
    empty = "NULL" if change.null else "NOT NULL"
    if change.default is Default.NONE:
        return empty
    field = change.definition
    value = field.default if field.has_default() else getattr(field.db_default, "value", field.db_default)
    return f"DEFAULT {value if isinstance(value, int) else '…'} {empty}"


def is_check(change: Change) -> bool:
    """Return whether a change brings a CHECK constraint that is to hold at once."""
    if isinstance(change, AddConstraint):
        return change.kind is ConstraintKind.CHECK and change.valid
    return isinstance(change, AddColumn) and change.checked
