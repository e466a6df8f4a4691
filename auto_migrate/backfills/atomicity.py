"""Which migrations commit batch by batch, and so cannot be one transaction whatever they say."""

from __future__ import annotations

from django.db.migrations.migration import Migration


def is_in_batches(operation: object) -> bool:
    """Return whether an operation, or one within it, commits batch by batch and so fits into no transaction."""
    inner = getattr(operation, "database_operations", ())
    return bool(getattr(operation, "in_batches", False)) or any(map(is_in_batches, inner))


def is_atomic(migration: Migration) -> bool:
    """Return whether a migration is to be one transaction, as far as the database can."""
    return bool(migration.atomic) and not any(map(is_in_batches, migration.operations))
