"""What a project needs to test its migrations: hazards found by its own tests, and rows carried through a migration.

`auto_migrate.pytest_plugin` makes fixtures of it; nothing here needs pytest.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.apps.registry import Apps
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, connections
from django.test.runner import DiscoverRunner, ParallelTestSuite

from auto_migrate.conf import ENVIRONMENT_PREFIX, get_settings
from auto_migrate.databases.offline import offline
from auto_migrate.exceptions import UsageError
from auto_migrate.findings import Level
from auto_migrate.management.commands.assess_migrations import refused
from auto_migrate.phases.classify import ClassifiedMigration
from auto_migrate.phases.divide import state_of_record
from auto_migrate.planning.loader import Loader
from auto_migrate.reporting.assessments.text import finding_lines
from auto_migrate.review.git import changed_files
from auto_migrate.review.proposal import Proposal, changed, named
from auto_migrate.safety.assessment import assess
from auto_migrate.safety.plan_assessment import configured, server_of
from auto_migrate.values import MigrationKey
from auto_migrate.workload.recorder import Recorder, recording
from auto_migrate.workload.statement_file import StatementFile, path_of_environment

if TYPE_CHECKING:
    Runner = DiscoverRunner
else:
    Runner = object

# Signals hold receivers weakly, and a process that runs tests records until it ends.
_recorders: list[Recorder] = []


def assert_no_hazards(
    app_label: str,
    *,
    after: str = "",
    migrations: Sequence[str] = (),
    since: str = "",
    level: Level | str = Level.ERROR,
    database: str = DEFAULT_DB_ALIAS,
    vendor: str | None = None,
    server_version: str | int | None = None,
) -> None:
    """Raise `AssertionError` if migrations of an app hold hazards that nobody has acknowledged; no database is asked.

    All of the app are judged, or those that do not come before `after` in the graph, each by itself: as if everything
    before it had been applied long ago. `migrations` (names, or how they begin) and those whose files were added or
    changed `since` this branch left a reference of git are judged together, as one deploy. Findings below `level` pass.
    `vendor` and `server_version` are what production runs on, where it is not what the settings name. Raise
    `UsageError` for what does not exist.
    """
    if sum(map(bool, (after, migrations, since))) > 1:
        raise UsageError("`after`, `migrations` and `since` contradict each other: give one of them.")
    if level not in list(Level):
        raise UsageError(f"{level!r} is no level of findings.", hint=f"Choose one of: {', '.join(Level)}")
    # A text is a sequence of names as well, of one letter each.
    names = [migrations] if isinstance(migrations, str) else migrations
    if since:
        proposal = changed(changed_files(since, Path.cwd()), [app_label])
    else:
        proposal = named([f"{app_label}.{name}" for name in names] or [str(app_label)])
    connection = offline(database, vendor=vendor, version=None if server_version is None else str(server_version))
    reads = list(proposal.read(connection))
    plans = [reads] if since or migrations else _one_by_one(proposal, reads, f"{app_label}.{after}" if after else "")
    acknowledgements = configured(read.key for read in reads)
    judged = [assess(plan, server_of(connection), acknowledgements=acknowledgements) for plan in plans]
    if failing := [finding for assessment in judged for finding in assessment.blocking(Level(level))]:
        error = refused(failing)
        lines = [line for finding in failing for line in finding_lines(finding, no_style())]
        raise AssertionError("\n".join([error.message, *lines, error.hint]))


def _one_by_one(
    proposal: Proposal, reads: Sequence[ClassifiedMigration], after: str
) -> list[list[ClassifiedMigration]]:
    """Return a plan for each migration but those up to `after`."""
    passed: set[MigrationKey] = set()
    if after:
        loader = proposal.loader
        [node] = named([after]).chosen
        # A squash stands in the graph for what it replaces.
        squashes = [squash for squash, migration in loader.replacements.items() if node in migration.replaces]
        node = node if node in loader.graph.nodes or not squashes else squashes[0]
        passed = {MigrationKey(*passed_node) for passed_node in loader.graph.forwards_plan(node)}
    return [[read] for read in reads if read.key not in passed]


@contextlib.contextmanager
def no_deploy_lock() -> Iterator[None]:
    """Let nothing take the deploy lock, here and in processes that are started meanwhile, as `LOCK = "none"` does.

    For tests only: whoever else migrates the same database is not waited for.
    """
    name = f"{ENVIRONMENT_PREFIX}LOCK"
    before = os.environ.get(name)
    os.environ[name] = "none"
    get_settings.cache_clear()
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before
        get_settings.cache_clear()


def _init_recording_worker(*arguments: Any) -> None:
    init_worker: Any = ParallelTestSuite.init_worker
    init_worker(*arguments)
    # What a process has that was forked is there already.
    if multiprocessing.get_start_method() != "fork" and (path := path_of_environment()):
        _recorders.append(Recorder(StatementFile(path)))
        _recorders[-1].start()


class RecordingSuite(ParallelTestSuite):
    """Tests in several processes, each of which records."""

    init_worker = _init_recording_worker


class RecordStatementsMixin(Runner):
    """Lets a test runner record the statements that the tests send to the file that `AUTO_MIGRATE_RECORD` names.

    `class Runner(RecordStatementsMixin, DiscoverRunner): pass`, and `TEST_RUNNER` names it. Without the variable it
    does nothing.
    """

    parallel_test_suite = RecordingSuite

    def run_tests(self, test_labels: Any, *arguments: Any, **options: Any) -> int:
        """Run the tests as the runner does; the file begins anew."""
        if (path := path_of_environment()) is None:
            return super().run_tests(test_labels, *arguments, **options)
        file = StatementFile(path)
        file.begin()
        with recording(file):
            failures = super().run_tests(test_labels, *arguments, **options)
        chosen = (test_labels, self.tags, self.exclude_tags, self.test_name_patterns)
        file.end(complete=not failures and not any(chosen))
        return failures


class Migrator:
    """Brings a test's database to a migration, and back to the newest one when the test is over.

    The test must not run in a transaction (`TransactionTestCase`, or `django_db(transaction=True)`).
    """

    def __init__(self, database: str = DEFAULT_DB_ALIAS) -> None:
        self.database = database

    def migrate_to(self, app_label: str, migration_name: str) -> Apps:
        """Bring one app to a migration (its name, how it begins, or "zero"); return the models as they are then.

        Raise `UsageError` in a test that runs in a transaction.
        """
        if connections[self.database].in_atomic_block:
            raise UsageError(
                f"The test runs in a transaction on {self.database!r}, in which nothing can be migrated.",
                hint="Make it a TransactionTestCase, or mark it: @pytest.mark.django_db(transaction=True)",
            )
        self._migrate(app_label, migration_name)
        return state_of_record(Loader(connections[self.database])).apps

    def finish(self) -> None:
        """Empty all tables, since the old rows may not fit what comes, and bring every app to its newest migration."""
        # `flush` truncates what Django's models name now, as far as it exists.
        options = {"database": self.database, "verbosity": 0, "interactive": False}
        call_command("flush", inhibit_post_migrate=True, **options)
        self._migrate()

    def _migrate(self, *target: str) -> None:
        with no_deploy_lock():
            call_command("migrate", *target, database=self.database, verbosity=0, interactive=False)
