"""What on a PostgreSQL server a backfill waits for: replicas, WAL to be archived, vacuum and old transactions.

A role without `pg_monitor` sees that a replica is connected and not where it is, and sees the locks of all sessions and
not since when they have them. So positions come from a replication slot where they are hidden, and ages are measured
from when a transaction was first seen. What is hidden nevertheless is told by `UnreadableSignal`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext as _

# Bytes of WAL that may wait to be archived.
ARCHIVE_BACKLOG = 1024**3

# A base backup that is being taken is no replica. `position` is how far one has replayed, or received what it will.
REPLICAS = """
    SELECT coalesce(nullif(client.application_name, ''), client.pid::text), client.state IS NULL,
           pg_wal_lsn_diff(
               coalesce(client.replay_lsn, client.flush_lsn, client.write_lsn, slot.restart_lsn), '0/0'
           )
    FROM pg_stat_replication AS client LEFT JOIN pg_replication_slots AS slot ON slot.active_pid = client.pid
    WHERE client.state IS DISTINCT FROM 'backup'
    UNION ALL
    SELECT slot_name, false, pg_wal_lsn_diff(restart_lsn, '0/0') FROM pg_replication_slots
    WHERE NOT active AND NOT temporary AND restart_lsn IS NOT NULL AND wal_status IS DISTINCT FROM 'lost'
"""
POSITION = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"
REPLAYED = "SELECT pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0') WHERE pg_is_in_recovery()"
ARCHIVER = """
    SELECT last_archived_wal, pg_size_bytes(current_setting('wal_segment_size')),
           pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')
    FROM pg_stat_archiver WHERE current_setting('archive_mode') <> 'off'
"""
# VACUUM and ANALYZE hold this lock, and whoever changes the table without holding others up. Whose process it is may be
# hidden; the locks are not.
HELD = """
    SELECT held.pid, held.virtualtransaction, bool_or(held.mode = 'ShareUpdateExclusiveLock'),
           max(extract(epoch FROM clock_timestamp() - activity.xact_start))::float8,
           coalesce(max(activity.application_name), '')
    FROM pg_locks AS held LEFT JOIN pg_stat_activity AS activity USING (pid)
    WHERE held.locktype = 'relation' AND held.granted AND held.relation = to_regclass(%s)
      AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND held.pid IS DISTINCT FROM pg_backend_pid()
    GROUP BY held.pid, held.virtualtransaction
"""


class UnreadableSignal(Exception):
    """A signal that is there and cannot be read; the text says what would let it be."""


class Congestion:
    """Asks one server over one connection."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        # Transactions that hold the table → when each was first seen.
        self._seen: dict[tuple[Any, str], float] = {}
        self._archived: int | None = None
        # The table that was asked about last, when that was, and who held it.
        self._held: tuple[str, float, list[tuple[Any, ...]]] | None = None

    def replicas(self) -> dict[str, int | None]:
        """Return the place in the log that each replica and each slot without a client has reached."""
        found = self._rows(REPLICAS)
        hidden = [str(name) for name, is_hidden, position in found if is_hidden and position is None]
        if hidden:
            raise UnreadableSignal(_("where the replica {name} is, is hidden from this role").format(name=hidden[0]))
        return {str(name): None if position is None else int(position) for name, _hidden, position in found}

    def position(self) -> int:
        """Return the place in the log that the server itself has reached."""
        return int(self._rows(POSITION)[0][0])

    def replayed(self) -> int:
        """Return the place in the log that this server has replayed, which is a replica; raise where it is none."""
        for (position,) in self._rows(REPLAYED):
            return int(position or 0)
        raise UnreadableSignal(_("it is no standby"))

    def archive_backlog(self) -> int:
        """Return the bytes of WAL that wait to be archived; 0 where none is."""
        for name, segment, position in self._rows(ARCHIVER):
            archived = end_of_segment(str(name or ""), int(segment))
            # Names of other files than segments come in between, and before the first one nothing is known.
            self._archived = archived or self._archived or int(position)
            return max(0, int(position) - self._archived - int(segment))
        return 0

    def users(self, table: str, now: float) -> Iterator[tuple[str, bool, float]]:
        """Return who else holds a table: name, whether it is as VACUUM does, and the age in seconds."""
        if self._held is None or self._held[:2] != (table, now):
            self._held = table, now, self._rows(HELD, [table])
        found = self._held[2]
        self._seen = {key: self._seen.get(key, now) for key in ((pid, number) for pid, number, *_rest in found)}
        for pid, number, as_vacuum, age, application in found:
            who = _("{application} (pid {pid})").format(application=application, pid=pid) if application else f"{pid}"
            yield who, bool(as_vacuum), max(age or 0.0, now - self._seen[pid, number])

    def _rows(self, sql: str, params: list[Any] | None = None) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params)
            return list(cursor.fetchall())


def end_of_segment(name: str, size: int) -> int | None:
    """Return where a segment of WAL ends, in bytes from the beginning of the log; None for what is no segment."""
    if not re.fullmatch(r"[0-9A-F]{24}", name):
        return None
    return (int(name[8:16], 16) << 32) + (int(name[16:], 16) + 1) * size
