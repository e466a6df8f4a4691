"""Operations for the migrations of projects: `from auto_migrate.operations import Backfill, FinishBackfill`."""

from auto_migrate.operations.backfill import Backfill
from auto_migrate.operations.finish_backfill import FinishBackfill

__all__ = ["Backfill", "FinishBackfill"]
