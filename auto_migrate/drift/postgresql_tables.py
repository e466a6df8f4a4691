"""PostgreSQL's tables, and those of models as temporary ones, rolled back.

PostgreSQL finds temporary tables before all others once `pg_temp` leads the search path, and refuses a foreign key from
one to a table that is not, so that nothing of the real schema is touched or locked. TEMPORARY is a right that every
role has unless somebody took it away; CREATE on the database, which a schema would need, most roles lack. Locks on what
was made go with each savepoint: `max_locks_per_transaction` holds for a few tables at a time, however many there are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Self

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic, set_rollback
from django.utils.translation import gettext as _

from auto_migrate.drift.differences import Difference
from auto_migrate.drift.sequences import sequences_behind
from auto_migrate.drift.state_tables import Model, quoted_names, table_name
from auto_migrate.drift.table_introspection import read_tables
from auto_migrate.drift.table_shape import TableConstraint, TableShape
from auto_migrate.drift.table_source import TableSource
from auto_migrate.exceptions import DatabaseRefused

MAY_MAKE = "SELECT has_database_privilege(current_database(), 'TEMPORARY')"
LED_BY_SCRATCH = """
    SELECT set_config('search_path', concat_ws(', ', 'pg_temp', nullif(current_setting('search_path'), '')), true)
"""
AGAIN = "auto_migrate_again"
EXTENSIONS = "SELECT extname::text FROM pg_extension"
# What stands in the schemas that tables are looked for in, and belongs to nobody's extension.
TABLES = """
    SELECT relname::text FROM pg_class
    WHERE relkind IN ('r', 'p', 'f') AND NOT relispartition AND pg_table_is_visible(oid)
      AND relnamespace = ANY(SELECT oid FROM pg_namespace WHERE nspname = ANY(current_schemas(false)))
      AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid
                      AND deptype = 'e')
    ORDER BY relname
"""


class PostgreSQLTables(TableSource):
    """Reads the catalogue; what is made is in the transaction that is open."""

    def __enter__(self) -> Self:
        with self.connection.cursor() as cursor:
            cursor.execute(MAY_MAKE)
            if not cursor.fetchone()[0]:
                user, name = self.database.address.role, self.database.address.name
                raise DatabaseRefused(
                    _("The role may not make temporary tables, in which the expected schema is made: {where}.").format(
                        where=self.database.address
                    ),
                    hint=f"GRANT TEMPORARY ON DATABASE {name} TO {user};",
                )
        return self

    def read(self, names: Mapping[str, str]) -> dict[str, TableShape]:
        return read_tables(self.connection, names)

    def make(self, batch: Sequence[Model], own: Sequence[Model]) -> dict[str, TableShape]:
        connection = self.connection
        with atomic(using=connection.alias):
            with connection.cursor() as cursor:
                cursor.execute(LED_BY_SCRATCH)
            try:
                with connection.schema_editor(atomic=False) as editor:
                    _make_targets(editor, own)
                    for model in batch:
                        editor.create_model(model)
                names = quoted_names(connection, batch)
                shapes = self.read(names)
                return {name: _restorable(connection, shape, names[name]) for name, shape in shapes.items()}
            finally:
                set_rollback(True, using=connection.alias)

    def names(self) -> list[str]:
        with self.connection.cursor() as cursor:
            cursor.execute(TABLES)
            return [name for (name,) in cursor.fetchall()]

    def sequences_behind(self, shapes: Iterable[TableShape], names: Mapping[str, str]) -> Iterable[Difference]:
        return sequences_behind(self.connection, shapes, names)

    def extensions(self) -> Collection[str]:
        with self.connection.cursor() as cursor:
            cursor.execute(EXTENSIONS)
            return {name for (name,) in cursor.fetchall()}


def _make_targets(editor: Any, own: Sequence[Model]) -> None:
    """Make what the foreign keys of models point to, without the foreign keys of those."""
    made = set(own)
    for model in own:
        for field in model._meta.local_concrete_fields:
            target = getattr(field.remote_field, "model", None)
            if target is None or not getattr(field, "db_constraint", False):
                continue
            # A proxy has the table of another.
            target = target._meta.concrete_model
            if target in made:
                continue
            made.add(target)
            target._meta.db_table = table_name(target)
            before = len(editor.deferred_sql)
            editor.execute(*editor.table_sql(target))
            del editor.deferred_sql[before:]


def _restorable(connection: BaseDatabaseWrapper, shape: TableShape, quoted: str) -> TableShape:
    """Learn how a database that was dumped and restored writes the expressions of a table's rules."""
    again = _restored(connection, shape, quoted)
    rules = tuple(
        dataclasses.replace(rule, restored=frozenset({again[number]})) if number in again else rule
        for number, rule in enumerate(shape.rules)
    )
    return dataclasses.replace(shape, rules=rules)


def _restored(connection: BaseDatabaseWrapper, shape: TableShape, quoted: str) -> dict[int, str]:
    """Have the expressions of rules parsed once more, as they are when a dump is restored; return how they end up."""
    rules = enumerate(shape.rules)
    numbered = {number: rule for number, rule in rules if rule.kind in "ci" and "::" in rule.definition}
    if not numbered:
        return {}
    with connection.cursor() as cursor:
        for number, rule in numbered.items():
            cursor.execute(_statement_for(rule, f'"{AGAIN}_{number}"', quoted), None)
    twice = read_tables(connection, {shape.name: quoted})[shape.name]
    found = {rule.name: rule.definition for rule in twice.rules}
    return {number: found[f"{AGAIN}_{number}"] for number in numbered}


def _statement_for(rule: TableConstraint, name: str, quoted: str) -> str:
    if rule.kind == "c":
        return f"ALTER TABLE {quoted} ADD CONSTRAINT {name} {rule.definition}"
    unique = "UNIQUE " if rule.definition.startswith("UNIQUE ") else ""
    return f"CREATE {unique}INDEX {name} ON {quoted} {rule.definition.removeprefix('UNIQUE ')}"
