"""The comparison of the schema that recorded migrations make with the schema that is there."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.apps import apps as global_apps
from django.db import DEFAULT_DB_ALIAS, DatabaseError, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState
from django.db.transaction import atomic
from django.utils.translation import gettext as _

from auto_migrate.changes.sql.names import truncated
from auto_migrate.clock import Clock
from auto_migrate.conf import get_settings
from auto_migrate.databases import adapter_for
from auto_migrate.databases.base import Database
from auto_migrate.databases.lock_modes import LockMode
from auto_migrate.databases.options import asking
from auto_migrate.databases.waits import Reason, await_free
from auto_migrate.drift.custom_ddl import CustomDdl
from auto_migrate.drift.differences import Difference, DifferenceKind, ObjectType, compare_tables
from auto_migrate.drift.drift_events import DriftChecked, DriftFound
from auto_migrate.drift.scratch_tables import Model, expected_tables, table_name, tables_of
from auto_migrate.drift.sequences import sequences_behind
from auto_migrate.drift.table_introspection import read_tables
from auto_migrate.drift.table_shape import TableShape
from auto_migrate.emitter import Emitter, report_ending
from auto_migrate.events import Listener
from auto_migrate.exceptions import DatabaseRefused, HistoryDiverged, TransientError, UsageError
from auto_migrate.history.bridge_ledger import BridgeLedger
from auto_migrate.planning.comparison import applied_state, compare
from auto_migrate.planning.targets import Goal
from auto_migrate.retry import teller
from auto_migrate.tenancy import tenancy_of
from auto_migrate.values import Bridge, BridgeKind

MAY_MAKE = "SELECT has_database_privilege(current_database(), 'TEMPORARY')"
# What stands in the schemas that tables are looked for in, and belongs to nobody's extension.
TABLES = """
    SELECT relname::text FROM pg_class
    WHERE relkind IN ('r', 'p', 'f') AND NOT relispartition AND pg_table_is_visible(oid)
      AND relnamespace = ANY(SELECT oid FROM pg_namespace WHERE nspname = ANY(current_schemas(false)))
      AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid
                      AND deptype = 'e')
    ORDER BY relname
"""
OWN = "auto_migrate_"
# What of a column or its constraints a bridge changes for a while.
BRIDGED = {
    BridgeKind.DEFAULT: (ObjectType.DEFAULT, DifferenceKind.EXTRA),
    BridgeKind.NOT_NULL: (ObjectType.COLUMN, DifferenceKind.DIFFERENT),
    BridgeKind.FOREIGN_KEY: (ObjectType.CONSTRAINT, DifferenceKind.MISSING),
}


def detect_drift(
    database: str = DEFAULT_DB_ALIAS,
    *,
    fails: bool = False,
    listeners: Sequence[Listener] = (),
    clock: Clock | None = None,
) -> tuple[Difference, ...]:
    """Compare, changing nothing, and tell the listeners each difference; return those that no migration wanted.

    With `fails` raise `HistoryDiverged` if there is one. Raise `UsageError` for a database that is not PostgreSQL, and
    `DatabaseRefused` where the role may not make temporary tables.
    """
    emit = Emitter(database, uuid.uuid4(), listeners, clock or Clock())
    adapter = adapter_for(database)
    with report_ending(emit, waiting=True):
        try:
            with asking(adapter):
                found = _detect(adapter, emit)
        except TransientError as fault:
            raise adapter.unreachable(fault) from fault
        if fails and found:
            raise HistoryDiverged(
                _("The schema is not what the recorded migrations make; differences: {count}.").format(
                    count=len(found)
                ),
                hint=_("Mend the schema, or write the migration that it is missing: docs/adopting.md"),
            )
    return found


def _detect(adapter: Database, emit: Emitter) -> tuple[Difference, ...]:
    check_comparable(adapter)
    connection = adapter.connection
    comparison = compare(adapter, Goal())
    state = applied_state(comparison)
    wanted = list(models_of(state, connection))
    labels = {table_name(model): model._meta.app_label for model in tables_of(wanted)}
    names = quoted_names(connection, wanted)
    # One look at all tables; what they should be is made in the same transaction, and rolled back.
    with atomic(using=adapter.alias):
        actual = read_when_free(adapter, names, emit)
        expected = expected_tables(connection, wanted)
    found = [
        *(unknown(name, reason) for name, reason in expected.unknown.items()),
        *(one for name, shape in expected.shapes.items() for one in compare_tables(shape, actual.get(name))),
        *sequences_behind(connection, [shape for shape in actual.values() if shape.is_table], names),
    ]
    bridges = BridgeLedger(adapter.alias).standing()
    # Who comments on a table by hand, or with a tool, is in nobody's way.
    found = [one for one in found if (one.part, one.kind) != (ObjectType.COMMENT, DifferenceKind.EXTRA)]
    differences = [one for one in found if not any(is_of_bridge(one, bridge) for bridge in bridges)]
    unclaimed = tuple(unclaimed_tables(connection, state, labels))
    graph, applied = comparison.loader.graph, comparison.loader.applied_migrations
    own = CustomDdl(migration for node, migration in graph.nodes.items() if node in applied)
    told = [DriftFound(labels[one.table], one, own.author_of(one, labels[one.table])) for one in differences]
    for event in sorted(told, key=lambda event: (event.app_label, event.difference.table)):
        emit(event)
    drift = tuple(event.difference for event in told if event.made_by is None)
    emit(DriftChecked(len(labels), len(drift), len(applied), unclaimed))
    return drift


def read_when_free(database: Database, names: Mapping[str, str], emit: Emitter) -> dict[str, TableShape]:
    """Return the tables as `read_tables` does, in the open transaction, once nobody keeps readers out of one of them.

    The server opens a table to write its expressions and the definitions of its indexes, and so waits for whoever holds
    it in ACCESS EXCLUSIVE mode: tell who that is, and raise `DeployLockTimeout` after `LOCK_PATIENCE` seconds.
    """
    needs = {quoted.strip('"'): LockMode.ACCESS_SHARE for quoted in names.values()}
    locks = database.table_locks
    found: dict[str, TableShape] = {}

    def read() -> bool:
        try:
            with atomic(using=database.alias):
                database.limit_locks()
                found.update(read_tables(database.connection, names))
        except DatabaseError as error:
            fault = database.fault_of(error)
            if fault is None or not fault.kind.contention:
                raise
            return False
        return True

    await_free(
        read,
        lambda: locks.blockers(needs) if locks else (),
        reason=Reason.STATEMENT,
        limit=get_settings().LOCK_PATIENCE,
        clock=emit.clock,
        tell=teller(emit),
    )
    return found


def check_comparable(database: Database) -> None:
    """Raise where what a state would make cannot be made aside."""
    if database.vendor != "postgresql":
        raise UsageError(
            _("{database!r} is no PostgreSQL: its schema cannot be compared with what migrations make.").format(
                database=database.alias
            ),
            hint=_("See what is recorded: manage.py showmigrations --list"),
        )
    if tenancy_of(database.alias):
        raise UsageError(
            _("Database {database!r} has tenants, and one schema alone can be compared.").format(
                database=database.alias
            ),
            hint=_("Compare the one that all share: AUTO_MIGRATE_TENANTS=none manage.py auto_migrate --plan --drift"),
        )
    with database.connection.cursor() as cursor:
        cursor.execute(MAY_MAKE)
        if not cursor.fetchone()[0]:
            user, name = database.address.role, database.address.name
            raise DatabaseRefused(
                _("The role may not make temporary tables, in which the expected schema is made: {where}.").format(
                    where=database.address
                ),
                hint=f"GRANT TEMPORARY ON DATABASE {name} TO {user};",
            )


def models_of(state: ProjectState, connection: BaseDatabaseWrapper) -> Iterator[Model]:
    """Return the models of a state whose tables migrations make in this database, automatic ones left out."""
    for app_label, name in state.models:
        model = state.apps.get_model(app_label, name)
        if is_made(model, connection):
            yield model


def is_made(model: Model, connection: BaseDatabaseWrapper) -> bool:
    """Return whether Django makes the table of a model: no proxy, not unmanaged, not swapped, of this database."""
    return model._meta.can_migrate(connection) and router.allow_migrate_model(connection.alias, model)


def quoted_names(connection: BaseDatabaseWrapper, wanted: Iterable[Model]) -> Mapping[str, str]:
    """Return what tables are called here, each with its quoted name; before their names are changed for scratch."""
    return {table_name(model): connection.ops.quote_name(model._meta.db_table) for model in tables_of(wanted)}


def unknown(table: str, reason: str) -> Difference:
    """Say of a table that nothing can be said."""
    return Difference(table, ObjectType.TABLE, DifferenceKind.UNKNOWN, expected=reason)


def is_of_bridge(difference: Difference, bridge: Bridge) -> bool:
    """Return whether a difference is what a bridge is there for."""
    place = (difference.part, difference.kind)
    return (
        BRIDGED.get(bridge.kind) == place
        and difference.table == bridge.table
        and difference.columns == (bridge.column,)
    )


def unclaimed_tables(connection: BaseDatabaseWrapper, state: ProjectState, claimed: Collection[str]) -> Iterator[str]:
    """Name the tables that no model knows, be it unmanaged or of an app without migrations."""
    running: Iterable[Any] = global_apps.get_models(include_auto_created=True, include_swapped=True)
    known = {table_name(model) for model in (*running, *state.apps.get_models(include_auto_created=True))}
    known |= {*claimed, MigrationRecorder.Migration._meta.db_table}
    known |= set(map(truncated, known))
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        yield from (name for (name,) in cursor.fetchall() if name not in known and not name.startswith(OWN))
