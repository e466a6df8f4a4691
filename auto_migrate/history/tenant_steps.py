"""The steps of a run in one tenant's schema, planned in one round trip: each of thousands of schemas pays for it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.active_schema import active_schema
from auto_migrate.history.models import RunRecord, StepRecord
from auto_migrate.values import MigrationKey, StepStatus

# Of an earlier attempt, what it finished or has in its journal stays.
FORGET = """
    WITH gone AS (
        DELETE FROM {steps} WHERE run_id = %s AND schema_name = %s AND status <> ALL (%s)
        AND operations_done = 0 AND operation_started IS NULL RETURNING 1
    )
    UPDATE {runs} SET total = total - (SELECT count(*) FROM gone) WHERE id = %s AND EXISTS (SELECT FROM gone)
"""
# What is planned here comes on top of what other schemas need.
PLAN = """
    WITH kept AS (SELECT app_label, name FROM {steps} WHERE run_id = %s AND schema_name = %s),
    planned AS (
        INSERT INTO {steps} (run_id, position, app_label, name, schema_name, backwards, status)
        SELECT %s, (SELECT count(*) FROM kept) + row_number() OVER (ORDER BY place), app_label, name, %s, %s, %s
        FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS wanted(app_label, name, place)
        WHERE NOT EXISTS (SELECT FROM kept WHERE (kept.app_label, kept.name) = (wanted.app_label, wanted.name))
        RETURNING 1
    )
    UPDATE {runs} SET total = COALESCE(total, 0) + (SELECT count(*) FROM planned) WHERE id = %s
"""


def plan_here(
    connection: BaseDatabaseWrapper, run_id: uuid.UUID, migrations: Sequence[MigrationKey], *, backwards: bool
) -> None:
    """Record what a run is about to do in the schema that this thread works in."""
    schema, done = active_schema(), [StepStatus.APPLIED.value, StepStatus.UNAPPLIED.value]
    labels, names = [key.app_label for key in migrations], [key.name for key in migrations]
    new = [run_id, schema, backwards, StepStatus.PENDING.value, labels, names, run_id]
    quote, compose = connection.ops.quote_name, connection.ops.compose_sql  # type: ignore[attr-defined] # PostgreSQL's
    tables = {"steps": quote(StepRecord._meta.db_table), "runs": quote(RunRecord._meta.db_table)}
    statements = (
        compose(FORGET.format(**tables), [run_id, schema, done, run_id]),
        compose(PLAN.format(**tables), [run_id, schema, *new]),
    )
    with connection.cursor() as cursor:
        cursor.execute("; ".join(statements))
