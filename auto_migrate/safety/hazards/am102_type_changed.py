"""AM102: a column gets a type whose values are stored otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import AlterType, Change, RenameColumn
from auto_migrate.safety.becoming_key import becomes_key, key_beside
from auto_migrate.safety.effects import effects
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site
from auto_migrate.safety.suggestions import batches, comment, fitting, in_turn, migration, model_name, without, written


class TypeChanged(Hazard):
    code = "AM102"
    slug = "type-changed"
    title = gettext_noop("A column's type changes, and all its rows with it")
    harm = Harm.BLOCKS
    vendors = frozenset({"postgresql", "mysql"})

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, AlterType) or not holds_up(change, site):
            return
        first, *others = along_with(change, site)
        if first is not change:
            return
        rewrites = any(effect.rewrites for effect in effects(change, site.server))
        problem = (
            _("{table}.{column} becomes {new}, which is stored otherwise: all rows and indexes are written anew.")
            if rewrites
            else _(
                "{table}.{column} becomes {new}, which is sorted otherwise: its indexes are built anew. Drop them "
                "concurrently before, and build them concurrently after."
            )
        )
        text = problem.format(table=change.table, column=change.column, new=self.described(change))
        if others:
            keys = ", ".join(f"{other.table}.{other.column}" for other in others)
            text += " " + _("So are the columns that hold its values: {columns}.").format(columns=keys)
        instead = self.instead(change, site) if rewrites else ""
        yield Found(change.table, text, instead, others=tuple(dict.fromkeys(other.table for other in others)))

    def described(self, change: AlterType) -> str:
        """Name the new type, and its collation where that is what changes."""
        collation = f" COLLATE {change.new_collation}" if change.new_collation != change.old_collation else ""
        return f"{change.new}{collation}"

    def instead(self, change: AlterType, site: Site) -> str:
        """Return the way by a second column, where Django knows the field and nothing hangs on it."""
        field = change.definition
        if becomes_key(site.operation):
            # Where the column gets another name as well, AM401 tells how.
            renamed = any(isinstance(other, RenameColumn) for other in site.operation.changes)
            return "" if renamed else key_beside(change.model, change.field, field)
        if field is None or field.primary_key or field.remote_field:
            return ""
        model, name = model_name(change.model), fitting(change.field, "new")
        empty = without(field, "null", "unique", "db_index", "db_column")
        empty.null = True
        old_rows = f"{change.field}__isnull=False, {name}__isnull=True"
        return in_turn(
            migration(f'migrations.AddField("{model}", "{name}", {written(empty)})'),
            comment(
                _("Release code that writes both fields. Copy when the code that writes the old one alone is gone.")
            )
            + batches(change.model, old_rows, f"update({name}={cast(change)})", late=True),
            comment(_("Release code that uses the new field alone; remove the old one with the release after that.")),
        )


def cast(change: AlterType) -> str:
    """Write the old value as one of the new type."""
    plain = without(change.definition, "null", "unique", "db_index", "db_column", "default", "db_default")
    return f'django.db.models.functions.Cast("{change.field}", {written(plain)})'


def holds_up(change: AlterType, site: Site) -> bool:
    """Return whether somebody waits for work that grows with the table."""
    return not site.is_new(change.table) and any(effect.holds_up for effect in effects(change, site.server))


def along_with(change: AlterType, site: Site) -> list[AlterType]:
    """Return the columns whose type Django changes in one operation: a key, and what points to it."""
    if change.definition is None:
        return [change]
    typed = (other for other in site.operation.changes if isinstance(other, AlterType) and other.definition is not None)
    return [other for other in typed if holds_up(other, site)]
