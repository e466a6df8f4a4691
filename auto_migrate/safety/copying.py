"""Which tables a plan may copy while writes wait, where only the server can know that it must.

A finding of the plan tells of the copies that are known beforehand. What the server refuses to do otherwise while a
migration is carried out is weighed in the same way: by the table's size, and by what somebody has acknowledged.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from django.db.migrations.migration import Migration
from django.utils.translation import gettext as _

from auto_migrate.databases.base import Database
from auto_migrate.findings import Acknowledgement, Assessment, Basis, Evidence, Finding
from auto_migrate.planning.targets import Goal
from auto_migrate.safety.acknowledgements import COPIED, acknowledged, of_migration
from auto_migrate.safety.assessment import HOLDS_UP
from auto_migrate.safety.effects.mysql_effects import copied
from auto_migrate.safety.hazards import hazards
from auto_migrate.safety.live import BY_RULE
from auto_migrate.safety.plan_assessment import blocking_level, configured, look
from auto_migrate.safety.refusal import copy_refused
from auto_migrate.values import MigrationKey


@dataclasses.dataclass(frozen=True)
class Copying:
    """Gives or refuses leave to copy a table, for the operations of a plan that the gate has let pass."""

    database: Database
    goal: Goal
    assessment: Assessment | None
    acknowledgements: Sequence[Acknowledgement] = ()

    def demand_leave(
        self, migration: Migration, operation: int, table: str, reason: str, *, is_unasked: bool = False
    ) -> None:
        """Raise `PlanRefused` unless writes to a table may wait for an operation (1-based).

        `reason` is the server's for copying the table, or, if it `is_unasked`, why it could not be asked for any.
        """
        key = MigrationKey.of(migration)
        if self._was_let_pass(key, operation):
            return
        problem = _("{table} would be copied while all writes to it wait.")
        if is_unasked:
            problem = _("All writes to {table} may wait until this statement is done.")
        finding = self._finding(key, operation, table, problem.format(table=table), reason)
        given = [*of_migration(migration), *self.acknowledgements, *configured([key])]
        [finding], _used = acknowledged([finding], given)
        level = blocking_level()
        if level is not None and finding.blocks_at(level):
            raise copy_refused(finding, self.goal, self.database.alias)

    def _was_let_pass(self, key: MigrationKey, operation: int) -> bool:
        """Return whether the gate knew that the operation holds others up; what it knows of has been weighed there."""
        findings = self.assessment.findings if self.assessment is not None else ()
        return any(
            found.migration == key
            and found.operation == operation
            and found.code.startswith(HOLDS_UP)
            and found.handled is None
            for found in findings
        )

    def _finding(self, key: MigrationKey, operation: int, table: str, problem: str, reason: str) -> Finding:
        live, effects, hazard = look(self.database), [copied(table)], hazards()[COPIED]
        size = live.evidence(table, effects) if live is not None else None
        return Finding(
            code=COPIED,
            level=BY_RULE[hazard.harm] if live is None else live.level(hazard.harm, [table], effects),
            migration=key,
            operation=operation,
            table=table,
            title=_(hazard.title),
            problem=problem,
            instead="",
            evidence=(*([size] if size is not None else []), Evidence(Basis.LIVE, reason)),
        )
