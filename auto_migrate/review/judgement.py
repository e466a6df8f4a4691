"""The migrations of a change judged by rule alone, for those who have no database to look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.applying.online.planned_steps import step_predictor_offline
from auto_migrate.findings import Acknowledgement, Assessment
from auto_migrate.review.proposal import Proposal
from auto_migrate.safety.assessment import assess
from auto_migrate.safety.plan_assessment import configured, server_of
from auto_migrate.workload.impact import WorkloadImpact
from auto_migrate.workload.statement import Workload


def review(
    proposal: Proposal,
    connection: BaseDatabaseWrapper,
    *,
    acknowledgements: Sequence[Acknowledgement] = (),
    with_sql: bool = False,
    with_online: bool = False,
    workload: Callable[[], Workload | None] = lambda: None,
) -> Assessment:
    """Judge what a change brings; the connection is asked for nothing but what its server is.

    `with_online` tells that large tables will be changed in steps, where there are such steps. `workload` is asked for
    the statements of the running release as soon as a finding is about that release.
    """

    def impact() -> WorkloadImpact | None:
        found = workload()
        return WorkloadImpact(found) if found else None

    online = step_predictor_offline(connection) if with_online else None
    plan = list(proposal.read(connection, with_sql=with_sql, online=online))
    return assess(
        plan,
        server_of(connection),
        impact=impact,
        acknowledgements=[*acknowledgements, *configured(read.key for read in plan)],
    )
