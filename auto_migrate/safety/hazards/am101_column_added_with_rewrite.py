"""AM101: a column is added whose values differ from row to row, so that the whole table is written anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import AddColumn, Change, Default
from auto_migrate.changes.sql.quoting import quoted_name, quoted_table
from auto_migrate.safety.effects import effects
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site
from auto_migrate.safety.suggestions import batches, comment, in_turn, listed, migration, model_name, without, written


class ColumnAddedWithRewrite(Hazard):
    code = "AM101"
    slug = "column-added-with-rewrite"
    title = gettext_noop("A column is added by writing the whole table anew")
    harm = Harm.BLOCKS
    vendors = frozenset({"postgresql", "mysql"})

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        # On MySQL the key or the check of a new column copies the table: AM105 and AM106 tell of them.
        if not isinstance(change, AddColumn) or not is_filled_by_row(change):
            return
        if any(effect.rewrites and effect.holds_up for effect in effects(change, site.server)):
            problem = _("{reason} All rows and indexes of {table} are written anew, and everybody waits for that.")
            text = problem.format(reason=reason_of(change), table=change.table)
            yield Found(change.table, text, self.instead(change))

    def instead(self, change: AddColumn) -> str:
        """Return the way by a column that is empty at first, or nothing where there is none."""
        if change.default is not Default.VOLATILE or change.primary_key:
            return ""
        field, model = change.definition, model_name(change.model)
        if field is None:
            start = f"ALTER TABLE {quoted_table(change.table)} "
            added, fills = (
                f"ADD COLUMN {listed([change.column])} {change.type}",
                f"ALTER COLUMN {quoted_name(change.column)}",
            )
            then = _("then fill old rows in batches")
            return f"{start}{added};\n{start}{fills} SET DEFAULT …;\n-- {then}"
        empty = without(field, "db_default", "null", "unique")
        empty.null = True
        filling = without(field, "null", "unique")
        filling.null = True
        return in_turn(
            migration(
                f'migrations.AddField("{model}", "{change.field}", {written(empty)})',
                f'migrations.AlterField("{model}", "{change.field}", {written(filling)})',
            ),
            batches(change.model, f"{change.field}__isnull=True", f"update({change.field}={value_of(field)})"),
            *([] if change.null else [comment(_("Refuse NULL in the end, as AM104 tells."))]),
        )


def value_of(field: Any) -> str:
    """Write what fills a row, as far as the field says it."""
    return written(field.db_default) if field.has_db_default() else "..."


def is_filled_by_row(change: AddColumn) -> bool:
    """Return whether the values of old rows have to be worked out one by one."""
    return change.default in {Default.VOLATILE, Default.GENERATED} or change.constrained_domain


def reason_of(change: AddColumn) -> str:
    """Say why the value of one row does not do for all."""
    if change.default is Default.GENERATED:
        text = _("{column} is computed from other columns and stored.")
    elif change.default is Default.VOLATILE:
        text = _("{column} gets another value in each row, from its default or a sequence.")
    else:
        text = _("{column} is of a domain that refuses some values, so each row is checked.")
    return text.format(column=change.column)
