"""The statements of one operation as Django's own schema editor makes them, each thing in a statement of its own.

A column that Django adds together with its constraints is collected without them, and they come after it, under the
names that they would have had: so each can become steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from auto_migrate.applying.online.chosen_names import KEY, free_name
from auto_migrate.applying.online.present_names import PresentNames
from auto_migrate.changes.collected_sql import Collector, only_read
from auto_migrate.changes.columns import calls_volatile
from auto_migrate.changes.stock_operations import djangos_way


class OnlineCollector(Collector):
    """Keeps statements one by one; mixed into the schema editor of PostgreSQL."""

    # Django adds the constraint by itself, then.
    sql_create_column_inline_fk = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.adding: Any = None
        # What is to come right after a column that is added.
        self.afterwards: list[str] = []
        # Foreign keys that are dropped and made again, and are the same.
        self.kept_keys: set[str] = set()
        # What the plan has renamed before.
        self.present = PresentNames()

    def execute(self, sql: Any, params: Any = ()) -> None:
        """Keep a statement without its semicolon."""
        before = len(self.collected_sql)
        super().execute(sql, params)
        self.collected_sql[before:] = [one.rstrip().rstrip(";").rstrip() for one in self.collected_sql[before:]]

    def note(self, text: str) -> None:
        """Refuse what cannot be told."""
        raise NotImplementedError(text)

    def add_field(self, model: Any, field: Any) -> None:
        """Add a column without its constraints, and then those."""
        self.adding = (model, field)
        check = field.db_parameters(connection=self.connection)["check"]
        self.sql_check_constraint = "" if check else type(self).sql_check_constraint
        try:
            super().add_field(model, field)
        finally:
            self.adding, self.sql_check_constraint = None, type(self).sql_check_constraint
        if check:
            self._afterwards(
                "ADD CONSTRAINT {check} CHECK (" + check.replace("{", "{{").replace("}", "}}") + ")", model, field
            )
        self.collected_sql += self.afterwards
        self.afterwards = []

    def _afterwards(self, text: str, model: Any, field: Any) -> None:
        table, column = self.quote_name(model._meta.db_table), self.quote_name(field.column)
        names = {label: free_name(self.connection, table, column, label) for label in ("check", KEY)}
        self.afterwards.append(f"ALTER TABLE {table} " + text.format(column=column, **names))

    def _iter_column_sql(
        self, column_db_type: Any, params: list[Any], model: Any, field: Any, *arguments: Any
    ) -> Iterator[str]:
        parts = super()._iter_column_sql(column_db_type, params, model, field, *arguments)  # type: ignore[misc] # Django's own
        if self.adding is None or self.adding[1] is not field:
            yield from parts
            return
        known, volatile = len(params), False
        for part in parts:
            given, known = params[known:], len(params)
            if part.startswith("DEFAULT ") and field.has_db_default() and calls_volatile(part):
                del params[len(params) - len(given) :]
                known, volatile = len(params), True
                self._fill_afterwards(part, given, model, field)
            elif part == "NOT NULL" and volatile:
                self._afterwards("ALTER COLUMN {column} SET NOT NULL", model, field)
            elif part == "UNIQUE":
                self._afterwards("ADD CONSTRAINT {key} UNIQUE ({column})", model, field)
            elif part.startswith("USING INDEX TABLESPACE "):
                self.afterwards[-1] += f" {part}"
            else:
                yield part

    def _fill_afterwards(self, default: str, params: list[Any], model: Any, field: Any) -> None:
        table, column = self.quote_name(model._meta.db_table), self.quote_name(field.column)
        value = default % tuple(map(self.quote_value, params)) if params else default.replace("%%", "%")
        self.afterwards += [
            f"ALTER TABLE {table} ALTER COLUMN {column} SET {value}",
            f"UPDATE {table} SET {column} = DEFAULT WHERE {column} IS NULL",  # noqa: S608 # quoted
        ]

    def _constraint_names(self, model: Any, column_names: Any = None, **options: Any) -> list[str]:
        table = self.old_names.get(model._meta.db_table, model._meta.db_table)
        asked = column_names and [self.present.columns.get((table, name), name) for name in column_names]
        return super()._constraint_names(model, asked, **options)

    def _alter_field(self, model: Any, old_field: Any, new_field: Any, *types: Any, **options: Any) -> None:
        if key_of(self, old_field) == key_of(self, new_field) is not None:
            name = self._fk_constraint_name(model, new_field, "_fk_%(to_table)s_%(to_column)s")  # type: ignore[attr-defined] # Django's own
            self.kept_keys.add(str(name))
        super()._alter_field(model, old_field, new_field, *types, **options)  # type: ignore[misc] # Django's own

    def delete_model(self, model: Any) -> None:
        """Drop the foreign keys of a table first, each by itself."""
        for field in model._meta.local_fields:
            if field.remote_field and field.db_constraint:
                for name in self._constraint_names(model, [field.column], foreign_key=True):
                    self.execute(self._delete_fk_sql(model, name))  # type: ignore[attr-defined] # Django's own
        super().delete_model(model)


def key_of(editor: Any, field: Any) -> tuple[Any, ...] | None:
    """Return what a field's foreign key is, None where it has none."""
    if not (field.remote_field and getattr(field, "db_constraint", False)):
        return None
    target = field.target_field
    on_delete = getattr(field.remote_field, "on_delete", None)
    in_database = getattr(on_delete, "on_delete_sql", None)
    return (field.column, target.model._meta.db_table, target.column, in_database and in_database(editor))


def collected(
    operation: Operation,
    app_label: str,
    connection: BaseDatabaseWrapper,
    before: ProjectState,
    after: ProjectState,
    *,
    present: PresentNames,
) -> OnlineCollector | None:
    """Return the statements of one of Django's operations, collected; None for what is of another kind."""
    forwards = djangos_way(operation)
    if forwards is None or not operation.reduces_to_sql:
        return None
    with only_read(connection) as aside:
        # Changes to a column in a statement each.
        aside.features.supports_combined_alters = False
        kind = type("OnlineSchemaEditor", (OnlineCollector, connection.SchemaEditorClass), {})
        editor: OnlineCollector = kind(aside, collect_sql=True, atomic=False)
        editor.deferred_sql, editor.old_names, editor.present = [], dict(present.tables), present
        forwards(operation, app_label, editor, before, after)
        editor.flush_deferred()
    return editor
