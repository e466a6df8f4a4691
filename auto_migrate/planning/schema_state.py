"""How code and database compare, told by one look at the recorded rows: the question that every probe asks."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from django.core.signals import setting_changed
from django.db import DatabaseError, NotSupportedError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Value
from django.utils.translation import gettext as _

from auto_migrate.active_schema import active_schema
from auto_migrate.conf import get_settings
from auto_migrate.databases import adapter_for
from auto_migrate.databases.base import Database
from auto_migrate.databases.options import asking
from auto_migrate.databases.savepoint import savepoint
from auto_migrate.exceptions import HistoryDiverged, MigrationFailed, TransientError, UsageError
from auto_migrate.history.bridge_ledger import BridgeLedger
from auto_migrate.history.journal import CUT, open_journals
from auto_migrate.history.models import OWN_TABLES, BackfillRecord, BridgeRecord, StepRecord
from auto_migrate.history.optional_tables import forget, has_table, may_have_table, note_missing
from auto_migrate.history.store import History
from auto_migrate.phases.divide import Division, before_deploy
from auto_migrate.planning.fingerprint import code_of_process
from auto_migrate.planning.loader import Loader, Planner, loading
from auto_migrate.planning.partial_migrations import interruptions
from auto_migrate.values import BackfillState, Bridge, MigrationKey, Node, SchemaState, TenantsState, ValueObject


def recorded_rows(connection: BaseDatabaseWrapper) -> tuple[Node, ...]:
    """Return the recorded migrations in the order in which they were recorded, by one query."""
    recorder = MigrationRecorder(connection)
    rows = recorder.migration_qs.order_by("id").values_list("app", "name")
    try:
        with savepoint(connection.alias):
            return tuple(rows)
    except NotSupportedError:
        # Of the server, which Django looks at as it connects; and not a second time.
        raise
    except DatabaseError as error:
        refuse_unanswered(connection.alias, error)
        # Another runner may have made the table since: what fails now fails for another reason.
        return tuple(rows.all()) if recorder.has_table() else ()


def refuse_unanswered(database: str, error: DatabaseError) -> None:
    """Raise the error of a question that was not answered: that there is no such table would be an answer."""
    if adapter_for(database).fault_of(error) is not None:
        raise error


def has_tables(connection: BaseDatabaseWrapper) -> bool:
    """Return whether the database has any table but those in which migrations and runs are recorded."""
    own = OWN_TABLES | {MigrationRecorder.Migration._meta.db_table}
    return not own.issuperset(connection.introspection.table_names())


def unknown_rows(
    recorded: Iterable[Node], known: Collection[Node], migrated_apps: Collection[str]
) -> tuple[MigrationKey, ...]:
    """Return the recorded migrations that a newer release must have applied.

    A row counts if its app is installed, its file is not here, and nothing that is here was recorded after it: rows
    that a squash left behind, and those of apps that were removed, are older than what replaced them.
    """
    newest: dict[str, list[Node]] = {}
    for node in recorded:
        if node in known:
            newest[node[0]] = []
        elif node[0] in migrated_apps:
            newest.setdefault(node[0], []).append(node)
    return tuple(MigrationKey(*node) for nodes in newest.values() for node in nodes)


def known_nodes(loader: MigrationLoader) -> set[Node]:
    """Return what this code has a file for, together with what its squashes replaced."""
    replaced = {(app, name) for migration in loader.disk_migrations.values() for app, name in migration.replaces}
    return set(loader.disk_migrations) | replaced


def replaced_nodes(loader: MigrationLoader, migration: Migration) -> tuple[Node, ...]:
    """Return what a squash replaces, and what those replaced that are squashes themselves, innermost first."""
    found: list[Node] = []
    for node in migration.replaces:
        inner = loader.disk_migrations.get(node)
        found += [*replaced_nodes(loader, inner), node] if inner is not None else [node]
    return tuple(dict.fromkeys(found))


def replaced_leaves(loader: MigrationLoader, migration: Migration) -> frozenset[Node]:
    """Return what must be recorded for a squash to count as applied: all that it replaces, squashes among it not."""
    return frozenset(
        node
        for node in replaced_nodes(loader, migration)
        if node not in loader.disk_migrations or not loader.disk_migrations[node].replaces
    )


def lost_squashes(loader: MigrationLoader, rows: Collection[Node]) -> dict[MigrationKey, tuple[MigrationKey, ...]]:
    """Return the squashes that are recorded by half and whose other half has no files, with what the record lacks.

    Django leaves them out of the graph, as if there were nothing to be done.
    """
    found: dict[MigrationKey, tuple[MigrationKey, ...]] = {}
    for migration in loader.disk_migrations.values():
        leaves = replaced_leaves(loader, migration) if migration.replaces else frozenset()
        missing = leaves.difference(rows)
        if missing and missing != leaves and not missing.issubset(loader.disk_migrations):
            found[MigrationKey.of(migration)] = tuple(MigrationKey(*node) for node in sorted(missing))
    return found


def refuse_lost_squashes(loader: MigrationLoader, hint: str = "") -> None:
    """Raise `HistoryDiverged` where a squash is recorded by half and cannot be gone on with."""
    for squash, missing in lost_squashes(loader, loader.applied_migrations.keys()).items():
        raise HistoryDiverged(
            _("{squash} is recorded by half, and of what the record lacks there are no files: {missing}.").format(
                squash=squash, missing=", ".join(map(str, missing))
            ),
            hint=hint,
        )


class QuickState(ValueObject):
    """The state, how many migrations are pending, which of the others wait for the deploy, and what stands for it.

    `backfills` counts those that are not finished, by their state: the schema does not depend on them.
    `tenants` is None where there are none, and where one schema alone was looked at.
    """

    state: SchemaState
    pending: int
    deferred: tuple[MigrationKey, ...] = ()
    bridges: tuple[Bridge, ...] = ()
    backfills: Mapping[str, int] = dataclasses.field(default_factory=dict)
    tenants: TenantsState | None = None


class RequiredMigrations(ValueObject):
    """What the code needs, read from its files once a process: they do not change under a running one."""

    nodes: Mapping[Node, frozenset[Node]]
    known: frozenset[Node]
    migrated_apps: frozenset[str]
    problem: str = ""

    def pending(self, rows: Collection[Node]) -> int:
        """Count the nodes that are not applied."""
        return len(self.missing(rows))

    def missing(self, rows: Collection[Node]) -> list[Node]:
        """Return the nodes that are not applied; a squash is if all that it replaces is, whatever its own row says."""
        return [node for node, parts in self.nodes.items() if not (parts.issubset(rows) if parts else node in rows)]

    def halved(self, rows: Collection[Node]) -> bool:
        """Return whether a squash is recorded by half: then what it replaces counts, as far as its files are there."""
        return any(parts and not parts.isdisjoint(rows) and not parts.issubset(rows) for parts in self.nodes.values())


@functools.cache
def needs() -> RequiredMigrations:
    """Read what the files say by themselves."""
    return read_needs(None)


def read_needs(connection: BaseDatabaseWrapper | None) -> RequiredMigrations:
    """Build the graph of the files, and with a connection let its record decide which squashes take part."""
    try:
        with loading():
            return needs_of(Loader(connection))
    except HistoryDiverged as error:
        return RequiredMigrations({}, frozenset(), frozenset(), problem=str(error))


def needs_of(loader: MigrationLoader) -> RequiredMigrations:
    """Return what a graph that is built asks of the record."""
    refuse_lost_squashes(loader)
    conflicts = loader.detect_conflicts()
    return RequiredMigrations(
        {node: replaced_leaves(loader, migration) for node, migration in loader.graph.nodes.items()},
        frozenset(known_nodes(loader)),
        frozenset(loader.migrated_apps),
        problem=f"conflicting leaf nodes in {', '.join(sorted(conflicts))}" if conflicts else "",
    )


def quick_state(database: str = "default") -> QuickState:
    """Return the state by one look at the recorded rows; of a database with tenants it is that of one schema.

    Raise `DatabaseUnreachable` or `DatabaseRefused` if the database cannot be asked.
    """
    adapter = adapter_for(database)
    was_open = adapter.connection.connection is not None
    try:
        return _look(adapter)
    except TransientError as fault:
        adapter.discard_connection()
        if not was_open or fault.contention:
            raise adapter.unreachable(fault) from fault
    # The connection may just have been cut since it was last used, by a restart of the server for instance.
    try:
        return _look(adapter)
    except TransientError as fault:
        adapter.discard_connection()
        raise adapter.unreachable(fault) from fault


def _look(adapter: Database) -> QuickState:
    connection: Any = adapter.connection
    # The question is its own health check, and whoever asks need not pay for two.
    connection.health_check_done = True
    with asking(adapter):
        recorded, told = rows_and_more(connection)
        answered = _answers.get(adapter.alias)
        if answered is None or answered[0] != recorded:
            answered = _answers[adapter.alias] = (recorded, state_of(connection, recorded))
        found = _half_way(adapter, recorded, answered[1]) if JOURNALS in told else answered[1]
        if BRIDGES in told:
            found = dataclasses.replace(found, bridges=BridgeLedger(adapter.alias).everywhere())
        if BACKFILLS in told:
            # Probes ask for it, and the release step does not.
            from auto_migrate.backfills.records import Backfills

            found = dataclasses.replace(found, backfills=Backfills(adapter.alias).counted())
        return found


# What a look at the database comes upon beside the record: open journals, bridges, unfinished backfills.
JOURNALS, BRIDGES, BACKFILLS = 1, 2, 3


def rows_and_more(connection: BaseDatabaseWrapper) -> tuple[tuple[Node, ...], Collection[int]]:
    """Return the recorded migrations, and what else there is, by one query where there can be one."""
    rows = MigrationRecorder(connection).migration_qs.annotate(source=Value(0))
    every = rows.values_list("source", "id", "app", "name").union(*_more(connection.alias), all=True)
    if connection.in_atomic_block or not may_have_table(connection.alias, StepRecord):
        return recorded_rows(connection), _one_by_one(connection.alias)
    try:
        found = list(every.order_by("source", "id"))
    except NotSupportedError:
        # Of the server, which Django looks at as it connects; and not a second time.
        raise
    except DatabaseError as error:
        refuse_unanswered(connection.alias, error)
        note_missing(connection.alias, StepRecord)
        forget(connection.alias, BridgeRecord, BackfillRecord)
        return recorded_rows(connection), _one_by_one(connection.alias)
    return tuple((app, name) for source, _id, app, name in found if not source), {source for source, *_row in found}


def _more(database: str) -> Iterator[Any]:
    """Return the queries for what else there is, as far as their tables are there."""
    yield _named(StepRecord.objects.using(database).filter(CUT, schema_name=active_schema()), JOURNALS)
    if has_table(database, BridgeRecord):
        yield _named(BridgeRecord.objects.using(database), BRIDGES)
    if has_table(database, BackfillRecord):
        yield _named(BackfillRecord.objects.using(database).exclude(state=BackfillState.SUCCEEDED), BACKFILLS)


def _named(records: Any, source: int) -> Any:
    return records.annotate(source=Value(source)).order_by().values_list("source", "id", "app_label", "name")


def _one_by_one(database: str) -> Collection[int]:
    found = {JOURNALS: open_journals(database), BRIDGES: BridgeLedger(database).everywhere()}
    # Whether there are any is looked up where they are counted.
    return {BACKFILLS, *(source for source, told in found.items() if told)}


def _half_way(adapter: Database, recorded: tuple[Node, ...], answer: QuickState) -> QuickState:
    """Return what is true of a database in which a migration may stand half-way, of which the rows tell nothing."""
    found = interruptions(adapter, recorded)
    is_well = answer.state in {SchemaState.UP_TO_DATE, SchemaState.AHEAD}
    if any(not is_well or (key.app_label, key.name) in needs().known for key in found.cut):
        return dataclasses.replace(answer, state=SchemaState.DIVERGED)
    if found.cut:
        # A newer release was cut, and the one that runs goes on meanwhile.
        return dataclasses.replace(answer, state=SchemaState.AHEAD)
    if found.undone and answer.state is not SchemaState.DIVERGED:
        return dataclasses.replace(answer, state=SchemaState.BEHIND, pending=answer.pending + len(found.undone))
    return answer


# The answer depends on the rows alone, since the code of a process does not change: alias → the rows and their answer.
_answers: dict[str, tuple[tuple[Node, ...], QuickState]] = {}


def state_of(connection: BaseDatabaseWrapper, recorded: tuple[Node, ...]) -> QuickState:
    """Return the state that recorded rows make, those of the schema that this thread works in."""
    code = code_of_process(connection.alias)
    if code is not None and History(connection.alias).knows(code.fingerprint(recorded).schema):
        return QuickState(SchemaState.UP_TO_DATE, 0)
    needed, rows = needs(), frozenset(recorded)
    if needed.halved(rows):
        needed = read_needs(connection)
    if needed.problem:
        return QuickState(SchemaState.DIVERGED, 0)
    missing = needed.missing(rows)
    # What no plan has although it is missing is pending, too: the record contradicts the files.
    deferred = _division(connection).deferred if missing and get_settings().PHASES else ()
    pending = sum(MigrationKey(*node) not in deferred for node in missing)
    if pending:
        return QuickState(SchemaState.BEHIND, pending, deferred)
    unknown = unknown_rows(recorded, needed.known, needed.migrated_apps)
    return QuickState(SchemaState.AHEAD if unknown else SchemaState.UP_TO_DATE, 0, deferred)


def _division(connection: BaseDatabaseWrapper) -> Division:
    """Read what is pending, to tell what waits for the deploy."""
    executor = Planner(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    try:
        return before_deploy(connection, executor.loader, plan)
    except (UsageError, MigrationFailed):
        # The release step says what is wrong with it, and lets nothing of it pass.
        return Division(plan)


def _forget(*, setting: str, **_: Any) -> None:
    if setting in {"INSTALLED_APPS", "MIGRATION_MODULES"}:
        needs.cache_clear()
    # Too many settings matter to the fingerprint to name them.
    code_of_process.cache_clear()
    _answers.clear()


setting_changed.connect(_forget, dispatch_uid="auto_migrate.planning.schema_state")
