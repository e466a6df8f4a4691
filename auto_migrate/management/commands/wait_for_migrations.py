"""The command before whatever must not run on an old schema: it ends when nothing is pending that this code needs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DEFAULT_DB_ALIAS

from auto_migrate.conf import Settings
from auto_migrate.interrupts import interruptible
from auto_migrate.management.arguments import add_database, exit_codes, number
from auto_migrate.management.output import add_format, reporting
from auto_migrate.migration_wait import wait_for_migrations


class Command(BaseCommand):
    help = (
        "Wait until nothing that this code needs is pending; migrates nothing itself. Exit with 9 when migrations are "
        "still pending after --timeout, 3 when the database cannot be reached by then, at once with 4 when it refuses "
        "for good and with 7 when the history has diverged."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_database(parser)
        parser.add_argument(
            "--timeout",
            type=number(float, 0),
            metavar="SECONDS",
            help=f"How long to wait for each database; 0 only asks. Default: {Settings.MIGRATIONS_WAIT:g}.",
        )
        add_format(parser)

    def handle(self, **options: Any) -> None:
        with reporting(self, options) as output, exit_codes(), interruptible() as clock:
            for database in dict.fromkeys(options["databases"] or [DEFAULT_DB_ALIAS]):
                wait_for_migrations(database, timeout=options["timeout"], listeners=[output.listener], clock=clock)
