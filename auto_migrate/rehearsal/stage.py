"""The rehearsal itself: prerequisites, base, rows and plan, in the scratch database that the alias leads to by now."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.applying.bridges.bridge_manager import watched
from auto_migrate.applying.bridges.builder import BridgeBuilder
from auto_migrate.bridge_events import BridgesRaised
from auto_migrate.changes.change import DATA, DataChange
from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.reading import read_plan
from auto_migrate.conf import get_settings
from auto_migrate.databases import adapter_for
from auto_migrate.databases.faults import first_line
from auto_migrate.emitter import Emitter
from auto_migrate.events import MigrationFinished, MigrationStarted, MigrationStopped
from auto_migrate.exceptions import AutoMigrateError, MigrationFailed
from auto_migrate.phases.classify import ClassifiedMigration, classify_plan
from auto_migrate.phases.phase import Phase
from auto_migrate.rehearsal.contradictions import RuleComparison
from auto_migrate.rehearsal.observer import Observer, shown, speaking
from auto_migrate.rehearsal.prerequisites import Prerequisites, Replacement
from auto_migrate.rehearsal.rehearsal_events import (
    BaseApplied,
    FoundationsMissing,
    PhaseProposed,
    RehearsalStarted,
    RuleContradicted,
    StatementLeftOut,
    StatementObserved,
    StatementRefused,
    TablesFilled,
)
from auto_migrate.rehearsal.relations import Relation, relations
from auto_migrate.rehearsal.release_check import ReleaseCheck, moved
from auto_migrate.rehearsal.sample_rows import fill, filled_tables
from auto_migrate.rehearsal.scratch_executor import ScratchExecutor
from auto_migrate.rehearsal.script import RehearsalScript
from auto_migrate.rehearsal.server_wide_statements import ServerWideStatements
from auto_migrate.rehearsal.watcher import watcher_of
from auto_migrate.safety.held_back import held_back
from auto_migrate.safety.plan_assessment import server_of
from auto_migrate.values import MigrationKey, OperationKey
from auto_migrate.workload.statement import Workload

NO_BASE = gettext_noop("The scratch database could not be brought to where the plan begins")
FAILED = gettext_noop("The rehearsal failed")


class Stage:
    """One rehearsal in its scratch database, to which the alias leads by now.

    `workload` has the statements of the running release, each of which shall go on after what runs before the deploy.
    """

    def __init__(
        self,
        carrier: ScratchExecutor,
        script: RehearsalScript,
        *,
        emit: Emitter,
        rows: int,
        confined: bool,
        workload: Workload | None = None,
    ) -> None:
        self.carrier = carrier
        self.connection = carrier.connection
        self.script = script
        self.emit = emit
        self.rows = rows
        self.workload = workload
        self.confined = confined
        self.wrappers = (
            [ServerWideStatements(lambda statement: emit(StatementLeftOut(shown(statement))))] if confined else []
        )
        self.state = ProjectState(real_apps=set(script.unmigrated))
        self.before = self.state
        self.read: list[ClassifiedMigration] = []
        self.seen: list[StatementObserved] = []
        self.contradicted: list[RuleContradicted] = []
        self.server = server_of(self.connection)
        self.check: ReleaseCheck | None = None
        self.refused: tuple[StatementRefused, ...] = ()
        self.moved: tuple[MigrationKey, ...] = ()

    def run(self, prerequisites: Prerequisites) -> None:
        """Bring the scratch to where the plan begins, then carry out the plan and look at each statement."""
        python = self.script.python() if self.carrier.python else ()
        plan = tuple(map(MigrationKey.of, self.script.plan))
        name = str(self.connection.settings_dict["NAME"])
        if not self.confined:
            name = f"embedded PostgreSQL {self.server.version[0]}"
        self.emit(RehearsalStarted(name, len(self.script.base), plan, python))
        self.make_base(prerequisites)
        self.before = self.state.clone()
        self.read = list(
            classify_plan(read_plan(self.connection, [(one, False) for one in self.script.plan], self.before.clone()))
        )
        held = frozenset(held_back(self.read, self.server, NewObjects()) if self.script.base else ())
        judge = RuleComparison(self.server, self.fill(), held)
        bridges = self.bridges(held)
        if self.workload:
            self.check = ReleaseCheck(self.connection, self.workload)
            self.check.begin()
        with watcher_of(self.connection) as watcher:
            self.observe(Observer(self.connection, watcher, frozenset(self.tables())), judge, bridges)
        if bridges.any_stand:
            self.emit(BridgesRaised(bridges.ledger.standing()))
        self.report_check()

    def bridges(self, held: frozenset[OperationKey]) -> BridgeBuilder:
        """Return what raises the bridges that the release step would raise for the release that is running."""
        raises = get_settings().BRIDGES and bool(self.script.base)
        builder = BridgeBuilder(adapter_for(self.connection.alias), raises=raises, any_stand=False, held=held)
        if raises:
            builder.ledger.ensure_table()
        return builder

    def make_base(self, prerequisites: Prerequisites) -> None:
        """Lay the prerequisites and apply what is taken as applied."""
        if missing := tuple(prerequisites.lay(self.connection)):
            self.emit(FoundationsMissing(missing))
        self.carrier.make_unmigrated(self.script.unmigrated)
        replacement = Replacement(prerequisites, self.connection)
        for index, migration in enumerate(self.script.base, start=1):
            with self.translate_failure(migration, _(NO_BASE)), self.seen_by(replacement):
                self.state = self.carrier.apply(migration, self.state)
            self.carrier.record(migration)
            self.emit(BaseApplied(MigrationKey.of(migration), index, len(self.script.base)))

    def fill(self) -> frozenset[str]:
        """Put rows into the tables, if asked to; give the names of those that have some."""
        if self.rows:
            count, unfilled = fill(self.connection, self.rows, with_nulls=self.writes_data())
            self.emit(TablesFilled(self.rows, count, unfilled))
        return filled_tables(self.connection)

    def writes_data(self) -> bool:
        """Return whether the plan changes rows: only then is a NULL looked for, and only then may one be made good."""
        kinds = DATA if self.carrier.python else (DataChange,)
        return any(isinstance(change, kinds) for read in self.read for _operation, change in read.changes())

    def observe(self, observer: Observer, judge: RuleComparison, bridges: BridgeBuilder) -> None:
        """Carry out the plan under the observer's eyes, and compare what it saw with the rules."""
        for index, read in enumerate(self.read, start=1):
            observer.begin(read.key)
            try:
                with self.reported(read.migration, index), self.translate_failure(read.migration, _(FAILED), observer):
                    self.carry_out(read.migration, observer, bridges)
            except BaseException:
                # What was cut short took only a part of what the rules say.
                self.report(list(speaking(observer.seen)))
                raise
            seen = list(speaking(observer.seen))
            self.report(seen, list(judge.contradictions(read, seen)))
            if self.check:
                self.check.look(read, counts=not read.decision.waits)

    def carry_out(self, migration: Migration, observer: Observer, bridges: BridgeBuilder) -> None:
        """Apply and record one migration of the plan, with the bridges that it needs."""
        with self.seen_by(observer):
            self.state = self.carrier.apply(migration, self.state, observer.enter, functools.partial(watched, bridges))
        self.carrier.record(migration)

    def seen_by(self, *observers: Callable[..., Any]) -> contextlib.ExitStack:
        """Let statements pass the observers, and what must not reach the server go no further."""
        stack = contextlib.ExitStack()
        wrappers: list[Callable[..., Any]] = [*observers, *self.wrappers]
        for wrapper in wrappers:
            stack.enter_context(self.connection.execute_wrapper(wrapper))
        return stack

    @contextlib.contextmanager
    def reported(self, migration: Migration, index: int) -> Iterator[None]:
        """Report that a migration of the plan began and how it ended."""
        place = (MigrationKey.of(migration), index, len(self.script.plan), False)
        self.emit(MigrationStarted(*place))
        started = self.emit.clock.monotonic()
        try:
            yield
        except AutoMigrateError as error:
            self.emit(MigrationStopped(*place, error=str(error)))
            raise
        self.emit(MigrationFinished(*place, self.emit.clock.monotonic() - started))

    def report(self, seen: list[StatementObserved], contradicted: Sequence[RuleContradicted] = ()) -> None:
        """Report what was seen of one migration, and where the rules say otherwise."""
        for event in (*seen, *contradicted):
            self.emit(event)
        self.seen += seen
        self.contradicted += contradicted

    def report_check(self) -> None:
        """Report what the running release could not go on with, and which migrations belong after it."""
        if self.check is None:
            return
        self.refused = self.check.end()
        self.moved = moved(self.script.plan, self.refused)
        late = str(Phase.POST_DEPLOY)
        proposals = (PhaseProposed(key, late) for key in self.moved)
        for event in (*self.refused, self.check.summary(self.refused), *proposals):
            self.emit(event)

    def tables(self) -> dict[int, Relation]:
        """Look at what the scratch database holds now."""
        with self.connection.cursor() as cursor:
            return relations(cursor)

    @contextlib.contextmanager
    def translate_failure(self, migration: Migration, what: str, observer: Observer | None = None) -> Iterator[None]:
        """Raise what a migration raises as the failure of the rehearsal, with its place."""
        try:
            yield
        except AutoMigrateError:
            raise
        except Exception as error:
            where = f"{migration}:{observer.operation}" if observer and observer.operation else str(migration)
            text = _("{what}, at {where}: {kind}: {error}").format(
                what=what, where=where, kind=type(error).__name__, error=first_line(error)
            )
            hint = _("The real database was not touched. Other databases are out of reach in a rehearsal.")
            raise MigrationFailed(text, hint=hint) from error
