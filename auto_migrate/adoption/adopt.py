"""Adoption: migrations recorded as applied, without carrying them out, where the schema proves that they were."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db import DEFAULT_DB_ALIAS
from django.db.migrations.recorder import MigrationRecorder
from django.db.transaction import atomic
from django.utils.translation import gettext as _

from auto_migrate.adoption.adoption_events import AdoptionExamined, AppHeldBack, ProofMissing, TableContradicted
from auto_migrate.adoption.adoption_plan import AdoptionPlan, examine, keys
from auto_migrate.applying.recovery import Resolutions
from auto_migrate.clock import Clock
from auto_migrate.databases import adapter_for
from auto_migrate.databases.base import Database
from auto_migrate.databases.options import asking, refuse_manual_commits
from auto_migrate.emitter import Emitter, report_ending
from auto_migrate.events import Listener
from auto_migrate.exceptions import HistoryDiverged, TransientError
from auto_migrate.planning.schema_state import recorded_rows, replaced_nodes
from auto_migrate.record_events import MigrationsAdopted
from auto_migrate.retry import teller
from auto_migrate.supervision import supervised
from auto_migrate.values import MigrationKey, SchemaState
from auto_migrate.watchdog import bounded_questions


def adopt(
    database: str = DEFAULT_DB_ALIAS,
    *,
    resolutions: Resolutions | None = None,
    listeners: Sequence[Listener] = (),
    clock: Clock | None = None,
) -> tuple[MigrationKey, ...]:
    """Record what is proven, under the deploy lock and in one transaction, and return it.

    `resolutions` say of migrations whether what no schema proves was done; operation 0 stands for all of one. Raise
    `HistoryDiverged`, with what is proven recorded, where tables are there as no state has them or a question is open.
    """
    adapter = adapter_for(database)
    left: list[SchemaState] = []
    with supervised(
        database, requested_by="auto_migrate --adopt", listeners=listeners, clock=clock, state=lambda: left[-1]
    ) as emit:
        refuse_manual_commits(adapter)
        with adapter.translate_errors():
            found = examine(adapter, resolutions or {}, emit)
            tell(found, emit)
            if found.proven:
                record(adapter, found, emit)
                emit(MigrationsAdopted(keys(found.proven)))
        refuse_unproven(found, database)
        left.append(SchemaState.BEHIND if found.pending else SchemaState.UP_TO_DATE)
    return keys(found.proven)


def preview_adoption(
    database: str = DEFAULT_DB_ALIAS,
    *,
    resolutions: Resolutions | None = None,
    listeners: Sequence[Listener] = (),
    clock: Clock | None = None,
) -> tuple[MigrationKey, ...]:
    """Show the listeners what `adopt` would record and what not, changing nothing; raise as it would."""
    emit = Emitter(database, uuid.uuid4(), listeners, clock or Clock())
    adapter = adapter_for(database)
    with report_ending(emit, waiting=True), bounded_questions(adapter, emit):
        try:
            with asking(adapter):
                found = examine(adapter, resolutions or {}, emit)
        except TransientError as fault:
            raise adapter.unreachable(fault) from fault
        tell(found, emit)
        refuse_unproven(found, database)
    return keys(found.proven)


def tell(found: AdoptionPlan, emit: Emitter) -> None:
    """Hand the listeners what was found."""
    for one in found.contradictions:
        emit(TableContradicted(one.app_label, one.table, one.differences))
    for question in found.questions:
        emit(ProofMissing(question.key, tuple(question.lines()), question.followed))
    for label, behind in sorted(found.held_back.items()):
        emit(AppHeldBack(label, behind))
    emit(AdoptionExamined(keys(found.proven), keys(found.pending)))


def record(database: Database, found: AdoptionPlan, emit: Emitter) -> None:
    """Record all at once; raise `HistoryDiverged` if somebody else has recorded anything since it was examined."""
    recorder = MigrationRecorder(database.connection)
    recorder.ensure_schema()
    with atomic(using=database.alias):
        database.begin_migration(emit.clock, None, teller(emit))
        if recorded_rows(database.connection) != found.recorded:
            raise HistoryDiverged(
                _("Another process recorded migrations meanwhile, so nothing was."),
                hint=_("Look again: manage.py auto_migrate --adopt --plan"),
            )
        rows = set(found.recorded)
        for migration in found.proven:
            for node in (*replaced_nodes(found.loader, migration), (migration.app_label, migration.name)):
                if node not in rows:
                    recorder.record_applied(*node)
                    rows.add(node)


def refuse_unproven(found: AdoptionPlan, database: str) -> None:
    """Raise `HistoryDiverged` where an app is there and may not be recorded."""
    if found.is_proven:
        return
    labels = {one.app_label for one in found.contradictions}
    labels |= {question.key.app_label for question in found.questions} | set(found.held_back)
    where = "" if database == DEFAULT_DB_ALIAS else f" --database {database}"
    hints = []
    if found.questions:
        done = " ".join(f"--resolve {question.key}=done" for question in found.questions)
        hints.append(
            _("If what no schema proves was carried out, say so: {command}").format(
                command=f"manage.py auto_migrate --adopt{where} {done}"
            )
        )
        hints.append(_("What was not, and is to be carried out: the same with =redo."))
    if found.contradictions:
        hints.append(_("Make the tables what their migrations say, as it is told above, and adopt again."))
    raise HistoryDiverged(
        _("Not proven, and so nothing recorded, in these apps: {labels}.").format(labels=", ".join(sorted(labels))),
        hint="\n".join(hints),
    )
