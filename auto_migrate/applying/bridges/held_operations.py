"""Operations of which all that tightens something is left for when the old code is gone, and noted by then as bridges.

What is to be made is kept in Django's own words, as its schema editor would have said them now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.transaction import atomic
from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.applying.bridges.bridge_sql import HELPER, add_constraint, drop_if_exists
from auto_migrate.applying.online import check_constraints, foreign_keys, not_null
from auto_migrate.applying.online.collector import collected
from auto_migrate.applying.online.present_names import PresentNames
from auto_migrate.applying.online.quoted_names import name_for_django, unquoted
from auto_migrate.applying.online.translation import without_kept
from auto_migrate.databases.identifiers import quoted
from auto_migrate.history.bridge_ledger import BridgeLedger
from auto_migrate.values import HELD, Bridge, BridgeKind, MigrationKey, OperationKey

COLUMN = _lazy_re_compile(r'"(?:[^"]|"")+"')


def is_one_of(operation: Operation, migration: Migration, held: Collection[OperationKey]) -> bool:
    """Return whether an operation of a migration is one of those that are held back."""
    places = (place for place, one in enumerate(migration.operations, start=1) if one is operation)
    return any((MigrationKey.of(migration), place) in held for place in places)


def carried_out_held(
    migration: Migration, operation: Operation, editor: BaseDatabaseSchemaEditor, states: Sequence[ProjectState]
) -> Iterator[Bridge]:
    """Carry out what an operation drops, and return what it tightens; `states` are those before and after it."""
    before, after = states
    # What renames before it in the plan has been carried out already.
    present = PresentNames()
    collector = collected(operation, migration.app_label, editor.connection, before, after, present=present)
    if collector is None:
        return
    statements = without_kept(collector.collected_sql, frozenset(collector.kept_keys))
    for statement in statements:
        bridge = bridge_of(statement, MigrationKey.of(migration))
        if bridge is None or is_made_again(bridge, statements):
            editor.execute(statement, params=None)
        else:
            yield bridge


def is_made_again(bridge: Bridge, statements: Iterable[str]) -> bool:
    """Return whether statements drop what they make, so that the old code knows it."""
    dropped = f" DROP CONSTRAINT {quoted(bridge.name)}"
    return bool(bridge.name) and any(statement.endswith(dropped) for statement in statements)


def bridge_of(statement: str, migration: MigrationKey) -> Bridge | None:
    """Return the bridge that holds a statement back, None for one that tightens nothing."""
    if found := not_null.SET.fullmatch(statement):
        column, name, definition = found["column"], "", ""
    elif found := foreign_keys.ADD.fullmatch(statement):
        column, name, definition = found["columns"].strip("()"), found["name"], found["definition"].rstrip()
    elif found := check_constraints.ADD.fullmatch(statement):
        # The first is as good as any: by it the table is found again, whatever that is called by then.
        first = COLUMN.search(found["condition"])
        column, name, definition = first[0] if first else "", found["name"], f"CHECK ({found['condition']})"
    else:
        return None
    kind = BridgeKind.HELD_CONSTRAINT if name else BridgeKind.HELD_NOT_NULL
    table = name_for_django(found["table"])
    return Bridge(kind, migration, table, column and unquoted(column), name and unquoted(name), definition)


def put_in_force(connection: BaseDatabaseWrapper, migration: MigrationKey) -> None:
    """Make what is held back of a migration, for new rows alone: whoever takes the migration back looks for it."""
    ledger = BridgeLedger(connection.alias)
    for bridge in ledger.standing():
        if bridge.kind in HELD and bridge.migration == migration:
            with atomic(using=connection.alias):
                # A run that was cut may have begun to make it. A column that takes NULL may be let do so once more.
                drop_if_exists(connection, bridge.table, bridge.name or HELPER)
                if bridge.kind is BridgeKind.HELD_CONSTRAINT:
                    add_constraint(connection, bridge)
                ledger.forget(bridge)
