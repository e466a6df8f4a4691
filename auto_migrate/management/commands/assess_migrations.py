"""The command of the pull request: what a change brings, judged by rule, with no database to look at."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from auto_migrate.databases.offline import ENGINES, offline
from auto_migrate.exceptions import PlanRefused, UsageError
from auto_migrate.findings import Finding, Level
from auto_migrate.management.arguments import exit_codes
from auto_migrate.management.commands.auto_migrate import HelpFormatter
from auto_migrate.management.output import kept_apart, write_unencodable
from auto_migrate.redaction import mapped, printable
from auto_migrate.reporting.assessments import github, jsondoc, markdown, sarif
from auto_migrate.reporting.assessments.report import AssessmentReport
from auto_migrate.reporting.assessments.source_lines import SourceLocations
from auto_migrate.reporting.assessments.text import report_lines
from auto_migrate.reporting.outlet import Outlet
from auto_migrate.review.git import changed_files, top_around
from auto_migrate.review.judgement import review
from auto_migrate.review.outgoing_models import NoModels, outgoing_models
from auto_migrate.review.proposal import Proposal, changed, named
from auto_migrate.safety.acknowledgements import of_text
from auto_migrate.safety.hazard import Harm
from auto_migrate.safety.hazards import hazards
from auto_migrate.safety.plan_assessment import server_of
from auto_migrate.workload.statement import Workload, together
from auto_migrate.workload.statement_file import read_files

FORMATS: dict[str, Callable[[AssessmentReport], str]] = {
    "json": jsondoc.render,
    "github": github.render,
    "sarif": sarif.render,
    "markdown": markdown.render,
}
# What programs read: a line of somebody else's in it would break it.
PURE = frozenset({"json", "sarif"})
EPILOG = """\
exit codes:
  0 nothing stands against it    6 findings that nobody has acknowledged
  2 usage, or git cannot tell    7 the migration files do not fit together

examples:
  manage.py assess_migrations --since origin/main              what this branch brings
  manage.py assess_migrations billing.0007 shop                these, whatever git says
  manage.py assess_migrations --since origin/main --format sarif > migrations.sarif
  manage.py assess_migrations --since origin/main --vendor postgresql --server-version 15
  manage.py assess_migrations --since origin/main --statements statements.jsonl
"""


class Command(BaseCommand):
    help = (
        "Judge the migrations that a change brings: what they lock, rewrite, lose or break. Reads files only and asks "
        "no database, so that it runs in a pull request."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = HelpFormatter
        parser.epilog = EPILOG
        parser.add_argument(
            "names",
            nargs="*",
            metavar="app_label[.migration]",
            help="Judge these, all of an app or one of them; with --since, only what is new among them.",
        )
        parser.add_argument(
            "--since",
            metavar="GITREF",
            help="Judge the migrations whose files were added or changed since this branch left GITREF, those that "
            "are not committed included.",
        )
        parser.add_argument(
            "--database",
            default=DEFAULT_DB_ALIAS,
            choices=tuple(connections),
            metavar="ALIAS",
            help=f"The database that they are for; it is not asked. Default: {DEFAULT_DB_ALIAS}.",
        )
        parser.add_argument(
            "--vendor",
            choices=tuple(ENGINES),
            help="What production runs on, where it is not what the settings name here.",
        )
        parser.add_argument(
            "--server-version",
            metavar="VERSION",
            help="Its version, such as 15 or 10.11-MariaDB. Default: the newest that is supported.",
        )
        parser.add_argument(
            "--online",
            action="store_true",
            help="Judge as the release step does: what it carries out in steps that hold nobody up stops nothing. "
            "Every table counts as large.",
        )
        self._add_outcome(parser)

    def _add_outcome(self, parser: CommandParser) -> None:
        """Add how it is written, what fails, and what else is known."""
        parser.add_argument(
            "--statements",
            action="append",
            default=[],
            metavar="FILE",
            help="What the tests of the running release recorded (AUTO_MIGRATE_RECORD): findings say which statement "
            "they break. May be given several times.",
        )
        parser.add_argument(
            "--format", choices=("text", *FORMATS), default="text", help="How to write it. Default: text."
        )
        parser.add_argument(
            "--fail-level",
            choices=(*map(str, reversed(Level)), "never"),
            default=str(Level.ERROR),
            help="Exit with 6 for findings at and above this level. Default: error.",
        )
        parser.add_argument(
            "--acknowledge",
            action="append",
            default=[],
            metavar="CODE:APP.MIGRATION[=REASON]",
            help="Let one hazard of one migration pass. May be given several times.",
        )
        parser.add_argument(
            "--docs-url",
            default="",
            metavar="URL",
            help="Where the pages of docs/hazards/ can be read, to link to them.",
        )

    def handle(self, *names: str, **options: Any) -> None:
        write_unencodable(self)
        with contextlib.ExitStack() as stack:
            pure = options["format"] in PURE
            stdout = stack.enter_context(kept_apart(self.stdout)) if pure else self.stdout
            stack.enter_context(exit_codes())
            # What migrations print when they are imported belongs to no format.
            with contextlib.redirect_stdout(sys.stderr):
                report = self.report(options)
            Outlet(stdout).write(self.written(report, options["format"]))
            if report.failing:
                raise refused(
                    report.failing, may_go_online=report.server.vendor == "postgresql" and not options["online"]
                )

    def report(self, options: dict[str, Any]) -> AssessmentReport:
        """Judge what the options name."""
        here = Path.cwd()
        proposal = chosen(options["names"], options["since"], here)
        acknowledgements = tuple(of_text(text) for text in options["acknowledge"])
        if any(one.plan for one in acknowledgements):
            raise UsageError(_("Files alone make no plan: give --acknowledge here without a fingerprint."))
        connection = offline(options["database"], vendor=options["vendor"], version=options["server_version"])
        assessment = review(
            proposal,
            connection,
            acknowledgements=acknowledgements,
            with_sql=options["verbosity"] > 1,
            with_online=options["online"],
            workload=functools.partial(self.workload, options["statements"], options["since"], here),
        )
        return AssessmentReport(
            # Names and texts of the project may hold what a terminal obeys, or what no encoding has.
            assessment=mapped(assessment, printable),
            server=server_of(connection),
            level=None if options["fail_level"] == "never" else Level(options["fail_level"]),
            acknowledgements=acknowledgements,
            places=SourceLocations(top_around(here), proposal.files),
            docs_url=options["docs_url"],
        )

    def workload(self, paths: Sequence[str], since: str | None, folder: Path) -> Workload | None:
        """Return what is known of the running release's statements: what was recorded, and what its models tell."""
        recorded = read_files(paths) if paths else None
        if since is None:
            return recorded
        try:
            models = outgoing_models(since, folder)
        except (NoModels, UsageError) as error:
            text = _("The models of the running release cannot be looked at: {reason}.")
            self.stderr.write(text.format(reason=str(error).rstrip(".")))
            return recorded
        if recorded is None:
            return models
        # What the tests sent tells what the models do not.
        return dataclasses.replace(together([recorded, models]), gaps=recorded.gaps)

    def written(self, report: AssessmentReport, name: str) -> str:
        """Write a report in a format."""
        if name == "text":
            return "\n".join(report_lines(report, self.style)) + "\n"
        return FORMATS[name](report)


def chosen(names: Sequence[str], since: str | None, folder: Path) -> Proposal:
    """Return the migrations that somebody asks about; raise `UsageError` if nobody said which."""
    if since is not None:
        return changed(changed_files(since, folder), names)
    if names:
        return named(names)
    raise UsageError(
        _("Nobody said which migrations to judge."),
        hint=_(
            "Those that this branch brings: manage.py assess_migrations --since origin/main\n"
            "Those of an app, or one: manage.py assess_migrations shop billing.0007\n"
            "Those that a database lacks: manage.py auto_migrate --plan"
        ),
    )


def refused(failing: Sequence[Finding], *, may_go_online: bool = False) -> PlanRefused:
    """Say for what the assessment fails."""
    text = ngettext(
        "{count} finding that nobody has acknowledged: {names}.",
        "{count} findings that nobody has acknowledged: {names}.",
        len(failing),
    )
    names = dict.fromkeys(f"{finding.code}:{finding.migration}" for finding in failing)
    hint = _(
        "Write the migration as shown, or say in it that this is wanted: "
        'acknowledged = auto_migrate.acknowledge("{code}", reason="…")'
    ).format(code=failing[0].code)
    if may_go_online and any(hazards()[finding.code].harm is Harm.BLOCKS for finding in failing):
        hint += "\n" + _(
            "Where the release step may carry it out online, judge it so: manage.py assess_migrations --online"
        )
    return PlanRefused(text.format(count=len(failing), names=", ".join(names)), hint=hint)
