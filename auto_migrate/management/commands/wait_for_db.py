"""The command that starts everything else: it ends when the database can be used."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DEFAULT_DB_ALIAS

from auto_migrate.interrupts import interruptible
from auto_migrate.management.arguments import add_database, exit_codes, number
from auto_migrate.management.output import add_format, reporting
from auto_migrate.retry import Retry
from auto_migrate.wait import wait


class Command(BaseCommand):
    help = (
        "Wait until the database answers and accepts writes. Exit with 3 when it did not within the attempts, at once "
        "with 4 when it refuses for good (credentials, missing database, TLS)."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_database(parser)
        parser.add_argument("--max-attempts", type=number(int, 1), default=30, help="Attempts in all. Default: 30.")
        parser.add_argument(
            "--retry-delay", type=number(float, 0), default=2.0, metavar="SECONDS", help="Pause between. Default: 2."
        )
        parser.add_argument(
            "--stable-for",
            type=number(float, 0),
            default=0.0,
            metavar="SECONDS",
            help="Also see it usable for this long without a break. Default: 0.",
        )
        add_format(parser)

    def handle(self, **options: Any) -> None:
        # A steady rhythm: the wait has its own patience, and nobody is harmed by one probe every two seconds.
        retry = Retry(options["max_attempts"], options["retry_delay"], ceiling=options["retry_delay"], jitter=0)
        with reporting(self, options) as output, exit_codes(), interruptible() as clock:
            for database in dict.fromkeys(options["databases"] or [DEFAULT_DB_ALIAS]):
                wait(database, retry=retry, stable_for=options["stable_for"], listeners=[output.listener], clock=clock)
