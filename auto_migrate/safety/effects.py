"""What each change does to tables while it is carried out: which lock, what work under it, and who has to wait.

PostgreSQL's rules are the same from 13 to 18, and are held to what `pg_locks` and the server's messages show on 15 and
18. They hold for a table that is there already; what is done to a table that the plan itself makes holds nobody up.
"""

from __future__ import annotations

from auto_migrate.planning.changes import Change
from auto_migrate.safety import effects_mysql, effects_postgresql, effects_sqlite
from auto_migrate.safety.effect import Blocks, Effect
from auto_migrate.safety.hazard import Server

__all__ = ["Blocks", "Effect", "effects"]


def effects(change: Change, server: Server) -> tuple[Effect, ...]:
    """Give what a change does to the tables that it touches, its own first; nothing where that cannot be told."""
    if server.vendor == "postgresql":
        return tuple(effects_postgresql.effects_of(change))
    if server.vendor == "mysql":
        return tuple(effects_mysql.effects_of(change, server.version))
    return tuple(effects_sqlite.effects_of(change))
