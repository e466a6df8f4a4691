"""The operations of one migration that go online, begun or gone on with."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState

from auto_migrate.applying.bridges.builder import BridgeBuilder
from auto_migrate.applying.bridges.online_bridges import observers_of
from auto_migrate.applying.online.planner import OnlinePlanner
from auto_migrate.applying.online.runner import OnlineRunner, Steps
from auto_migrate.applying.operation_traits import digest_of
from auto_migrate.applying.states.lazy_state import foresee
from auto_migrate.databases.base import Database, DeployLock
from auto_migrate.emitter import Emitter
from auto_migrate.history.journal import Journal, Position
from auto_migrate.values import MigrationKey


class OnlineOperations:
    """Carries out what goes online of one migration."""

    def __init__(
        self,
        database: Database,
        migration: Migration,
        planner: OnlinePlanner,
        *,
        lock: DeployLock,
        emit: Emitter,
        bridges: BridgeBuilder,
    ) -> None:
        self.database = database
        self.migration = migration
        self.planner = planner
        self.lock = lock
        self.emit = emit
        self.bridges = bridges

    def carry_out(
        self, journal: Journal, position: Position, index: int, state: ProjectState, finish: Callable[[], None]
    ) -> bool:
        """Carry out an operation (1-based) from the state before it, if it goes online; return whether it did.

        What an earlier run has begun is gone on with, whatever the settings and the table's size say by now; only where
        the operation is another one than that, or rows were refused, it is taken back first.
        """
        operation = self.migration.operations[index - 1]
        after = foresee(state, self.migration.app_label, [operation])
        observers = observers_of(self.bridges, MigrationKey.of(self.migration), operation, state, after)
        runner = OnlineRunner(self.database, journal, self.lock, self.emit, observers=observers)
        digest = digest_of([operation])
        # The observers know what the steps do to columns with bridges; what gets another name the catalogue tells.
        renames = any(observer.is_needed and observer.renames for observer in observers)
        with contextlib.nullcontext() if renames else self.bridges.unwatched():
            if index == position.started and position.online:
                steps = Steps.of_json(index, position.online)
                if steps.digest == digest and not steps.undoing:
                    runner.carry_out(steps, operation, finish)
                    return True
                runner.take_back(steps)
            elif index == position.started:
                return False
            if (MigrationKey.of(self.migration), index) in self.bridges.held:
                return False
            planned = self.planner.steps(operation, self.migration.app_label, state, after)
            if planned:
                runner.carry_out(Steps(index, digest, planned), operation, finish)
        return bool(planned)
