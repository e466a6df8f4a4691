"""Tables of the history that a database has from some time on: where they are there, and where to look again.

Probes, and runs with nothing to do, ask again and again; each query that fails is an error in the server's log, and
each look for a table costs as much as the question itself.
"""

from __future__ import annotations

import time

from django.db import connections, models
from django.db.models import BooleanField, Func, Value

from auto_migrate.history.models import have_tables

LOOK_AGAIN = 60.0
"""Seconds for which a table that was missing counts as missing."""

Key = tuple[str, str]
_present: set[Key] = set()
_missing: dict[Key, float] = {}


def has_table(database: str, model: type[models.Model]) -> bool:
    """Return whether a table is there, as far as this process has seen."""
    key = (database, model._meta.db_table)
    if key in _present:
        return True
    missing = _missing.get(key)
    if missing is not None and time.monotonic() - missing < LOOK_AGAIN:
        return False
    if have_tables(connections[database], model):
        note_made(database, model)
        return True
    _missing[key] = time.monotonic()
    return False


def presence(database: str, model: type[models.Model]) -> Func | Value:
    """Return whether a table may be there, for a query that is made anyhow; where no query can tell, it may."""
    if connections[database].vendor != "postgresql":
        return Value(True)
    table = Value(connections[database].ops.quote_name(model._meta.db_table))
    return Func(table, template="to_regclass(%(expressions)s) IS NOT NULL", output_field=BooleanField())


def may_have_table(database: str, model: type[models.Model]) -> bool:
    """Return whether a table is there, or nobody has found it missing yet; one that was is looked for each time."""
    key = (database, model._meta.db_table)
    if key in _missing and have_tables(connections[database], model):
        note_made(database, model)
    return key not in _missing


def note_missing(database: str, model: type[models.Model]) -> None:
    """Keep in mind that a table is missing, if it is."""
    if not have_tables(connections[database], model):
        _missing[database, model._meta.db_table] = time.monotonic()


def note_made(database: str, model: type[models.Model]) -> None:
    """Keep in mind that a table is there."""
    key = (database, model._meta.db_table)
    _missing.pop(key, None)
    _present.add(key)


def forget(database: str, *kinds: type[models.Model]) -> None:
    """Forget what was seen of tables, which somebody may have dropped."""
    _present.difference_update((database, kind._meta.db_table) for kind in kinds)
