"""A plan judged before it runs: every hazard asked, its findings weighed by what is known of the tables."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence

from django.db import Error
from django.utils.translation import gettext as _

from auto_migrate.backfills.atomicity import is_atomic
from auto_migrate.changes.bridgeable import bridges_of
from auto_migrate.changes.former_names import FormerNames
from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.reading import OperationChanges
from auto_migrate.changes.restrictions import Restriction
from auto_migrate.exceptions import AutoMigrateError, TransientError
from auto_migrate.findings import (
    Acknowledgement,
    AssessedMigration,
    Assessment,
    Basis,
    Evidence,
    Finding,
    Handled,
    Level,
    PlannedBridge,
    PlannedOperation,
)
from auto_migrate.phases.classify import ClassifiedMigration
from auto_migrate.safety.acknowledgements import acknowledged, is_for_server, of_migration
from auto_migrate.safety.after_deploy import with_unkept_phase
from auto_migrate.safety.bridged import is_handled_by_bridge
from auto_migrate.safety.effects import effects
from auto_migrate.safety.effects.effect import Blocks, Effect
from auto_migrate.safety.hazard import Found, Harm, Hazard, ServerFacts
from auto_migrate.safety.hazards import hazards
from auto_migrate.safety.held_back import Held, held_back
from auto_migrate.safety.live import BY_RULE, Live
from auto_migrate.safety.project_hazards import ask
from auto_migrate.safety.workload_evidence import TO_RELEASE, WorkloadEvidence, evidence_of, level_with
from auto_migrate.workload.impact import WorkloadImpact

# The hazard that says what could not be read.
UNREAD = "AM507"
# The series about locks and the work under them.
HOLDS_UP = "AM1"


def assess(
    plan: Iterable[ClassifiedMigration],
    server: ServerFacts,
    *,
    live: Live | None = None,
    impact: Callable[[], WorkloadImpact | None] = lambda: None,
    acknowledgements: Sequence[Acknowledgement] = (),
    new_tables: Iterable[str] = (),
) -> Assessment:
    """Judge a plan for a server, by rule and, where the database was looked at, by what its tables are like.

    `new_tables` are there and used by no release, as those that the plan makes.
    `impact` is asked for the statements of the running release as soon as a finding is about that release.
    `acknowledgements` are acknowledgements of the settings and the command line; those of the migrations are read here.
    """
    migrations, used, of_migrations = [], set[Acknowledgement](), list[Acknowledgement]()
    new = NewObjects(set(new_tables))
    former = live.former if live else FormerNames()
    plan = list(plan)
    held = held_back(plan, server, new, acknowledgements)
    judge = Assessor(server, live, WorkloadEvidence(functools.cache(impact), former), held)
    for read in plan:
        judge.workload_evidence.begin(change for _operation, change in read.changes())
        # What a migration says of itself is meant of applying it.
        own = [] if read.backwards else list(of_migration(read.migration))
        of_migrations += own
        findings, of_use = acknowledged(judge.findings(read, new), [*own, *acknowledgements])
        used |= of_use
        migrations.append(
            AssessedMigration(
                read.key,
                read.backwards,
                is_atomic(read.migration),
                "" if read.backwards else str(read.decision.phase),
                tuple(planned_operations(read, server, new, held)),
                findings,
            )
        )
        for _operation, change in read.changes():
            new.follow(change)
            former.follow(change)
    keys = [assessed.migration for assessed in migrations]
    unused = (one for one in (*of_migrations, *acknowledgements) if one not in used)
    unmatched = tuple(one for one in unused if not is_for_server(one, server.vendor, keys))
    return Assessment(tuple(migrations), unmatched, held=frozenset(held))


def planned_operations(
    read: ClassifiedMigration, server: ServerFacts, new: NewObjects, held: Held
) -> Iterator[PlannedOperation]:
    """Describe the operations of a migration, each in the light of what those before it have made."""
    new = new.copy()
    for operation in read.operations:
        if restrictions := held.get((read.key, operation.index)):
            yield planned_later(operation, restrictions)
        else:
            yield planned(operation, server, new, late=read.decision.waits)
        for change in operation.changes:
            new.follow(change)


def planned(operation: OperationChanges, server: ServerFacts, new: NewObjects, *, late: bool) -> PlannedOperation:
    """Describe one operation of a plan; what it does to a table that the plan itself makes hurts nobody.

    `late` tells that it waits for the deploy.
    """
    old = [change for change in operation.changes if change.table not in new.tables]
    bridges = [bridge for change in old for bridge in bridges_of(change, server.vendor, late=late)]
    found = [effect for change in operation.changes for effect in effects(change, server)]
    told = [described(effect) for effect in found if effect.table not in new.tables]
    return PlannedOperation(
        operation.index,
        str(operation.operation.describe()),
        bool(operation.operation.reversible),
        tuple(dict.fromkeys(filter(None, told))),
        operation.sql,
        operation.online,
        tuple(PlannedBridge(bridge.kind, bridge.table, bridge.column) for bridge in bridges),
    )


def planned_later(operation: OperationChanges, restrictions: Iterable[Restriction]) -> PlannedOperation:
    """Describe an operation that is held back: for now it takes no more than an instant."""
    return PlannedOperation(
        operation.index,
        str(operation.operation.describe()),
        bool(operation.operation.reversible),
        sql=operation.sql,
        bridges=tuple(PlannedBridge(one.kind, one.tables[0], one.column) for one in restrictions),
    )


def described(effect: Effect) -> str:
    """Say what an effect does to its table, nothing if that is nothing to speak of."""
    parts = []
    if effect.mode is not None:
        parts.append(_("takes {mode} on {table}").format(mode=effect.mode.sql, table=effect.table))
    elif effect.blocks is Blocks.WRITES:
        parts.append(_("writes to {table} wait").format(table=effect.table))
    elif effect.blocks is Blocks.READS_AND_WRITES:
        parts.append(_("reads and writes of {table} wait").format(table=effect.table))
    if effect.rewrites:
        parts.append(_("rewrites {table}").format(table=effect.table))
    elif effect.scans:
        parts.append(_("reads all of {table}").format(table=effect.table))
    return ", ".join(parts)


def is_handled_online(hazard: Hazard, found: Found, read: ClassifiedMigration) -> bool:
    """Return whether what a hazard found is a lock or work that the operation's steps do without."""
    own = [operation for operation in read.operations if operation.index == found.operation]
    return hazard.code.startswith(HOLDS_UP) and any(operation.online for operation in own)


@dataclasses.dataclass(frozen=True)
class Assessor:
    """Turns what hazards find into findings."""

    server: ServerFacts
    live: Live | None
    workload_evidence: WorkloadEvidence
    held: Held

    def findings(self, read: ClassifiedMigration, new: NewObjects) -> Iterator[Finding]:
        """Ask every hazard about one migration; the findings of its operations come in their order."""
        found = [
            self.finding(teller, one, read)
            for hazard in hazards().values()
            if hazard.holds_on(self.server.vendor)
            for teller, one in self.look(hazard, read, new)
        ]
        yield from sorted(found, key=lambda finding: (finding.operation or 0, finding.code))

    def look(self, hazard: Hazard, read: ClassifiedMigration, new: NewObjects) -> Iterator[tuple[Hazard, Found]]:
        """Ask one hazard; one of the package's own that cannot judge what it sees must stop no deploy, and says so."""
        try:
            yield from [(hazard, found) for found in ask(hazard, read, self.server, new)]
        except (Error, TransientError, AutoMigrateError):
            raise
        except Exception as error:  # noqa: BLE001 # whatever it is, it is told as a finding
            problem = _("{code} could not judge this migration ({kind}: {error}).")
            text = problem.format(code=hazard.code, kind=type(error).__name__, error=error)
            yield hazards()[UNREAD], Found("", text)

    def finding(self, hazard: Hazard, found: Found, read: ClassifiedMigration) -> Finding:
        """Weigh what a hazard found."""
        impact = self.workload_evidence.of(hazard.harm, found.change)
        if self.is_held(hazard, found, read):
            text = _("It is left out now and made when the old code is gone: until then {table} takes what it refuses.")
            found = dataclasses.replace(found, problem=text.format(table=found.table), instead="")
        return Finding(
            code=hazard.code,
            level=level_with(impact, self.level(hazard, found, read)),
            migration=read.key,
            operation=found.operation,
            table=found.table,
            title=_(hazard.title),
            problem=with_unkept_phase(found.problem, read) if hazard.harm in TO_RELEASE else found.problem,
            # Nobody writes a migration anew to unapply it.
            instead="" if read.backwards else found.instead,
            evidence=(*self.evidence(hazard, found, read), *evidence_of(impact)),
            handled=self.handled(hazard, found, read),
        )

    def handled(self, hazard: Hazard, found: Found, read: ClassifiedMigration) -> Handled | None:
        """Return what takes care of what a hazard found, if anything does."""
        if self.is_held(hazard, found, read):
            return Handled.BRIDGE
        if is_handled_online(hazard, found, read):
            return Handled.ONLINE
        # What is unapplied is for a release that knew it no other way.
        is_bridged = not read.backwards and is_handled_by_bridge(hazard, found, read, self.server.vendor)
        return Handled.BRIDGE if is_bridged else None

    def is_held(self, hazard: Hazard, found: Found, read: ClassifiedMigration) -> bool:
        """Return whether an operation that would hurt is carried out when nobody is left whom it hurts."""
        hurts = hazard.harm in {Harm.BREAKS, Harm.BLOCKS}
        return hurts and found.operation is not None and (read.key, found.operation) in self.held

    def level(self, hazard: Hazard, found: Found, read: ClassifiedMigration) -> Level:
        """Return the level, by rule or by what the tables are like."""
        if self.live is None:
            return BY_RULE[hazard.harm]
        return self.live.level(hazard.harm, [found.table, *found.others], self.effects(read, found))

    def evidence(self, hazard: Hazard, found: Found, read: ClassifiedMigration) -> Iterator[Evidence]:
        """Return the reasons: the rule, and the tables as they are."""
        by_rule = self.effects(read, found)
        rule = "; ".join(dict.fromkeys(filter(None, map(described, by_rule))))
        if rule:
            yield Evidence(Basis.RULE, f"{rule}.")
        for table in dict.fromkeys([found.table, *found.others]):
            if self.live is not None and (told := self.live.evidence(table, by_rule)):
                yield told

    def effects(self, read: ClassifiedMigration, found: Found) -> list[Effect]:
        """Return what the operation that a finding is about does to the tables that it is about."""
        return [
            effect
            for operation, change in read.changes()
            if operation.index == found.operation
            for effect in effects(change, self.server)
            if effect.table in {found.table, *found.others}
        ]
