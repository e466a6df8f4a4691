"""What is rehearsed: the migrations that come before the plan, and the plan."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.utils.translation import gettext as _

from auto_migrate.databases.base import Database
from auto_migrate.events import StateCompared
from auto_migrate.exceptions import UsageError
from auto_migrate.planning.comparison import compare
from auto_migrate.planning.targets import Goal
from auto_migrate.rehearsal.scratch_executor import computes
from auto_migrate.review.git import changed_files
from auto_migrate.review.proposal import changed, named
from auto_migrate.values import MigrationKey


@dataclasses.dataclass(frozen=True)
class RehearsalScript:
    """Both in order, and the apps without migrations, whose tables are there from the beginning."""

    base: tuple[Migration, ...]
    plan: tuple[Migration, ...]
    unmigrated: frozenset[str]

    def python(self) -> tuple[MigrationKey, ...]:
        """Name the migrations that run functions of the project's; those of Django's own call nobody."""
        own = (one for one in (*self.base, *self.plan) if not type(one).__module__.startswith("django."))
        return tuple(MigrationKey.of(one) for one in own if computes(one.operations))


def recorded(database: Database) -> tuple[RehearsalScript, StateCompared]:
    """Let the database's record say what is applied, and plan the rest; files that were pruned need not be there."""
    comparison = compare(database, Goal())
    loader = comparison.loader
    applied = loader.applied_migrations
    base = [one for one in way_of(loader) if (one.app_label, one.name) in applied]
    plan = [migration for migration, _backwards in comparison.plan]
    script = RehearsalScript(tuple(base), tuple(plan), frozenset(loader.unmigrated_apps))
    return script, StateCompared(comparison.state, comparison.keys, comparison.unknown)


def proposed(names: Sequence[str], since: str) -> RehearsalScript:
    """Take as applied all that the files hold but what is named, or new since a commit."""
    proposal = changed(changed_files(since, Path.cwd()), names) if since else named(names)
    way = proposal.way()
    plan = [one for one in way if (one.app_label, one.name) in proposal.chosen]
    if not plan and not since:
        raise UsageError(
            _("There is nothing to rehearse in {names}.").format(names=", ".join(names)),
            hint=_("See what there is: manage.py showmigrations --plan"),
        )
    base = [one for one in way if one not in plan]
    return RehearsalScript(tuple(base), tuple(plan), frozenset(proposal.loader.unmigrated_apps))


def way_of(loader: MigrationLoader) -> list[Migration]:
    """Return all migrations of a graph in an order in which they can be applied."""
    found: dict[tuple[str, str], None] = {}
    for leaf in loader.graph.leaf_nodes():
        found.update(dict.fromkeys(loader.graph.forwards_plan(leaf)))
    return [loader.graph.nodes[node] for node in found]
