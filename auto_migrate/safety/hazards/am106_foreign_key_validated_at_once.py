"""AM106: a foreign key looks up all rows while writes to two tables wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import (
    AddColumn,
    AddConstraint,
    AlterType,
    Change,
    ColumnChange,
    Default,
    DropNotNull,
    RenameColumn,
    RenameTable,
    SetNotNull,
)
from auto_migrate.changes.constraints import ConstraintKind
from auto_migrate.changes.sql.quoting import quoted_name, quoted_table
from auto_migrate.safety.becoming_key import becomes_key
from auto_migrate.safety.effects import effects
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site
from auto_migrate.safety.hazards.am102_type_changed import holds_up
from auto_migrate.safety.suggestions import (
    in_turn,
    listed,
    migration,
    model_name,
    quoted,
    run_sql,
    validated_later,
)

SIMPLE = {DropNotNull: ("DROP NOT NULL", "SET NOT NULL"), SetNotNull: ("SET NOT NULL", "DROP NOT NULL")}
UNTOLD = ("…", "…")


class ForeignKeyValidatedAtOnce(Hazard):
    code = "AM106"
    slug = "foreign-key-validated-at-once"
    title = gettext_noop("A foreign key looks up all rows while writes to two tables wait")
    harm = Harm.BLOCKS
    vendors = frozenset({"postgresql", "mysql"})

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not is_looked_up(change, site) or not any(effect.holds_up for effect in effects(change, site.server)):
            return
        references = getattr(change, "references", "")
        problem = _("The foreign key reads all of {table} and looks each row up in {references}; writes to both wait.")
        if getattr(change, "again", False):
            problem = _(
                "To change the field, Django drops its foreign key and makes it again: that reads all of {table} and "
                "looks each row up in {references}, and writes to both wait."
            )
        text = problem.format(table=change.table, references=references)
        others = () if references in {"", change.table} or site.is_new(references) else (references,)
        by_parts = site.server.vendor == "postgresql"
        yield Found(change.table, text, self.instead(change, site) if by_parts else "", others=others)

    def instead(self, change: Any, site: Site) -> str:
        """Return the way by a key that is validated while others read and write."""
        table, model = quoted_table(change.table), model_name(change.model)
        if change.definition is None:
            return "" if isinstance(change, AddColumn) else validated_later(change)
        if isinstance(change, AddColumn) or is_covered_elsewhere(site):
            return ""
        if change.again:
            column = f"ALTER TABLE {table} ALTER COLUMN {listed(change.columns)}"
            there, back = only_other_change(site)
            statement = run_sql(f"{column} {there}", f"{column} {back}", site.operation.operation)
            return migration(statement, late="AM404" if there == "SET NOT NULL" else "")
        name = quoted_name(change.name)
        key = (
            f"({listed(change.columns)}) REFERENCES {quoted_table(change.references)} ({target_of(change.definition)})"
        )
        statement = (
            f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY {key} DEFERRABLE INITIALLY DEFERRED NOT VALID"
        )
        return in_turn(
            migration(
                run_sql(statement, f"ALTER TABLE {table} DROP CONSTRAINT {name}", site.operation.operation),
                late="AM405",
            ),
            migration(f'ValidateConstraint("{model}", {quoted(change.name)})'),
        )


def is_looked_up(change: Change, site: Site) -> bool:
    """Return whether a change brings a foreign key that old rows are held to at once."""
    if isinstance(change, AddConstraint):
        # Where the columns are written anew, AM102 tells of it.
        rewritten = change.again and any(
            isinstance(other, AlterType) and holds_up(other, site) for other in site.operation.changes
        )
        return change.kind is ConstraintKind.FOREIGN_KEY and change.valid and not rewritten
    if not isinstance(change, AddColumn) or not change.references:
        return False
    return change.default is not Default.NONE or site.server.vendor == "mysql"


def is_covered_elsewhere(site: Site) -> bool:
    """Return whether the keys come with something that AM102, AM401 or AM402 says how to do without."""
    renamed = any(isinstance(change, RenameTable | RenameColumn) for change in site.operation.changes)
    return renamed or becomes_key(site.operation)


def only_other_change(site: Site) -> tuple[str, str]:
    """Write what else than the key changes, there and back, as far as it is one simple thing."""
    others = [type(other) for other in site.operation.changes if isinstance(other, ColumnChange)]
    return SIMPLE.get(others[0], UNTOLD) if len(others) == 1 else UNTOLD


def target_of(field: Any) -> str:
    """Name the column that the key points to."""
    return quoted_name(str(field.target_field.column))
