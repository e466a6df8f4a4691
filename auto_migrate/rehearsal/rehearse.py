"""The pending plan carried out where nobody is: scratch → base → rows → plan, and what each statement was seen to take.

Nothing of it touches the real database but to ask for its record, and to make and drop another one beside it. While the
plan runs, the alias leads to the scratch database in every thread, and all other databases lead nowhere.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext as _

from auto_migrate.applying.online.planned_steps import step_predictor
from auto_migrate.applying.operation_traits import fits_transaction
from auto_migrate.changes.reading import read_plan
from auto_migrate.clock import Clock
from auto_migrate.databases import adapter_for
from auto_migrate.databases.base import Database
from auto_migrate.databases.direct import directly
from auto_migrate.emitter import Emitter, report_ending
from auto_migrate.events import Listener, PlanAssessed
from auto_migrate.exceptions import AutoMigrateError, TransientError, UsageError
from auto_migrate.findings import Assessment
from auto_migrate.phases.classify import ClassifiedMigration, classify_plan
from auto_migrate.phases.phase import Phase
from auto_migrate.rehearsal.database_redirection import redirect_databases
from auto_migrate.rehearsal.embedded import embedded
from auto_migrate.rehearsal.evidence import with_evidence
from auto_migrate.rehearsal.prerequisites import Prerequisites, prerequisites_of
from auto_migrate.rehearsal.rehearsal_events import (
    RehearsalFinished,
    RuleContradicted,
    StatementObserved,
    StatementRefused,
    StepsNotRehearsed,
)
from auto_migrate.rehearsal.rehearsal_signals import stoppable
from auto_migrate.rehearsal.scratch_database import beside
from auto_migrate.rehearsal.scratch_executor import ScratchExecutor
from auto_migrate.rehearsal.script import RehearsalScript, proposed, recorded
from auto_migrate.rehearsal.stage import Stage
from auto_migrate.safety.assessment import assess
from auto_migrate.safety.plan_assessment import blocking_level, configured, counted_impact, look
from auto_migrate.values import MigrationKey
from auto_migrate.watchdog import bounded_questions, watched
from auto_migrate.workload.impact import WorkloadImpact
from auto_migrate.workload.pg_stat_statements import SOURCE, required_statements
from auto_migrate.workload.statement import Workload, together
from auto_migrate.workload.statement_file import read_files
from auto_migrate.workload.used_tables import UsedTables


@dataclasses.dataclass(frozen=True)
class Options:
    """What is rehearsed, and how.

    `names` (`app_label` or `app_label.migration`) and `since` (a commit) choose the plan; without either it is what
    the database's record lacks. `rows` are put into each table before the plan; without `python`, functions of
    migrations are left out. `statements` are files of recorded statements, or `pg_stat_statements` for what the real
    database has counted.
    """

    names: tuple[str, ...] = ()
    since: str = ""
    embedded: bool = False
    rows: int = 0
    python: bool = True
    statements: tuple[str, ...] = ()

    @property
    def asks_record(self) -> bool:
        """Return whether the real database's record says what is pending."""
        return not (self.names or self.since)


@dataclasses.dataclass(frozen=True)
class Rehearsed:
    """What a rehearsal saw, where the rules say otherwise, and the plan judged with both.

    `refused` are the statements that the running release could not go on with; the migrations that break them have the
    phase `post_deploy` in the assessment.
    """

    observations: tuple[StatementObserved, ...]
    contradictions: tuple[RuleContradicted, ...]
    assessment: Assessment
    refused: tuple[StatementRefused, ...] = ()


def rehearse(
    database: str = DEFAULT_DB_ALIAS,
    options: Options | None = None,
    *,
    listeners: Sequence[Listener] = (),
    clock: Clock | None = None,
) -> Rehearsed:
    """Rehearse the plan of one database and drop the scratch again, on Ctrl-C and SIGTERM too.

    Raise `MigrationFailed` for a migration that fails there, `DatabaseRefused` where no scratch may be made.
    """
    options, emit = options or Options(), Emitter(database, uuid.uuid4(), listeners, clock or Clock())
    with report_ending(emit), stoppable(), directly(database):
        adapter = adapter_for(database)
        check_vendor(adapter)
        started = emit.clock.monotonic()
        with bounded_questions(adapter, emit), translate_script_errors(adapter):
            script, prerequisites = prepare(adapter, options, emit)
            workload = workload_of(adapter, options)
        with (
            translate_script_errors(adapter),
            watched(adapter, emit, is_question=True),
            place(adapter, options, emit) as settings,
            redirect_databases(database, settings),
            adapter.guarded(limited=False),
        ):
            adapter.own_connections.add(adapter.connection)
            adapter.prepare()
            carrier = ScratchExecutor(adapter.connection, python=options.python, fits=fits_transaction)
            confined = not options.embedded
            stage = Stage(carrier, script, emit=emit, rows=options.rows, confined=confined, workload=workload)
            stage.run(prerequisites)
        with bounded_questions(adapter, emit), translate_script_errors(adapter):
            rehearsed = judged(adapter, stage, asks=not options.embedded or options.asks_record)
        for event in not_rehearsed(rehearsed.assessment):
            emit(event)
        emit(PlanAssessed(rehearsed.assessment.findings, rehearsed.assessment.blocking(blocking_level()), ()))
        numbers = len(script.plan), len(rehearsed.observations), len(rehearsed.contradictions)
        emit(RehearsalFinished(*numbers, emit.clock.monotonic() - started))
    return rehearsed


def check_vendor(database: Database) -> None:
    """Raise `UsageError` for a database of which nothing can be observed."""
    if database.vendor != "postgresql":
        raise UsageError(
            _("{vendor} (database {alias!r}) cannot be rehearsed: only PostgreSQL tells which locks are taken.").format(
                vendor=database.vendor, alias=database.alias
            ),
            hint=_("Look at the plan: manage.py auto_migrate --plan --database {alias}").format(alias=database.alias),
        )


@contextlib.contextmanager
def translate_script_errors(database: Database) -> Iterator[None]:
    """Raise what is wrong with the database or its server as what ends a run."""
    try:
        with database.translate_errors():
            yield
    except TransientError as fault:
        raise database.unreachable(fault) from fault


def prepare(database: Database, options: Options, emit: Emitter) -> tuple[RehearsalScript, Prerequisites]:
    """Say what is rehearsed and what it stands on; the database is asked only where it must be."""
    if not options.asks_record:
        script = proposed(options.names, options.since)
        return script, Prerequisites() if options.embedded else prerequisites_of(database.connection)
    try:
        with database.translate_errors():
            script, compared = recorded(database)
    except TransientError as fault:
        if not options.embedded:
            raise
        raise unnamed(database, fault) from fault
    emit(compared)
    return script, prerequisites_of(database.connection)


def workload_of(database: Database, options: Options) -> Workload | None:
    """Return the statements of the running release, None where nobody says where they are."""
    parts = [read_files(paths)] if (paths := [name for name in options.statements if name != SOURCE]) else []
    if SOURCE in options.statements:
        with database.translate_errors():
            parts.append(required_statements(database.connection))
    return together(parts) if parts else None


def unnamed(database: Database, fault: TransientError) -> AutoMigrateError:
    """Say that only a database that answers can tell what is pending."""
    error = database.unreachable(fault)
    error.hint = _("Say what to rehearse: manage.py rehearse_migrations --embedded --since COMMIT")
    return error


def place(database: Database, options: Options, emit: Emitter) -> contextlib.AbstractContextManager[Mapping[str, Any]]:
    """Return the settings of an empty database that is gone afterwards."""
    return embedded(database) if options.embedded else beside(database, emit)


def judged(database: Database, stage: Stage, *, asks: bool) -> Rehearsed:
    """Judge the plan by the rules, by the real tables if the database may be asked, and by what was observed."""
    live = look(database) if asks else None
    read = released(database, stage) if asks else stage.read
    acknowledgements = configured([one.key for one in read])
    impact = functools.partial(impact_in, stage, database.connection if asks else None)
    assessment = with_evidence(
        assess(read, stage.server, live=live, impact=impact, acknowledgements=acknowledgements), stage.seen
    )
    return Rehearsed(
        tuple(stage.seen), tuple(stage.contradicted), postponed(assessment, stage.moved), tuple(stage.refused)
    )


def released(database: Database, stage: Stage) -> Sequence[ClassifiedMigration]:
    """Return the plan as the release step reads it, by the real tables: with the steps of what goes online."""
    online = step_predictor(database, is_new=not stage.script.base)
    plan = [(migration, False) for migration in stage.script.plan]
    return list(classify_plan(read_plan(database.connection, plan, stage.before.clone(), online=online)))


def not_rehearsed(assessment: Assessment) -> Iterator[StepsNotRehearsed]:
    """Return what the release step carries out in other statements than the rehearsal."""
    for assessed in assessment.migrations:
        for operation in assessed.operations:
            if operation.online:
                yield StepsNotRehearsed(assessed.migration, operation.index, len(operation.online))


def impact_in(stage: Stage, connection: BaseDatabaseWrapper | None) -> WorkloadImpact | None:
    """Return what is known of the running release: what the rehearsal was given, or what the release step would ask."""
    if stage.check is None:
        return counted_impact(connection) if connection else None
    if connection is None:
        return WorkloadImpact(stage.check.workload, stage.check.before.of)
    around = UsedTables(connection)
    return WorkloadImpact(stage.check.workload, stage.check.before.of, around.mentions, around.relatives)


def postponed(assessment: Assessment, late: Collection[MigrationKey]) -> Assessment:
    """Return an assessment in which some migrations are for after the deploy."""
    migrations = tuple(
        dataclasses.replace(one, phase=str(Phase.POST_DEPLOY)) if one.migration in late else one
        for one in assessment.migrations
    )
    return dataclasses.replace(assessment, migrations=migrations)
