"""What a database looks like between two statements: its tables and indexes, and the locks that a session has."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any

from auto_migrate.rehearsal.rehearsal_events import TakenLock

# `pg_locks.mode`, weakest first; the numbers are those of `databases.table_locks.Mode`.
MODES = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)

# Temporary tables and the catalogue are nobody else's business. What statistics count is on its way from the session
# (`xact`) to the server: the sum of both only grows.
RELATIONS = """
    SELECT class.oid, owner.oid, class.relfilenode,
           CASE WHEN pg_table_is_visible(owner.oid) THEN owner.relname ELSE schema.nspname || '.' || owner.relname END,
           class.relname, class.relkind::text,
           pg_stat_get_numscans(class.oid) + pg_stat_get_xact_numscans(class.oid),
           pg_stat_get_tuples_returned(class.oid) + pg_stat_get_xact_tuples_returned(class.oid)
    FROM pg_class AS class
    LEFT JOIN pg_index AS index ON index.indexrelid = class.oid
    JOIN pg_class AS owner ON owner.oid = coalesce(index.indrelid, class.oid)
    JOIN pg_namespace AS schema ON schema.oid = owner.relnamespace
    WHERE schema.nspname !~ '^pg_' AND schema.nspname <> 'information_schema'
      AND class.relkind IN ('r', 'p', 'm', 'i', 'I')
"""
# What a statement waits for it has asked for, too.
LOCKS = """
    SELECT relation, mode, granted FROM pg_locks
    WHERE pid = coalesce(%s, pg_backend_pid()) AND (NOT granted OR locktype = 'relation'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""

Lock = tuple[int, str]


@dataclasses.dataclass(frozen=True)
class Relation:
    """A table or an index (`owner` is its table), where its rows are, and how often they were read through."""

    oid: int
    owner: int
    filenode: int
    table: str
    name: str
    kind: str
    scans: int
    rows_read: int

    @property
    def is_index(self) -> bool:
        """Return an index from a table."""
        return self.kind in {"i", "I"}


Relations = Mapping[int, Relation]


def relations(cursor: Any) -> dict[int, Relation]:
    """Look at all tables and indexes, by a cursor of the driver's own."""
    cursor.execute(RELATIONS)
    return {row[0]: Relation(*row) for row in cursor.fetchall()}


def locks_of(cursor: Any, pid: int | None = None) -> tuple[set[Lock], bool]:
    """Return the locks on relations that a session (None: this one) has or waits for, and whether it waits at all."""
    cursor.execute(LOCKS, [pid])
    rows = cursor.fetchall()
    return {(oid, mode) for oid, mode, _granted in rows if oid}, not all(granted for _oid, _mode, granted in rows)


def named(locks: Iterable[Lock], known: Relations) -> tuple[TakenLock, ...]:
    """Return the strongest lock on each of the known relations, tables before their indexes."""
    strongest: dict[int, str] = {}
    for oid, mode in locks:
        if oid in known and strength(mode) > strength(strongest.get(oid, "")):
            strongest[oid] = mode
    found = (
        TakenLock(known[oid].table, known[oid].name if known[oid].is_index else "", words(mode))
        for oid, mode in strongest.items()
    )
    return tuple(sorted(found, key=dataclasses.astuple))


def strength(mode: str) -> int:
    """Return a lock mode's place in the order, 0 for none; as `pg_locks` or `LOCK TABLE` spells it."""
    spelled = f"{mode.title().replace(' ', '')}Lock" if " " in mode or mode.isupper() else mode
    return MODES.index(spelled) + 1 if spelled in MODES else 0


def words(mode: str) -> str:
    """Spell a lock mode as `LOCK TABLE` does: ACCESS EXCLUSIVE."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", mode.removesuffix("Lock")).upper()


def rewritten(before: Relations, after: Relations, *, indexes: bool) -> tuple[str, ...]:
    """Name the tables, or the indexes, whose rows lie in another file than before."""
    pairs = ((old, after[oid]) for oid, old in before.items() if oid in after and old.is_index is indexes)
    return tuple(sorted(old.name if indexes else old.table for old, new in pairs if old.filenode != new.filenode))


def scanned(before: Relations, after: Relations, *, by_index: bool) -> dict[str, int]:
    """Return the tables that were read through, with the number of rows that were.

    A foreign key that is validated reads both its tables, and with `by_index` it may do so in the order of an index.
    """
    found: dict[str, int] = {}
    for oid, old in sorted(before.items(), key=lambda item: (item[1].table, item[1].is_index)):
        new = after.get(oid)
        if new and new.scans > old.scans and (by_index or not old.is_index):
            found[old.table] = max(found.get(old.table, 0), new.rows_read - old.rows_read)
    return found


def mentioned(statement: str, known: Relations) -> list[int]:
    """Return the tables of which a statement mentions the name or that of an index."""
    mentioned = set(re.findall(r"[\w$]+", statement))
    owners = {one.owner for one in known.values() if mentioned & {one.name, one.table.rpartition(".")[2]}}
    return sorted(oid for oid in owners if oid in known and known[oid].kind in {"r", "p"})
