"""The comparison of the schema that recorded migrations make with the schema that is there."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.apps import apps as global_apps
from django.db import DEFAULT_DB_ALIAS, DatabaseError
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState
from django.db.transaction import atomic
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from auto_migrate.changes.sql.names import truncated
from auto_migrate.clock import Clock
from auto_migrate.conf import get_settings
from auto_migrate.databases import adapter_for
from auto_migrate.databases.base import Database
from auto_migrate.databases.lock_modes import LockMode
from auto_migrate.databases.options import asking
from auto_migrate.databases.session_waits import Reason, await_free
from auto_migrate.drift.custom_ddl import CustomDdl
from auto_migrate.drift.differences import Difference, DifferenceKind, ObjectType, compare_tables
from auto_migrate.drift.drift_events import DriftChecked, DriftFound
from auto_migrate.drift.state_tables import models_of, quoted_names, table_name, tables_of
from auto_migrate.drift.table_shape import TableShape
from auto_migrate.drift.table_source import TableSource
from auto_migrate.emitter import Emitter, report_ending
from auto_migrate.events import Listener
from auto_migrate.exceptions import HistoryDiverged, TransientError, UsageError
from auto_migrate.history.bridge_ledger import BridgeLedger
from auto_migrate.planning.comparison import applied_state, compare
from auto_migrate.planning.targets import Goal
from auto_migrate.retry import teller
from auto_migrate.tenancy import tenancy_of
from auto_migrate.values import Bridge, BridgeKind
from auto_migrate.watchdog import bounded_questions

SOURCES = {
    "mysql": "auto_migrate.drift.mysql_tables.MySQLTables",
    "postgresql": "auto_migrate.drift.postgresql_tables.PostgreSQLTables",
    "sqlite": "auto_migrate.drift.sqlite_tables.SQLiteTables",
}
OWN = "auto_migrate_"
# What of a column or its constraints a bridge changes for a while.
BRIDGED = {
    BridgeKind.DEFAULT: (ObjectType.DEFAULT, DifferenceKind.EXTRA),
    BridgeKind.NOT_NULL: (ObjectType.COLUMN, DifferenceKind.DIFFERENT),
    BridgeKind.FOREIGN_KEY: (ObjectType.CONSTRAINT, DifferenceKind.MISSING),
    BridgeKind.HELD_NOT_NULL: (ObjectType.COLUMN, DifferenceKind.DIFFERENT),
    BridgeKind.HELD_CONSTRAINT: (ObjectType.CONSTRAINT, DifferenceKind.MISSING),
}


def detect_drift(
    database: str = DEFAULT_DB_ALIAS,
    *,
    fails: bool = False,
    listeners: Sequence[Listener] = (),
    clock: Clock | None = None,
) -> tuple[Difference, ...]:
    """Compare, changing nothing, and tell the listeners each difference; return those that no migration wanted.

    With `fails` raise `HistoryDiverged` if there is one. Raise `UsageError` for a database whose tables nobody here can
    read, and `DatabaseRefused` where the role may not make the tables to compare with.
    """
    emit = Emitter(database, uuid.uuid4(), listeners, clock or Clock())
    adapter = adapter_for(database)
    with report_ending(emit, waiting=True), bounded_questions(adapter, emit):
        try:
            with asking(adapter):
                found, is_ahead = _detect(adapter, emit)
        except TransientError as fault:
            raise adapter.unreachable(fault) from fault
        if fails and found:
            raise HistoryDiverged(
                _("The schema is not what the recorded migrations make; differences: {count}.").format(
                    count=len(found)
                ),
                hint=_("The database is ahead of this code: compare it with the release that brought it there.")
                if is_ahead
                else _("Mend the schema, or write the migration that it is missing: docs/adopting.md"),
            )
    return found


def _detect(adapter: Database, emit: Emitter) -> tuple[tuple[Difference, ...], bool]:
    """Return what no migration wanted, and whether migrations are recorded that this code does not know."""
    connection = adapter.connection
    with comparable_tables(adapter) as source:
        comparison = compare(adapter, Goal())
        state = applied_state(comparison)
        wanted = list(models_of(state, connection))
        labels = {table_name(model): model._meta.app_label for model in tables_of(wanted)}
        names = quoted_names(connection, wanted)
        # One look at all tables; on PostgreSQL what they should be is made in the same transaction, and rolled back.
        with atomic(using=adapter.alias):
            actual = read_when_free(source, names, emit)
            expected = source.expected(wanted)
        found = [
            *(unknown(name, reason) for name, reason in expected.unknown.items()),
            *(one for name, shape in expected.shapes.items() for one in compare_tables(shape, actual.get(name))),
            *source.sequences_behind([shape for shape in actual.values() if shape.is_table], names),
        ]
        unclaimed = tuple(unclaimed_tables(source, state, labels))
    bridges = BridgeLedger(adapter.alias).standing()
    # Who comments on a table by hand, or with a tool, is in nobody's way.
    found = [one for one in found if (one.part, one.kind) != (ObjectType.COMMENT, DifferenceKind.EXTRA)]
    differences = [one for one in found if not any(is_of_bridge(one, bridge) for bridge in bridges)]
    graph, applied = comparison.loader.graph, comparison.loader.applied_migrations
    own = CustomDdl(migration for node, migration in graph.nodes.items() if node in applied)
    told = [DriftFound(labels[one.table], one, own.author_of(one, labels[one.table])) for one in differences]
    for event in sorted(told, key=lambda event: (event.app_label, event.difference.table)):
        emit(event)
    drift = tuple(event.difference for event in told if event.made_by is None)
    emit(DriftChecked(len(labels), len(drift), len(applied), unclaimed))
    return drift, bool(comparison.unknown)


def read_when_free(source: TableSource, names: Mapping[str, str], emit: Emitter) -> dict[str, TableShape]:
    """Return the tables that are there, in the open transaction, once nobody keeps readers out of one of them.

    PostgreSQL opens a table to write its expressions and the definitions of its indexes, and so waits for whoever holds
    it in ACCESS EXCLUSIVE mode: tell who that is, and raise `DeployLockTimeout` after `LOCK_PATIENCE` seconds.
    """
    database = source.database
    needs = {quoted.strip('"'): LockMode.ACCESS_SHARE for quoted in names.values()}
    locks = database.table_locks
    found: dict[str, TableShape] = {}

    def read() -> bool:
        try:
            with atomic(using=database.alias):
                database.limit_locks()
                found.update(source.read(names))
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


def comparable_tables(database: Database) -> TableSource:
    """Return the way to the tables of a database; raise `UsageError` where one schema says nothing, or none is read."""
    if tenancy_of(database.alias):
        raise UsageError(
            _("Database {database!r} has tenants, and one schema alone can be compared.").format(
                database=database.alias
            ),
            hint=_("Compare the one that all share: AUTO_MIGRATE_TENANTS=none manage.py auto_migrate --plan --drift"),
        )
    if database.vendor not in SOURCES:
        raise UsageError(
            _("The tables of {database!r} cannot be compared with what migrations make: {vendor} is unknown.").format(
                database=database.alias, vendor=database.connection.vendor
            ),
            hint=_("See what is recorded: manage.py showmigrations --list"),
        )
    source: TableSource = import_string(SOURCES[database.vendor])(database)
    return source


def unknown(table: str, reason: str) -> Difference:
    """Say of a table that nothing can be said."""
    return Difference(table, ObjectType.TABLE, DifferenceKind.UNKNOWN, expected=reason)


def is_of_bridge(difference: Difference, bridge: Bridge) -> bool:
    """Return whether a difference is what a bridge is there for."""
    place = (difference.part, difference.kind)
    # A constraint may speak of several columns, and goes by the name that a model gives it.
    is_named = bridge.kind is BridgeKind.HELD_CONSTRAINT and difference.name == bridge.name
    return (
        BRIDGED.get(bridge.kind) == place
        and difference.table == bridge.table
        and (is_named or difference.columns == (bridge.column,))
    )


def unclaimed_tables(source: TableSource, state: ProjectState, claimed: Collection[str]) -> Iterator[str]:
    """Name the tables that no model knows, be it unmanaged or of an app without migrations."""
    running: Iterable[Any] = global_apps.get_models(include_auto_created=True, include_swapped=True)
    known = {table_name(model) for model in (*running, *state.apps.get_models(include_auto_created=True))}
    known |= {*claimed, MigrationRecorder.Migration._meta.db_table}
    # One that a model names with its schema may be found without it.
    known |= {name.rpartition(".")[2] for name in known}
    known |= set(map(truncated, known))
    yield from (name for name in source.names() if name not in known and not name.startswith(OWN))
