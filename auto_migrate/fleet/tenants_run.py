"""All tenants of one database in one run: look → judge → carry out, schema by schema → look again."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import threading
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from auto_migrate.active_schema import within_schema
from auto_migrate.applying.migrate_signals import telling_receivers
from auto_migrate.conf import get_settings
from auto_migrate.databases.base import Database, DeployLock
from auto_migrate.databases.identifiers import quoted
from auto_migrate.databases.options import refuse_pooler
from auto_migrate.emitter import Emitter
from auto_migrate.exceptions import (
    AutoMigrateError,
    BackfillUnfinished,
    MigrationFailed,
    RunInterrupted,
    TransientError,
    UsageError,
    summary_of,
)
from auto_migrate.fleet.app_code import app_code_held, calls_nobody
from auto_migrate.fleet.former_schemas import follow_renamed, forget_gone
from auto_migrate.fleet.inventory import Group, Inventory, representative_of, take_inventory
from auto_migrate.fleet.schema_emitter import schema_emitter
from auto_migrate.fleet.schema_run import SchemaRun
from auto_migrate.fleet.search_path import settled
from auto_migrate.fleet.shared_plan import SharedPlan, check_backfills, compared, judge, plans_for
from auto_migrate.fleet.worker_pool import SharedLock, WorkerPool, worker_count
from auto_migrate.fleet_events import PendingPlan, SchemaFinished, SchemasCompared, SchemasProgressed, first_names
from auto_migrate.history.journal import cut_schemas
from auto_migrate.numerals import numeral
from auto_migrate.planning.comparison import SHOW
from auto_migrate.planning.receivers import all_follow_rows
from auto_migrate.planning.schema_state import RequiredMigrations
from auto_migrate.planning.targets import Goal
from auto_migrate.request import RunRequest
from auto_migrate.retry import Retry
from auto_migrate.tenancy import Tenancy, Tenant
from auto_migrate.values import MigrationKey, Node

if TYPE_CHECKING:
    from auto_migrate.fleet.schema_bridges import SchemaBridges

# How often the progress is told, in seconds, and how often tenants are looked for that came meanwhile.
REPORT = 5.0
ROUNDS = 3
# How many names an error tells of many.
MOST = 10


@dataclasses.dataclass(frozen=True)
class Job:
    """One schema and its plan; `attempt` counts how often others were in its way."""

    tenant: Tenant
    plan: SharedPlan
    attempt: int = 1


class TenantsRun:
    """The tenants of one run; what was done in an earlier attempt is not done again."""

    def __init__(self, database: Database, tenancy: Tenancy, goal: Goal, request: RunRequest, emit: Emitter) -> None:
        self.database = database
        self.tenancy = tenancy
        self.goal = goal
        self.request = request
        self.emit = emit
        self.retry = request.retry or Retry.configured()
        self.plans: list[SharedPlan] = []
        self.done: set[str] = set()
        self.failed: dict[str, AutoMigrateError] = {}
        self.is_behind = False
        # What waits for the deploy in any of the schemas.
        self.deferred: set[MigrationKey] = set()
        # Held by whoever changes what the threads share, or tells the listeners something.
        self.mutex = threading.RLock()
        emit.schema = tenancy.public

    @property
    def is_whole(self) -> bool:
        """Return whether no tenant and no app is left out."""
        return self.goal.is_whole and not self.request.tenants

    @property
    def workers(self) -> int:
        """How many schemas are migrated at a time."""
        return self.request.workers or worker_count()

    @functools.cached_property
    def bridges(self) -> SchemaBridges:
        """The bridges of all tenants."""
        # With nothing to do nobody asks for them.
        from auto_migrate.fleet.schema_bridges import SchemaBridges

        return SchemaBridges(self.database, self.goal)

    @property
    def is_cut(self) -> bool:
        """Return whether a migration was cut in any tenant's schema, and not finished since."""
        return bool(cut_schemas(self.database.alias))

    def recorded(self) -> list[Node]:
        """Return what is recorded anywhere, as fingerprints take it."""
        return take_inventory(self.tenancy).recorded

    def names(self) -> Collection[str]:
        """Return the names of all tenants."""
        return take_inventory(self.tenancy).names

    def check(self) -> None:
        """Raise `UsageError` for tenants that cannot be had, and behind a pooler, where no session has a schema."""
        refuse_pooler(self.database)
        tenants, canaries = self.request.tenants, self.request.canaries
        if not (tenants or canaries):
            return
        if tenants and (others := sorted(set(canaries).difference(tenants))):
            raise UsageError(
                _("The canary {name!r} is none of the tenants that are to be migrated.").format(name=others[0]),
                hint=_("Name it with both: {options}").format(options=f"--canary {others[0]} --tenant {others[0]}"),
            )
        take_inventory(self.tenancy).chosen([*tenants, *canaries])

    def is_settled(self, needs: RequiredMigrations) -> bool:
        """Return whether nothing is pending in any schema."""
        return not any(self._missing(group, needs) for group in take_inventory(self.tenancy).groups)

    @contextlib.contextmanager
    def announced(self, schema: str, database: Database) -> Iterator[None]:
        """Send the package's own signals around what is done in a schema; the second one if that ended well."""
        self._tell("schema_pre_migration", schema, database)
        yield
        self._tell("schema_migrated", schema, database)

    def settled(self, plan: SharedPlan) -> contextlib.AbstractContextManager[None]:
        """Let the connection stay in a schema, where no code of others is called that might lead it elsewhere."""
        told = get_settings().LISTENERS or get_settings().NOTIFY
        is_alone = calls_nobody(plan.comparison.plan) and all_follow_rows() and not told
        return settled(self.tenancy) if is_alone else contextlib.nullcontext()

    def _tell(self, signal: str, schema: str, database: Database) -> None:
        with app_code_held(), telling_receivers(database, signal):
            self.tenancy.tell(signal, schema)

    def prepare(self) -> None:
        """Plan for all schemas and judge each plan once; raise what stops any of them."""
        follow_renamed(self.database)
        inventory = self._wanted(take_inventory(self.tenancy))
        self._plan(inventory)
        self.emit(compared(inventory, self.plans))

    def _plan(self, inventory: Inventory) -> None:
        self.plans = plans_for(self.database, self.tenancy, inventory, self.goal)
        for plan in self.plans:
            self.deferred.update(plan.comparison.deferred)
            judge(plan, self.tenancy, self.goal, self.request, self.emit)
            check_backfills(self.database, plan, at_once=self.workers)

    def migrate(self, lock: DeployLock) -> None:
        """Bring the schemas to where the code needs them; raise `MigrationFailed` if any of them is not."""
        inventory = self._taken()
        forget_gone(self.database, anew=inventory.without_record)
        self.bridges.look({name: group.digest for group in inventory.groups for name in group.names})
        self.bridges.expect(self.plans)
        try:
            self._bring(SharedLock(lock), inventory)
        except (MigrationFailed, BackfillUnfinished):
            self.bridges.tell(self.emit)
            raise
        self.bridges.tell(self.emit)
        forget_gone(self.database)

    def _bring(self, shared: SharedLock, inventory: Inventory) -> None:
        for tenant in self._wanted(inventory).missing:
            with self.database.connection.cursor() as cursor:
                cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(tenant.name)}")
        if self.request.canaries:
            self._carry_out(shared, self._jobs(self.request.canaries))
            self._raise_failures(_("The canaries come first: no other schema was touched."))
        for _round in range(ROUNDS):
            self._carry_out(shared, self._jobs(None))
            self._raise_failures("")
            # Somebody may have come meanwhile, with what the old code has made.
            newcomers = self._wanted(self._taken())
            if not newcomers.groups:
                return
            follow_renamed(self.database)
            self._plan(newcomers)
            self.bridges.expect(self.plans)

    def verify(self, needs: RequiredMigrations, deferred: Collection[MigrationKey]) -> Sequence[Node] | None:
        """Return what is recorded now, for a fingerprint, None where not everything is applied or was asked for.

        Raise `MigrationFailed` for schemas in which something is missing that the run was to apply.
        """
        inventory = self._taken()
        left: dict[str, list[Node]] = {}
        for group in inventory.groups:
            if missing := self._missing(group, needs):
                left.update(dict.fromkeys(group.names, missing))
        waiting = {(key.app_label, key.name) for key in self.deferred.union(deferred)}
        behind = {name: nodes for name, nodes in left.items() if not waiting.issuperset(nodes)}
        plans = (PendingPlan(tuple(behind), ()),) if behind else ()
        self.emit(SchemasCompared(inventory.total, plans, inventory.unprovisioned, inventory.drifting))
        self.is_behind = bool(behind)
        if behind and self.is_whole:
            raise MigrationFailed(
                ngettext(
                    "After the run {count} schema is still behind: {names}.",
                    "After the run {count} schemas are still behind: {names}.",
                    len(behind),
                ).format(count=numeral(len(behind)), names=first_names([*behind], MOST)),
                hint=_(SHOW),
            )
        return None if left or not self.is_whole else inventory.recorded

    def _taken(self) -> Inventory:
        """Look at all schemas when the shared one is as it is to be; then there is no reason not to know of them."""
        return take_inventory(self.tenancy, strictly=self.goal.is_whole)

    def _missing(self, group: Group, needs: RequiredMigrations) -> list[Node]:
        if not group.has_record:
            return list(needs.nodes)
        with representative_of(self.tenancy, group) as recorded:
            return list(needs.nodes) if recorded is None else needs.missing(frozenset(recorded))

    def _wanted(self, inventory: Inventory) -> Inventory:
        """Leave out what nobody asked for, and what is done with."""
        names: Iterable[str] = self.request.tenants or inventory.names
        return inventory.only(set(names) - self.done - self.failed.keys())

    def _jobs(self, only: Collection[str] | None) -> deque[Job]:
        """Return what there is to do, first where something is pending: what fails is to be known soon."""
        plans = sorted(self.plans, key=lambda plan: not plan.comparison.plan)
        wanted = [Job(tenant, plan) for plan in plans for tenant in plan.group.tenants]
        return deque(
            job for job in wanted if job.tenant.name not in self.done and (not only or job.tenant.name in only)
        )

    def _carry_out(self, lock: SharedLock, jobs: deque[Job]) -> None:
        if not jobs:
            return
        cut, clock = cut_schemas(self.database.alias), self.emit.clock
        shift = JobQueue(self, lock, jobs, cut)
        try:
            WorkerPool(self.database, lock, shift.work).carry_out(min(len(jobs), self.workers), shift.report)
        finally:
            shift.report(last=True)
        clock.check()

    def _raise_failures(self, remark: str) -> None:
        if not self.failed:
            return
        lines = [f"{name}: {error.message}" for name, error in self.failed.items()]
        hints = dict[str, list[str]]()
        for name, error in self.failed.items():
            hints.setdefault(error.hint, []).append(name)
        # What was kept, and what is to be done, may differ.
        several = len(hints) > 1
        told = [f"{first_names(names, MOST)}: {hint}" if several else hint for hint, names in hints.items() if hint]
        text = ngettext(
            "{count} schema of {total} failed: {names}.",
            "{count} schemas of {total} failed: {names}.",
            len(self.failed),
        )
        count, total = numeral(len(self.failed)), numeral(take_inventory(self.tenancy).total)
        again = _("Mend it and run again: only what is left is done.")
        # As one cancelled meanwhile ends a run without tenants.
        only_unfinished = all(isinstance(error, BackfillUnfinished) for error in self.failed.values())
        raise (BackfillUnfinished if only_unfinished else MigrationFailed)(
            text.format(count=count, total=total, names=first_names([*self.failed], MOST)),
            hint="\n".join(filter(None, (*lines, *told, remark, again))),
        ) from next(iter(self.failed.values()))


class JobQueue:
    """One time at which the threads of a pool go through a list of schemas."""

    def __init__(self, fleet: TenantsRun, lock: SharedLock, jobs: deque[Job], cut: Collection[str]) -> None:
        self.fleet = fleet
        self.lock = lock
        self.jobs = jobs
        self.cut = cut
        self.total = len(jobs)
        self.ended = self.failed = 0
        self.clock = fleet.emit.clock
        self.started = self.told = self.clock.monotonic()

    def work(self, database: Database) -> bool:
        """Do the next job; return whether there was one."""
        self.clock.check()
        with self.fleet.mutex:
            if not self.jobs or len(self.fleet.failed) >= self.fleet.request.max_failures:
                return False
            job = self.jobs.popleft()
        self._do(database, job)
        return True

    def _do(self, database: Database, job: Job) -> None:
        fleet, started = self.fleet, self.clock.monotonic()
        part, error = schema_emitter(fleet.emit, fleet.mutex, fleet.request), None
        try:
            told = fleet.announced(job.tenant.name, database)
            with database.translate_errors(), told, fleet.tenancy.entered(job.tenant), fleet.settled(job.plan):
                try:
                    SchemaRun(
                        database,
                        job.plan,
                        fleet.goal,
                        fleet.request,
                        self.lock,
                        part,
                        fleet.bridges,
                        is_cut=job.tenant.name in self.cut,
                    ).run()
                finally:
                    database.drop_fence()
        except RunInterrupted:
            raise
        except TransientError as fault:
            database.discard_connection()
            if not fault.contention:
                raise
            error = self._put_off(database, job, fault)
            if error is None:
                return
        except AutoMigrateError as failure:
            error = failure
        except Exception as failure:  # noqa: BLE001 # of whatever a receiver raises, only this schema knows
            error = MigrationFailed(summary_of(failure))
        self._note(database, job, part, self.clock.monotonic() - started, error)

    def _put_off(self, database: Database, job: Job, fault: TransientError) -> AutoMigrateError | None:
        """Let others go first while somebody is in the way here; return the error when that was too often."""
        if job.attempt >= self.fleet.retry.attempts:
            return database.exhausted(fault)
        with self.fleet.mutex:
            self.jobs.append(dataclasses.replace(job, attempt=job.attempt + 1))
        return None

    def _note(
        self, database: Database, job: Job, part: Emitter, duration: float, error: AutoMigrateError | None
    ) -> None:
        fleet, name = self.fleet, job.tenant.name
        is_gone = False
        if error is not None:
            database.discard_connection()
            is_gone = not exists(database, name)
        with fleet.mutex:
            self.ended += 1
            fleet.emit.applied += part.applied
            if error is None or is_gone:
                # Whoever was dropped meanwhile needs nothing any more.
                fleet.done.add(name)
            else:
                self.failed += 1
                fleet.failed[name] = error
        with within_schema(name):
            part(SchemaFinished(part.applied, duration, str(error) if error is not None and not is_gone else ""))

    def report(self, *, last: bool = False) -> None:
        """Say how far it is, now and then."""
        now = self.clock.monotonic()
        if not last:
            self.clock.check()
            if now < self.told + REPORT:
                return
        self.told = now
        with self.fleet.mutex:
            spent = now - self.started
            left = spent / self.ended * (self.total - self.ended) if self.ended else None
            self.fleet.emit(SchemasProgressed(self.ended, self.total, self.failed, left))


def exists(database: Database, schema: str) -> bool:
    """Return whether a schema is still there."""
    database.prepare()
    with database.connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = %s)", [schema])
        return bool(cursor.fetchone()[0])
