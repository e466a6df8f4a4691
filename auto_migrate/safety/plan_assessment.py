"""The gate in front of the plan: judged for the database it is about to change, and refused if it would hurt."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import filter as filter_names
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.state import ProjectState

from auto_migrate.applying.backwards import is_plain, states_before
from auto_migrate.applying.online.planned_steps import step_predictor
from auto_migrate.applying.states.lazy_state import LazyState, djangos
from auto_migrate.changes.offending_rows import OffendingRows
from auto_migrate.changes.reading import MigrationChanges, read_plan
from auto_migrate.conf import get_settings
from auto_migrate.databases.base import Database
from auto_migrate.findings import Acknowledgement, AssessedMigration, Assessment, Finding, Level
from auto_migrate.history.durations import durations, pace
from auto_migrate.history.journal import Position
from auto_migrate.phases.classify import PhaseClassifier, classify_plan
from auto_migrate.phases.divide import applied
from auto_migrate.planning.comparison import Comparison
from auto_migrate.planning.unreleased import unreleased_tables
from auto_migrate.safety.acknowledgements import of_settings
from auto_migrate.safety.assessment import assess
from auto_migrate.safety.forecast import forecast
from auto_migrate.safety.hazard import ServerFacts
from auto_migrate.safety.hazards import hazards
from auto_migrate.safety.hazards.am206_there_already import THERE_ALREADY
from auto_migrate.safety.live import Live
from auto_migrate.safety.plan_fingerprint import check_same_plan
from auto_migrate.tenancy import tenancy_of
from auto_migrate.values import MigrationKey
from auto_migrate.workload.impact import WorkloadImpact
from auto_migrate.workload.pg_stat_statements import counted_statements
from auto_migrate.workload.statement_file import read_files
from auto_migrate.workload.used_tables import UsedTables

# What STATEMENTS may be beside the path of a file.
AUTO, NEVER = "auto", "never"


def assess_plan(
    database: Database,
    comparison: Comparison,
    state: ProjectState,
    *,
    acknowledgements: Sequence[Acknowledgement] = (),
    cut: Mapping[MigrationKey, Position] | None = None,
    with_sql: bool = False,
    with_left: bool = False,
    after_deploy: bool = False,
) -> Assessment:
    """Judge a plan for the database as it is now; `state` is that of the recorded migrations, and is used up.

    Of what was `cut` only what is left to do is told. `with_left` also judges what is left for after the deploy, which
    is read in any case: what comes after it in the graph cannot be understood without it. Of that, what hurts the code
    that comes out meanwhile counts now, unless it is `after_deploy`. Raise `PlanRefused` for an acknowledgement that is
    for another plan.
    """
    check_same_plan(comparison, acknowledgements)
    new_tables = unreleased_tables(database, comparison, lambda: state)
    classifier = PhaseClassifier(
        comparison.loader.graph, deferred=comparison.deferred, kept=comparison.phased, new_tables=new_tables
    )
    rows = OffendingRows(database.connection)
    reads = classify_plan(read_whole(database, comparison, state, rows=rows, cut=cut, with_sql=with_sql), classifier)
    waiting = frozenset(() if after_deploy else comparison.deferred)
    keys = frozenset(comparison.whole_keys) if with_left else waiting.union(comparison.keys)
    plan = [read for read in reads if read.key in keys]
    server, live = server_of(database.connection), look(database)
    assessment = assess(
        plan,
        server,
        live=live,
        impact=functools.partial(counted_impact, database.connection),
        acknowledgements=[*acknowledgements, *configured(keys)],
        new_tables=new_tables,
    )
    now = [read for read in plan if read.key in frozenset(comparison.keys)]
    earlier = durations(database.alias, comparison.keys)
    foreseen = forecast(now, server, live, earlier=earlier, pace=pace(database.alias)) if now else None
    timed = timely(assessment.migrations, waiting, with_left=with_left)
    migrations = tuple(left_of(assessed, (cut or {}).get(assessed.migration)) for assessed in timed)
    unlooked = tuple(dict.fromkeys(rows.unlooked))
    return dataclasses.replace(assessment, migrations=migrations, forecast=foreseen, unlooked=unlooked)


def read_whole(
    database: Database,
    comparison: Comparison,
    state: ProjectState,
    *,
    rows: OffendingRows,
    cut: Mapping[MigrationKey, Position] | None,
    with_sql: bool,
) -> Iterator[MigrationChanges]:
    """Read all of a plan, with what of it goes online and what rows forbid."""
    before = states_before_unapplied(comparison) if comparison.backwards else {}
    online = step_predictor(database, is_new=not comparison.recorded, cut=cut)
    how: dict[str, Any] = {"with_sql": with_sql, "online": online, "rows": rows}
    return read_plan(database.connection, comparison.whole, state, before=before, **how)


def states_before_unapplied(comparison: Comparison) -> dict[MigrationKey, ProjectState]:
    """Return the states before the migrations that a plan unapplies, which share what none of these changes."""
    standing, state = list(applied(comparison.loader)), LazyState(real_apps=comparison.loader.unmigrated_apps)
    _ = state.real_models
    found = states_before((migration for migration, _backwards in comparison.whole), standing, state, standing)
    # What is not known may do to a state what only Django's own bears.
    return {
        MigrationKey.of(migration): state if is_plain(migration) else djangos(state)
        for migration, state in found.items()
    }


def timely(
    migrations: Iterable[AssessedMigration], waiting: Collection[MigrationKey], *, with_left: bool
) -> Iterator[AssessedMigration]:
    """Leave out what hurts at another time; of a migration that waits, all is told `with_left` alone."""
    for assessed in migrations:
        findings = tuple(one for one in assessed.findings if (assessed.migration in waiting) is while_waiting(one))
        if assessed.migration not in waiting:
            yield dataclasses.replace(assessed, findings=findings)
        elif with_left:
            yield assessed
        elif unhandled := tuple(one for one in findings if one.handled is None):
            yield dataclasses.replace(assessed, operations=(), findings=unhandled)


def while_waiting(finding: Finding) -> bool:
    """Return whether a finding is about the time until its migration runs."""
    hazard = hazards().get(finding.code)
    return hazard is not None and hazard.while_waiting


def left_of(assessed: AssessedMigration, position: Position | None) -> AssessedMigration:
    """Leave out what a run has done that was cut in the migration."""
    if position is None or position.backwards is not assessed.backwards:
        return assessed
    done = {operation.index for operation in assessed.operations[: position.done]}
    return dataclasses.replace(
        assessed,
        operations=assessed.operations[position.done :],
        # What is there already, that run may have made.
        findings=tuple(one for one in assessed.findings if one.operation not in done and one.code != THERE_ALREADY),
        done=position.done,
    )


def blocking_findings(assessment: Assessment, cut: Mapping[MigrationKey, Position]) -> tuple[Finding, ...]:
    """Return the findings that stop a plan; whoever was cut while he unapplied had been let pass, and may finish it."""
    found = assessment.blocking(blocking_level())
    passed = {assessed.migration for assessed in assessment.migrations if assessed.backwards} & cut.keys()
    return tuple(finding for finding in found if finding.migration not in passed)


def configured(migrations: Iterable[MigrationKey]) -> list[Acknowledgement]:
    """Return what the settings acknowledge of these migrations."""
    names = list(map(str, migrations))
    return [one for one in of_settings(get_settings().ACKNOWLEDGE) if filter_names(names, one.migration)]


def server_of(connection: BaseDatabaseWrapper) -> ServerFacts:
    """Return what carries out the plan."""
    has_tenants = tenancy_of(connection.alias) is not None
    return ServerFacts(connection.vendor, tuple(connection.get_database_version()), has_tenants)


def look(database: Database) -> Live | None:
    """Return the means to look at tables as they are, where the vendor tells."""
    if database.statistics is None:
        return None
    settings = get_settings()
    return Live(database.statistics, settings.SMALL_TABLE, settings.LOCK_BUDGET)


def counted_impact(connection: BaseDatabaseWrapper) -> WorkloadImpact | None:
    """Return what is known of the statements of the running release, as the settings say where to look."""
    source = get_settings().STATEMENTS
    if source == NEVER:
        return None
    workload = counted_statements(connection) if source == AUTO else read_files([source])
    if workload is None:
        return None
    around = UsedTables(connection)
    return WorkloadImpact(workload, around.columns, around.mentions, around.relatives)


def blocking_level() -> Level | None:
    """Return the level at and above which findings stop a plan, None if none does."""
    name = get_settings().BLOCK
    return None if name == "never" else Level(name)
