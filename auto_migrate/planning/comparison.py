"""The plan for one database: what the code needs, what the database has, and the way from one to the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping

from django.db import DEFAULT_DB_ALIAS
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.databases.base import Database
from auto_migrate.exceptions import HistoryDiverged
from auto_migrate.history.journal import open_journals
from auto_migrate.history.store import History
from auto_migrate.phases.divide import Division, after_deploy, before_deploy, state_of_record
from auto_migrate.phases.phase import Phase
from auto_migrate.planning.loader import Loader, Planner, loading
from auto_migrate.planning.schema_state import known_nodes, recorded_rows, refuse_lost_squashes, unknown_rows
from auto_migrate.planning.targets import Goal, Target
from auto_migrate.tenancy import tenancy_of
from auto_migrate.values import MigrationKey, Node, SchemaState, ValueObject

SHOW = gettext_noop("Compare the two: manage.py showmigrations --list")
ADOPT = "python manage.py auto_migrate --adopt --plan"


class Comparison(ValueObject):
    """The plan for one database, as Django's own loader and executor make it."""

    loader: MigrationLoader
    recorded: tuple[Node, ...]
    targets: list[Target]
    target: MigrationKey | None
    plan: list[tuple[Migration, bool]]
    unknown: tuple[MigrationKey, ...]
    deferred: tuple[MigrationKey, ...] = ()
    early: Mapping[MigrationKey, tuple[MigrationKey, ...]] = dataclasses.field(default_factory=dict)
    whole: list[tuple[Migration, bool]] = dataclasses.field(default_factory=list)
    """The plan together with what is left for after the deploy, in the order of the graph."""
    phased: bool = False
    """Whether the plan is that of one phase, so that what belongs after the deploy runs then."""

    @property
    def state(self) -> SchemaState:
        """Behind if anything is to be done, else ahead if the database knows more than the code."""
        if self.plan:
            return SchemaState.BEHIND
        return SchemaState.AHEAD if self.unknown else SchemaState.UP_TO_DATE

    @property
    def keys(self) -> tuple[MigrationKey, ...]:
        """Name what is to be done, in order."""
        return keys_of(self.plan)

    @property
    def whole_keys(self) -> tuple[MigrationKey, ...]:
        """Name what is to be done now or after the deploy, in order."""
        return keys_of(self.whole)

    @property
    def backwards(self) -> bool:
        """Return whether the plan unapplies."""
        return any(backwards for _migration, backwards in self.plan)


def compare(database: Database, goal: Goal, *, has_record: bool = True) -> Comparison:
    """Build the graph, read the record and plan the way to `goal`; raise `HistoryDiverged` where there is none.

    The record is that of the schema that this thread works in; one that has none yet would be taken for the one that
    all tenants share.
    """
    connection = database.connection
    # Read before the loader reads for itself: what another runner records in between must look like a change later on.
    recorded = recorded_rows(connection) if has_record else ()
    try:
        with loading():
            executor = Planner(connection) if has_record else Planner(connection, loader=Loader(None))
            if has_record:
                executor.loader.check_consistent_history(connection)
    except InconsistentMigrationHistory as error:
        text = _("The recorded history contradicts the migration files: {error}").format(error=error)
        raise HistoryDiverged(text, hint="\n".join([_(SHOW), *way_to_adopt(database)])) from error
    if conflicts := executor.loader.detect_conflicts():
        raise conflicting(conflicts)
    refuse_lost_squashes(executor.loader, hint="\n".join([_(SHOW), *way_to_adopt(database)]))
    targets, known = goal.targets(executor.loader), known_nodes(executor.loader)
    division = divide(database, executor, targets, goal.phase)
    newer = unknown_rows(recorded, known, executor.loader.migrated_apps)
    if has_record:
        newer = tuple(dict.fromkeys((*newer, *newer_cuts(database, known, division.plan))))
    return Comparison(
        loader=executor.loader,
        recorded=recorded,
        targets=targets,
        target=goal.key(targets),
        plan=division.plan,
        unknown=newer,
        deferred=division.deferred,
        early=division.early,
        whole=division.whole or division.plan,
        phased=division.phased,
    )


def way_to_adopt(database: Database) -> list[str]:
    """Return how to mend a record that lacks what was applied, as lines; of tenants nothing mends it."""
    if tenancy_of(database.alias):
        return []
    text = _("If what the record lacks was applied, see what can be recorded: {command}")
    return [text.format(command=adopting(database.alias))]


def adopting(database: str) -> str:
    """Return the command that shows what can be recorded since the schema proves it."""
    return ADOPT if database == DEFAULT_DB_ALIAS else f"{ADOPT} --database {database}"


def newer_cuts(
    database: Database, known: Collection[Node], plan: list[tuple[Migration, bool]]
) -> Iterator[MigrationKey]:
    """Return the migrations of a newer release that were cut, of apps in which this one has nothing to do."""
    pending = {migration.app_label for migration, _backwards in plan}
    for key in open_journals(database.alias):
        if (key.app_label, key.name) not in known and key.app_label not in pending:
            yield key


def keys_of(plan: list[tuple[Migration, bool]]) -> tuple[MigrationKey, ...]:
    """Name the migrations of a plan."""
    return tuple(MigrationKey.of(migration) for migration, _backwards in plan)


def divide(database: Database, executor: MigrationExecutor, targets: list[Target], phase: Phase | None) -> Division:
    """Plan the way to `targets` as far as it is of one phase."""
    plan = executor.migration_plan(targets)
    match phase:
        case Phase.PRE_DEPLOY:
            return before_deploy(database.connection, executor.loader, plan)
        case Phase.POST_DEPLOY:
            return after_deploy(database.connection, executor.loader, plan, History(database.alias).released())
    return Division(plan)


def conflicting(conflicts: Mapping[str, Collection[str]]) -> HistoryDiverged:
    """Name the leaf nodes of which an app has several."""
    named = "; ".join(
        _("{names} in {app_label}").format(names=", ".join(sorted(names)), app_label=app_label)
        for app_label, names in sorted(conflicts.items())
    )
    return HistoryDiverged(
        _("Conflicting migrations, several leaf nodes in the graph: {named}.").format(named=named),
        hint=_("Join them: manage.py makemigrations --merge"),
    )


def applied_state(comparison: Comparison) -> ProjectState:
    """Return the state that the recorded migrations make, in which the plan begins."""
    return state_of_record(comparison.loader)


def still_true(comparison: Comparison, database: Database) -> bool:
    """Return whether nothing was recorded since the comparison was made."""
    return recorded_rows(database.connection) == comparison.recorded


def left_undone(comparison: Comparison, database: Database) -> tuple[MigrationKey, ...]:
    """Return the migrations whose record is not what the plan, carried out, would have left."""
    rows = set(recorded_rows(database.connection))
    undone = [
        migration
        for migration, backwards in comparison.plan
        if ((migration.app_label, migration.name) in rows) is backwards
    ]
    return tuple(MigrationKey.of(migration) for migration in undone)
