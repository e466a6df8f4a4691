"""Schemas that were renamed, dropped or made anew since an earlier run: what is kept of them goes along."""

from __future__ import annotations

from collections.abc import Iterable

from auto_migrate.databases.base import Database
from auto_migrate.history.journal import cut_schemas, follow_cut_schemas
from auto_migrate.history.models import BackfillRecord
from auto_migrate.history.optional_tables import has_table


def follow_renamed(database: Database) -> None:
    """Let what was cut, and backfills, be of their schemas under the names that these have now."""
    if cut_schemas(database.alias):
        follow_cut_schemas(database.alias)
    if has_table(database.alias, BackfillRecord):
        # Most have none.
        from auto_migrate.backfills.records import Backfills

        Backfills(database.alias).follow_renamed_schemas()


def forget_gone(database: Database, *, anew: Iterable[str] = ()) -> None:
    """Forget the backfills of schemas that are gone, or were made anew under their names."""
    if has_table(database.alias, BackfillRecord):
        from auto_migrate.backfills.records import Backfills

        Backfills(database.alias).forget_gone(anew)
