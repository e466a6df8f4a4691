"""The command of the release step."""

from __future__ import annotations

import argparse
import dataclasses
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter
from django.db import DEFAULT_DB_ALIAS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.conf import Settings
from auto_migrate.databases import migratable
from auto_migrate.emitter import Emitter
from auto_migrate.events import Listener
from auto_migrate.exceptions import PlanRefused, UsageError
from auto_migrate.exit_codes import ExitCode
from auto_migrate.interrupts import interruptible
from auto_migrate.management.arguments import add_database, exit_codes, number
from auto_migrate.management.memory import collect_models_soon, keep_imports
from auto_migrate.management.output import Output, add_format, reporting
from auto_migrate.phases.phase import ALL, Phase
from auto_migrate.pipeline import migrate
from auto_migrate.planning.targets import Goal
from auto_migrate.reporting.console import Console
from auto_migrate.request import RunRequest
from auto_migrate.retry import Retry
from auto_migrate.values import Audience

if TYPE_CHECKING:
    from auto_migrate.applying.recovery import Resolutions
    from auto_migrate.clock import Clock
    from auto_migrate.findings import Acknowledgement

STOPPING = gettext_noop("🛑 Asked to stop: at the next safe place. A second signal stops it at once.")
# What only asks, looks or tries, database by database; anything else migrates.
QUESTIONS = ("notify_test", "check", "adopt", "plan", "sql")
EXIT_CODES = "\n".join(f"  {code.value} {code.meaning}" for code in ExitCode)
EPILOG = f"""\
exit codes:
{EXIT_CODES}

examples:
  manage.py auto_migrate                           bring the database up to date
  manage.py auto_migrate --check                   only ask; exit code 9 if it is behind
  manage.py auto_migrate --plan                    show what would be done, and what is wrong with it
  manage.py auto_migrate --plan --drift            what is not in the database as the migrations made it
  manage.py auto_migrate --adopt --plan            what would be recorded in a database that has tables and no record
  manage.py auto_migrate --phase post_deploy       apply what was left for after the deploy
  manage.py auto_migrate --lock-wait=60            wait no more than a minute for another runner
  manage.py auto_migrate --canary acme             one tenant first, then all others
  manage.py auto_migrate billing 0007              bring one app to one migration
"""


class HelpFormatter(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Django's order of options, with the epilog left as it is written."""


class Command(BaseCommand):
    help = (
        "Bring the database up to date: wait for it, let one runner migrate while the others wait, apply what is "
        "pending and verify. Safe to run from any number of replicas at once, and to run again."
    )
    # A release step waits for its database; Django's own database checks would fail before it could.
    requires_system_checks: list[str] = []
    # Beside the one that reports.
    listeners: Sequence[Listener] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = HelpFormatter
        parser.epilog = EPILOG
        parser.add_argument("app_label", nargs="?", help="Only this app, and what it depends on.")
        parser.add_argument("migration_name", nargs="?", help='Bring the app to this migration; "zero" unapplies all.')
        add_database(parser)
        parser.add_argument(
            "--all-databases",
            action="store_true",
            help="Every alias that the routers let migrate; replicas (TEST MIRROR) are left out.",
        )
        self._add_limits(parser)
        self._add_tenants(parser)
        self._add_answers(parser)
        self._add_questions(parser)
        add_format(parser, of_drift=True)
        parser.add_argument("--skip-checks", action="store_true", help="Skip system checks.")
        parser.add_argument(
            "--noinput",
            "--no-input",
            action="store_false",
            dest="interactive",
            help="Accepted as by migrate; nothing is ever asked.",
        )
        parser.add_argument("--run-id", type=uuid.UUID, help=argparse.SUPPRESS)

    def _add_limits(self, parser: CommandParser) -> None:
        """Add how often is tried, how long waited, and how much done."""
        parser.add_argument(
            "--max-retries",
            type=number(int, 1),
            metavar="N",
            help=f"Attempts in all while the database cannot be used. Default: {Settings.MAX_RETRIES}.",
        )
        parser.add_argument(
            "--retry-delay",
            type=number(float, 0),
            metavar="SECONDS",
            help=f"Pause before the second attempt; later ones grow. Default: {Settings.RETRY_DELAY:g}.",
        )
        parser.add_argument(
            "--lock-wait",
            type=number(float, 0),
            metavar="SECONDS",
            help=f"How long to wait for another runner. Default: {Settings.LOCK_WAIT:g}.",
        )
        parser.add_argument(
            "--phase",
            choices=(ALL, *map(str, Phase)),
            help="Only what is for before the deploy, or only what was left for after it. Default: pre_deploy where "
            "PHASES is on, else all.",
        )

    def _add_tenants(self, parser: CommandParser) -> None:
        """Add which tenants come first, or alone, and how many of them may fail."""
        parser.add_argument(
            "--tenant",
            action="append",
            default=[],
            metavar="NAME",
            help="Only the schema that all tenants share and that of this one. May be given several times.",
        )
        parser.add_argument(
            "--canary",
            action="append",
            default=[],
            metavar="NAME",
            help="This tenant's schema first, and the others only if it ends well. May be given several times.",
        )
        parser.add_argument(
            "--max-failures",
            type=number(int, 1),
            default=1,
            metavar="N",
            help="Begin no further schema when so many have failed. Default: 1.",
        )

    def _add_answers(self, parser: CommandParser) -> None:
        """Add what an operator says to a run that asked."""
        parser.add_argument(
            "--resolve",
            action="append",
            default=[],
            metavar="APP.MIGRATION:OPERATION=done|redo",
            help="Settle what an earlier run asks: whether an operation that was cut outside a transaction was done. "
            "With --adopt, APP.MIGRATION=done|redo: whether that was done which no schema proves.",
        )
        parser.add_argument(
            "--acknowledge",
            action="append",
            default=[],
            metavar="CODE:APP.MIGRATION[@PLAN][=REASON]",
            help="Let one hazard of one migration pass, in any plan or only in that with this fingerprint; the reason "
            "is kept in the history. May be given several times.",
        )

    def _add_questions(self, parser: CommandParser) -> None:
        """Add what only looks."""
        parser.add_argument(
            "--plan",
            action="store_true",
            help="Only show: every pending migration, its statements and what they do to this database; exit with 6 if "
            "the plan would be refused.",
        )
        parser.add_argument(
            "--adopt",
            action="store_true",
            help="For a database whose tables are there and whose record is not, or only partly: record as applied "
            "what the schema proves to be applied, and carry nothing out; exit with 7 where something is there and not "
            "proven. With --plan: only show.",
        )
        parser.add_argument(
            "--drift",
            action="store_true",
            help="With --plan: compare the schema that the recorded migrations make with the schema that is there, "
            "table by table. Reads the catalogue; changes and locks nothing.",
        )
        parser.add_argument(
            "--fail-on-drift",
            action="store_true",
            help="With --plan --drift: exit with 7 if anything differs.",
        )
        parser.add_argument(
            "--sql",
            action="store_true",
            help="Only show the statements of the plan, as a script; exit codes as --plan.",
        )
        parser.add_argument(
            "--notify-test",
            action="store_true",
            help="Only send a test to every address of the setting NOTIFY; exit with 2 if one does not take it.",
        )
        parser.add_argument("--check", action="store_true", help="Only ask; exit with 9 if migrations are pending.")

    def run_from_argv(self, argv: list[str]) -> None:
        keep_imports()
        self.listeners = (collect_models_soon,)
        super().run_from_argv(argv)

    def handle(self, **options: Any) -> None:
        with (
            reporting(self, options, lists_pending=options["check"], for_people=console_for(options)) as output,
            exit_codes(),
            interruptible(acknowledge=_(STOPPING)) as clock,
        ):
            goal = Goal.asked(options["app_label"], options["migration_name"], options["phase"])
            goal.check()
            check_combination(options)
            acknowledgements = acknowledged(options["acknowledge"]) if options["acknowledge"] else ()
            databases = self._databases(options)
            if not any(options[question] for question in QUESTIONS):
                self._migrate(databases, goal, acknowledgements, options=options, output=output, clock=clock)
                return
            for database in databases:
                if options["notify_test"]:
                    # The release step does not pay for importing it.
                    from auto_migrate.management.notification_trial import try_notifications

                    try_notifications(database, output.listener)
                elif options["check"]:
                    from auto_migrate.migration_wait import check

                    check(database, goal=goal, tenants=options["tenant"], listeners=[output.listener], clock=clock)
                elif options["adopt"]:
                    take_over(database, options=options, listener=output.listener, clock=clock)
                else:
                    show(database, goal, acknowledgements, options=options, listener=output.listener, clock=clock)

    def _migrate(
        self,
        databases: Sequence[str],
        goal: Goal,
        acknowledgements: tuple[Acknowledgement, ...],
        *,
        options: dict[str, Any],
        output: Output,
        clock: Clock,
    ) -> None:
        """Bring each database up to date by a run of its own, several of them side by side."""
        request = RunRequest(
            goal=goal,
            retry=Retry.configured(options["max_retries"], options["retry_delay"]),
            lock_wait=options["lock_wait"],
            acknowledgements=acknowledgements,
            skip_checks=options["skip_checks"],
            resolutions=resolved(options["resolve"]) if options["resolve"] else {},
            queued=options["run_id"],
            requested_by="auto_migrate",
            tenants=tuple(options["tenant"]),
            canaries=tuple(options["canary"]),
            max_failures=options["max_failures"],
            audience=Audience(options["verbosity"], interactive=False, stdout=output.stdout),
        )
        if len(databases) == 1:
            migrate(databases[0], request, listeners=[output.listener, *self.listeners], clock=clock)
            return

        def migrate_one(database: str, workers: int, await_turn: Callable[[bool, Emitter], None]) -> None:
            own = output.of(database)
            audience = dataclasses.replace(request.audience, stdout=own.stdout)
            part = dataclasses.replace(request, audience=audience, workers=workers, await_turn=await_turn)
            migrate(database, part, listeners=[own.listener, *self.listeners], clock=clock)

        # Most projects have one.
        from auto_migrate.fleet.databases_run import DatabasesRun

        DatabasesRun(databases, migrate_one, clock).run()

    def _databases(self, options: dict[str, Any]) -> list[str]:
        if options["all_databases"] and options["databases"]:
            raise UsageError(_("--all-databases and --database contradict each other."), hint=_("Give one of them."))
        if options["all_databases"]:
            return migratable()
        databases = list(dict.fromkeys(options["databases"] or [DEFAULT_DB_ALIAS]))
        if options["run_id"] and len(databases) > 1:
            raise UsageError(_("--run-id names one run on one database."))
        return databases


def console_for(options: dict[str, Any]) -> type[Console]:
    """Return what tells people of all that the options may lead to."""
    if options["adopt"]:
        from auto_migrate.reporting.adoption_console import AdoptionConsole

        return AdoptionConsole
    if options["drift"]:
        from auto_migrate.reporting.drift_console import DriftConsole

        return DriftConsole
    return Console


def show(
    database: str,
    goal: Goal,
    acknowledgements: tuple[Acknowledgement, ...],
    *,
    options: dict[str, Any],
    listener: Listener,
    clock: Clock,
) -> None:
    """Show the plan, and how the schema differs from the record if that is asked for, whatever becomes of the plan."""
    # The release step does not pay for importing it.
    from auto_migrate.preview import preview

    refused: PlanRefused | None = None
    if options["format"] != "sarif":
        try:
            preview(
                database,
                goal=goal,
                acknowledgements=acknowledgements,
                resolutions=resolved(options["resolve"]) if options["resolve"] else None,
                tenants=options["tenant"],
                listeners=[listener],
                clock=clock,
            )
        except PlanRefused as error:
            refused = error
    if options["drift"]:
        from auto_migrate.drift.detection import detect_drift

        detect_drift(database, fails=options["fail_on_drift"], listeners=[listener], clock=clock)
    if refused:
        raise refused


def take_over(database: str, *, options: dict[str, Any], listener: Listener, clock: Clock) -> None:
    """Record what the schema proves, or show what would be recorded."""
    from auto_migrate.adoption.adopt import adopt, preview_adoption

    carry_out = preview_adoption if options["plan"] else adopt
    carry_out(database, resolutions=resolved(options["resolve"]), listeners=[listener], clock=clock)


def check_combination(options: dict[str, Any]) -> None:
    """Raise `UsageError` for options that mean nothing without another."""
    for option, needed in (("drift", "plan"), ("fail_on_drift", "drift")):
        if options[option] and not options[needed]:
            raise UsageError(
                _("{option} means nothing without {needed}.").format(
                    option=f"--{option.replace('_', '-')}", needed=f"--{needed}"
                ),
                hint=_("Compare schema and record: {command}").format(command="manage.py auto_migrate --plan --drift"),
            )
    if options["check"] and (others := [name for name in ("plan", "sql", "resolve", "acknowledge") if options[name]]):
        raise UsageError(
            _("--check only asks whether migrations are pending, and does not go with: {others}.").format(
                others=", ".join(f"--{name}" for name in others)
            ),
            hint=_("See what would be done, and what is wrong with it: {command}").format(
                command="manage.py auto_migrate --plan"
            ),
        )
    others = [name for name in ("app_label", "check", "drift", "sql", "notify_test") if options[name]]
    if options["adopt"] and others:
        raise UsageError(
            _("--adopt goes with --plan alone, and not with: {others}.").format(others=", ".join(others)),
            hint=_("See what would be recorded: {command}").format(command="manage.py auto_migrate --adopt --plan"),
        )
    if options["format"] == "sarif" and not options["drift"]:
        raise UsageError(
            _("{option} means nothing without {needed}.").format(option="--format sarif", needed="--drift"),
            hint=_("Findings of a plan in SARIF: {command}").format(
                command="manage.py assess_migrations --since origin/main --format sarif"
            ),
        )


def acknowledged(texts: Sequence[str]) -> tuple[Acknowledgement, ...]:
    """Read what `--acknowledge` gave; raise `UsageError` for what is none."""
    # The release step pays for the assessment when there is something to assess.
    from auto_migrate.safety.acknowledgements import of_text

    return tuple(map(of_text, texts))


def resolved(texts: Sequence[str]) -> Resolutions:
    """Read what `--resolve` gave; raise `UsageError` for what is none."""
    # Likewise for all that carries a plan out.
    from auto_migrate.applying.recovery import parse_resolutions

    return parse_resolutions(texts)
