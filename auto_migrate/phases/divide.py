"""A plan divided by phases: what a run does now, and what it leaves for after the deploy."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState
from django.utils.translation import gettext as _

from auto_migrate.exceptions import PlanRefused
from auto_migrate.phases.phase import Phase
from auto_migrate.values import MigrationKey, Node

if TYPE_CHECKING:
    from auto_migrate.phases.classify import ClassifiedMigration

Plan = list[tuple[Migration, bool]]


@dataclasses.dataclass(frozen=True)
class Division:
    """The part of a plan that is of one phase.

    `deferred` is what waits for the deploy; `early` are migrations of this part that cannot run before some of that.
    `whole` is the plan that was divided, if that part comes first. `phased` tells whether it was divided at all.
    """

    plan: Plan
    deferred: tuple[MigrationKey, ...] = ()
    early: Mapping[MigrationKey, tuple[MigrationKey, ...]] = dataclasses.field(default_factory=dict)
    whole: Plan = dataclasses.field(default_factory=list)
    phased: bool = False


def state_of_record(loader: MigrationLoader) -> ProjectState:
    """Return the state that the recorded migrations make, in the order that an empty database would take."""
    state = ProjectState(real_apps=loader.unmigrated_apps)
    for migration in applied(loader):
        migration.mutate_state(state, preserve=False)
    return state


def applied(loader: MigrationLoader) -> Iterator[Migration]:
    """Return the recorded migrations, in the order that an empty database would take."""
    for node in dict.fromkeys(node for leaf in loader.graph.leaf_nodes() for node in loader.graph.forwards_plan(leaf)):
        if node in loader.applied_migrations:
            yield loader.graph.nodes[node]


def before_deploy(connection: BaseDatabaseWrapper, loader: MigrationLoader, plan: Plan) -> Division:
    """Leave out what waits for the deploy.

    Nothing does on a database without a single recorded migration, which no release can be using.
    """
    if not plan or not loader.applied_migrations:
        return Division(plan)
    reads = _read(connection, loader, plan)
    now = [read for read in reads if read.decision.phase is Phase.PRE_DEPLOY]
    return Division(
        [(read.migration, read.backwards) for read in now],
        tuple(read.key for read in reads if read.decision.phase is Phase.POST_DEPLOY),
        {read.key: read.decision.behind for read in now if read.decision.comes_too_early},
        plan,
        phased=True,
    )


def after_deploy(
    connection: BaseDatabaseWrapper, loader: MigrationLoader, plan: Plan, released: Collection[MigrationKey]
) -> Division:
    """Take what waited for the deploy, as far as it is `released` and needs nothing that is not there."""
    if not plan:
        return Division(plan)
    reads = [read for read in _read(connection, loader, plan) if read.decision.phase is Phase.POST_DEPLOY]
    left: set[Node] = {(migration.app_label, migration.name) for migration, _backwards in plan}
    now: Plan = []
    for read in reads:
        node = (read.key.app_label, read.key.name)
        if read.key in released and not any(parent.key in left for parent in loader.graph.node_map[node].parents):
            left.discard(node)
            now.append((read.migration, read.backwards))
    deferred = tuple(read.key for read in reads if (read.key.app_label, read.key.name) in left)
    return Division(now, deferred, phased=True)


def _read(connection: BaseDatabaseWrapper, loader: MigrationLoader, plan: Plan) -> list[ClassifiedMigration]:
    # Most deploys have no plan, and importing what reads one costs them as much as all that they do.
    from auto_migrate.changes.reading import read_plan
    from auto_migrate.phases.classify import PhaseClassifier, classify_plan

    return list(classify_plan(read_plan(connection, plan, state_of_record(loader)), PhaseClassifier(loader.graph)))


def refuse_early(
    early: Mapping[MigrationKey, tuple[MigrationKey, ...]], released: Callable[[], Collection[MigrationKey]]
) -> None:
    """Raise `PlanRefused` if anything is to run before what it depends on; `released` tells whose code is out."""
    if not early:
        return
    named = "; ".join(
        _("{migration} is for before the deploy and depends on {behind}, which is for after it").format(
            migration=key, behind=", ".join(map(str, behind))
        )
        for key, behind in early.items()
    )
    raise PlanRefused(
        _("AM506: {named}. Nothing was changed.").format(named=named),
        hint="\n".join(_ways_out(*next(iter(early.items())), released())),
    )


def _ways_out(key: MigrationKey, behind: Sequence[MigrationKey], released: Collection[MigrationKey]) -> Iterator[str]:
    new = [left for left in behind if left not in released]
    if not new:
        yield _("Finish the deploy before this one: manage.py auto_migrate --phase post_deploy")
    else:
        text = _("{behind} is new as well, so let {migration} come first: swap their dependencies.")
        yield text.format(behind=", ".join(map(str, new)), migration=key)
    yield _('Or, if the new code can do without {migration}, write phase = "post_deploy" on its class.').format(
        migration=key
    )
