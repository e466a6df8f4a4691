"""The log that people read: one line an event, in the language of the project."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable
from typing import Any

from django.core.management.base import OutputWrapper
from django.core.management.color import Style, no_style
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from auto_migrate.backfill_events import BackfillProgressed, BackfillsUnfinished
from auto_migrate.bridge_events import BridgeKept, BridgesFound, BridgesRaised, BridgesTakenDown, BridgeTakenDown
from auto_migrate.databases.session_waits import TEXTS, Reason, describe_blocker
from auto_migrate.events import (
    AttemptFailed,
    AttemptStarted,
    Context,
    DatabaseAwaited,
    DatabaseReady,
    Event,
    IndexProgressed,
    LockAwaited,
    MigratingStarted,
    MigrationAssessed,
    MigrationFinished,
    MigrationsAwaited,
    MigrationStarted,
    MigrationStopped,
    NothingPending,
    NotificationTested,
    OlderReleasesNoticed,
    OnlineStepStarted,
    PlanAssessed,
    PlanMade,
    PoolerNoticed,
    RetryScheduled,
    RowsFilled,
    RunFailed,
    RunStarted,
    RunStopped,
    RunSucceeded,
    SessionsAwaited,
    StateCompared,
    TableCopied,
    TablesAwaited,
    VerifyStarted,
    WaitStarted,
)
from auto_migrate.fleet_events import SchemaFinished, SchemasCompared, SchemasProgressed, TenantEvent, TurnAwaited
from auto_migrate.numerals import numeral
from auto_migrate.record_events import RecordMended
from auto_migrate.redaction import printable_fields
from auto_migrate.reporting.bridge_words import bridge_line, bridge_lines
from auto_migrate.reporting.operation_words import Progress, operation_line
from auto_migrate.reporting.outlet import Outlet
from auto_migrate.reporting.wait_words import describe_holder, describe_wait
from auto_migrate.values import MigrationKey, SchemaState

# What people are told of one tenant of many.
OF_PARTS = (BackfillProgressed, MigrationAssessed, PlanAssessed, SchemaFinished, OnlineStepStarted, RowsFilled)


class Console:
    """Writes the log to `stdout`; at `verbosity` 0 nothing, at 2 also what the driver said.

    `lists_pending` adds the names of what is pending, for those who only ask. With `whole_lines` the beginning of a
    migration and its end are a line each, since other runs write in between.
    """

    def __init__(
        self,
        stdout: OutputWrapper,
        *,
        style: Style | None = None,
        verbosity: int = 1,
        lists_pending: bool = False,
        whole_lines: bool = False,
    ) -> None:
        self.stdout = Outlet(stdout)
        self.style: Any = style or no_style()
        self.verbosity = verbosity
        self.lists_pending = lists_pending
        self.whole_lines = whole_lines
        self.language = get_language()
        self.warned: set[str] = set()
        # The migration whose line is not ended yet.
        self.unfinished: str = ""
        # What was told to wait for the deploy.
        self.deferred: tuple[MigrationKey, ...] = ()
        # Whether the plan's findings were told with its migrations.
        self.previewed = False

    def __call__(self, event: Event, context: Context) -> None:
        """Write the line of an event, if it has one."""
        if self.verbosity < 1 or (context.is_part and not isinstance(event, OF_PARTS)):
            return
        # Judgements come with code and statements of several lines.
        event = printable_fields(event, lines=isinstance(event, MigrationAssessed | PlanAssessed))
        # The engine switches translations off around migrations, as Django's `migrate` does.
        with override(self.language):
            self.show(event, context)

    def line(self, text: str) -> None:
        """Write one line, after what is left of the one before."""
        if self.unfinished:
            self.stdout.write("")
            self.unfinished = ""
        self.stdout.write(text)

    def lines(self, texts: Iterable[str]) -> None:
        """Write several lines."""
        for text in texts:
            self.line(text)

    @functools.singledispatchmethod
    def show(self, event: Event, context: Context) -> None:
        """Write what there is to say of an event; of a kind that is not registered below, nothing."""

    # -- wait ---------------------------------------------------------------------------------------------------------

    @show.register(WaitStarted)
    def _wait_started(self, _event: WaitStarted, _context: Context) -> None:
        self.line(_("🔍 Checking whether the database is ready..."))

    @show.register(DatabaseReady)
    def _database_ready(self, _event: DatabaseReady, _context: Context) -> None:
        self.line(_("✅ The database is ready!"))

    @show.register(NotificationTested)
    def _notification_tested(self, event: NotificationTested, _context: Context) -> None:
        if event.error:
            self.line(_("⚠️  {service} did not take the test: {error}").format(**event.as_dict()))
        else:
            self.line(_("✅ {service} has taken the test.").format(service=event.service))

    @show.register(RunStarted)
    def _run_started(self, _event: RunStarted, _context: Context) -> None:
        self.line(_("📊 Running the database migrations with retry..."))

    @show.register(AttemptStarted)
    def _attempt_started(self, event: AttemptStarted, _context: Context) -> None:
        text = _("📊 Attempt {attempt}/{attempts} - Testing the connection...")
        if event.attempt == 1:
            text = _("🔄 Attempt {attempt}/{attempts} - Testing the connection...")
        self.line(text.format(**event.as_dict()))

    @show.register(AttemptFailed)
    def _attempt_failed(self, event: AttemptFailed, _context: Context) -> None:
        self.line(_("⚠️  Attempt {attempt} failed: {reason}").format(**event.as_dict()))
        if self.verbosity > 1 and event.detail:
            self.line(f"    {event.detail}")

    @show.register(RetryScheduled)
    def _retry_scheduled(self, event: RetryScheduled, _context: Context) -> None:
        self.line(_("⏳ Waiting {delay}s before the next attempt...").format(delay=numeral(event.delay, "g")))

    # -- compare ------------------------------------------------------------------------------------------------------

    @show.register(StateCompared)
    def _state_compared(self, event: StateCompared, context: Context) -> None:
        if event.unknown and context.database not in self.warned:
            self.warned.add(context.database)
            names = ", ".join(map(str, event.unknown))
            self.line(_("⚠️  The database is ahead of this release: it also has {names}").format(names=names))
            for label in dict.fromkeys(key.app_label for key in event.unknown):
                self.line(
                    _("    If their files were deleted, and no newer release has them: {command}").format(
                        command=f"manage.py migrate {label} --prune"
                    )
                )
        if self.lists_pending:
            self.lines(f"  {migration}" for migration in event.pending)
        if event.deferred and event.deferred != self.deferred:
            names = ", ".join(map(str, event.deferred))
            text = _("⏭️  Left for after the deploy: {names}")
            if event.phase == "post_deploy":
                text = _("⏭️  Not applied, since no successful release step has left it yet: {names}")
            self.line(text.format(names=names))
        self.deferred = event.deferred

    @show.register(DatabaseAwaited)
    def _database_awaited(self, event: DatabaseAwaited, _context: Context) -> None:
        self.line(_("⏳ Waiting for the database ({waited:.0f}s): {reason}").format(**event.as_dict()))

    @show.register(MigrationsAwaited)
    def _migrations_awaited(self, event: MigrationsAwaited, context: Context) -> None:
        self.line(describe_wait(event, context.at))

    @show.register(NothingPending)
    def _nothing_pending(self, event: NothingPending, _context: Context) -> None:
        if event.state is SchemaState.AHEAD:
            self.line(_("✅ No migrations are pending: this release is older than the database."))
        else:
            self.line(_("✅ No migrations are pending."))

    # -- lock and recover ---------------------------------------------------------------------------------------------

    @show.register(LockAwaited)
    def _lock_awaited(self, event: LockAwaited, context: Context) -> None:
        holder = describe_holder(event.holder, context.at)
        self.line(
            _("⏳ Waiting for the deploy lock ({waited:.0f}s): {holder}").format(waited=event.waited, holder=holder)
        )

    @show.register(OlderReleasesNoticed)
    def _older_releases_noticed(self, event: OlderReleasesNoticed, _context: Context) -> None:
        clients = ", ".join(event.clients)
        self.line(_("⚠️  Other releases may still be at work: {clients}").format(clients=clients))

    @show.register(PoolerNoticed)
    def _pooler_noticed(self, _event: PoolerNoticed, _context: Context) -> None:
        self.line(_("⚠️  A pooler is in between; name the server itself: AUTO_MIGRATE['DIRECT_URLS']."))

    @show.register(RecordMended)
    def _record_mended(self, event: RecordMended, _context: Context) -> None:
        names = ", ".join(map(str, event.migrations))
        self.line(_("🩹 Completed the record of {names}: applied, but recorded by half.").format(names=names))

    # -- assess -------------------------------------------------------------------------------------------------------

    @show.register(MigrationAssessed)
    def _migration_assessed(self, event: MigrationAssessed, _context: Context) -> None:
        # Most deploys have nothing to assess, and do not pay for importing it.
        from auto_migrate.reporting.assessments.text import migration_lines

        self.previewed = True
        self.lines(migration_lines(event.assessed, self.style, left=event.left))

    @show.register(PlanAssessed)
    def _plan_assessed(self, event: PlanAssessed, _context: Context) -> None:
        from auto_migrate.reporting.assessments.text import plan_lines, verdict_lines

        if self.previewed:
            self.lines(verdict_lines(event))
        else:
            self.lines(plan_lines(event, self.style, notices=self.verbosity > 1))
        if event.later:
            names = ", ".join(dict.fromkeys(f"{found.code}:{found.migration}" for found in event.later))
            text = _("⚠️  Refused after the deploy, unless the migration is changed or acknowledges it: {names}")
            self.line(text.format(names=names))
        for acknowledgement in event.unmatched:
            text = _("⚠️  {code}:{migration} is acknowledged ({origin}) and matches nothing in the plan.")
            self.line(text.format(**dataclasses.asdict(acknowledgement)))

    # -- apply --------------------------------------------------------------------------------------------------------

    @show.register(MigratingStarted)
    def _migrating_started(self, _event: MigratingStarted, _context: Context) -> None:
        self.line(_("🔄 Running migrations..."))

    @show.register(PlanMade)
    def _plan_made(self, event: PlanMade, _context: Context) -> None:
        """Write the block that Django's `migrate` writes, in Django's own words."""
        self.line(self.style.MIGRATE_HEADING("Operations to perform:"))
        if event.target is None:
            label, goal = "  Apply all migrations: ", ", ".join(event.app_labels) or "(none)"
        elif event.target.name == "zero":
            label, goal = "  Unapply all migrations: ", event.target.app_label
        else:
            label, goal = "  Target specific migration: ", f"{event.target.name}, from {event.target.app_label}"
        self.line(self.style.MIGRATE_LABEL(label) + goal)
        self.line(self.style.MIGRATE_HEADING("Running migrations:"))
        if not event.migrations:
            self.line("  No migrations to apply.")

    @show.register(MigrationStarted)
    def _migration_started(self, event: MigrationStarted, _context: Context) -> None:
        self._begin(event)

    @show.register(TablesAwaited)
    def _tables_awaited(self, event: TablesAwaited, _context: Context) -> None:
        text = _("  ⏳ {migration} waits for its tables ({waited:.0f}s), nobody waits for it:")
        self.line(text.format(migration=event.migration, waited=event.waited))
        self.lines(f"  {describe_blocker(blocker)}" for blocker in event.blockers)

    @show.register(SessionsAwaited)
    def _sessions_awaited(self, event: SessionsAwaited, _context: Context) -> None:
        text = _(TEXTS[Reason(event.reason)]).format(waited=event.waited)
        self.line(_("  ⏳ Standing still: {reason}").format(reason=text))
        self.lines(f"  {describe_blocker(blocker)}" for blocker in event.blockers)

    @show.register(BackfillProgressed | IndexProgressed | OnlineStepStarted | RowsFilled | TableCopied)
    def _operation_progressed(self, event: Progress, context: Context) -> None:
        if context.is_part and isinstance(event, BackfillProgressed) and (event.is_first or event.is_last):
            # Of thousands of schemas most are done at once, and told in sum.
            return
        line = operation_line(event)
        self.line(f"  {context.schema}:{line[1:]}" if context.is_part else line)

    @show.register(BackfillsUnfinished)
    def _backfills_unfinished(self, event: BackfillsUnfinished, _context: Context) -> None:
        from auto_migrate.backfills.progress import described

        self.lines(
            _("⏳ Not finished, in the background: {backfill}").format(backfill=described(backfill))
            for backfill in event.backfills
        )

    @show.register(MigrationFinished)
    def _migration_finished(self, event: MigrationFinished, _context: Context) -> None:
        outcome = self.style.SUCCESS(_("ALREADY DONE") if event.already else "OK")
        self._end(event, f"{outcome} ({event.duration:.3f}s) [{event.index}/{event.total}]")

    @show.register(MigrationStopped)
    def _migration_stopped(self, event: MigrationStopped, _context: Context) -> None:
        self._end(event, self.style.ERROR(_("STOPPED")))

    def _begin(self, event: MigrationStarted | MigrationFinished | MigrationStopped) -> None:
        """Write the first half of a migration's line, so that a log that is followed shows what is under way."""
        if self.whole_lines:
            self.line(opening(event))
            return
        self.unfinished = opening(event)
        self.stdout.write(self.unfinished, ending="")

    def _end(self, event: MigrationFinished | MigrationStopped, outcome: str) -> None:
        # Where other lines came between, begin anew.
        first_half = "" if self.unfinished else opening(event)
        self.unfinished = ""
        self.line(f"{first_half} {outcome}")

    @show.register(BridgesFound)
    def _bridges_found(self, event: BridgesFound, _context: Context) -> None:
        due = set(event.due)
        for line in bridge_lines(bridge for bridge in event.standing if bridge not in due):
            self.line(_("🌉 A bridge stands: {bridge}").format(bridge=line))
        for line in bridge_lines(event.due):
            self.line(_("🌉 A bridge will be taken down: {bridge}").format(bridge=line))

    @show.register(BridgesRaised)
    def _bridges_raised(self, event: BridgesRaised, _context: Context) -> None:
        for line in bridge_lines(event.bridges):
            self.line(_("🌉 Until the old code is gone: {bridge}").format(bridge=line))

    @show.register(BridgeTakenDown)
    def _bridge_taken_down(self, event: BridgeTakenDown, _context: Context) -> None:
        text = _("⚠️  A bridge is forgotten, since what stood there was changed by others: {bridge}")
        if event.ours:
            text = _("🌉 A bridge is taken down: {bridge}")
        self.line(text.format(bridge=bridge_line(event.bridge)))

    @show.register(BridgesTakenDown)
    def _bridges_taken_down(self, event: BridgesTakenDown, _context: Context) -> None:
        for line in bridge_lines(event.bridges):
            self.line(_("🌉 A bridge is taken down: {bridge}").format(bridge=line))

    @show.register(BridgeKept)
    def _bridge_kept(self, event: BridgeKept, _context: Context) -> None:
        text = _("🌉 A bridge still stands: {bridge}. {reason}")
        self.line(text.format(bridge=bridge_line(event.bridge), reason=event.reason))

    # -- tenants ------------------------------------------------------------------------------------------------------

    @show.register(SchemasCompared | SchemaFinished | SchemasProgressed | TurnAwaited)
    def _of_tenants(self, event: TenantEvent, context: Context) -> None:
        # Most projects have no tenants, and one database.
        from auto_migrate.reporting.tenant_words import lines_of

        self.lines(lines_of(event, context.schema))

    # -- verify and the end -------------------------------------------------------------------------------------------

    @show.register(VerifyStarted)
    def _verify_started(self, _event: VerifyStarted, _context: Context) -> None:
        self.line(_("✅ Checking the state of the migrations..."))

    @show.register(RunSucceeded)
    def _run_succeeded(self, event: RunSucceeded, _context: Context) -> None:
        if event.state is SchemaState.AHEAD and not event.applied:
            self.line(_("✅ Nothing to do: this release is older than the database."))
        else:
            self.line(_("✅ Migrations carried out successfully!"))

    @show.register(RunStopped)
    def _run_stopped(self, event: RunStopped, _context: Context) -> None:
        text = _("🛑 Stopped at a safe place; {applied} applied.").format(applied=event.applied)
        self.line(_("🛑 Stopped waiting.") if event.waiting else text)

    @show.register(RunFailed)
    def _run_failed(self, _event: RunFailed, _context: Context) -> None:
        """End the line of a migration that was stopped at once; the error itself goes to standard error."""
        if self.unfinished:
            self.unfinished = ""
            outcome = self.style.ERROR(_("STOPPED"))
            self.line(f" {outcome}")


def opening(event: MigrationStarted | MigrationFinished | MigrationStopped) -> str:
    """Return the first half of a migration's line."""
    return f"  {'Unapplying' if event.backwards else 'Applying'} {event.migration}..."
