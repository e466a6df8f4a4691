"""What each change does to tables while it is carried out: which lock, what work under it, and who has to wait.

PostgreSQL's rules are the same from 14 to 18, and are held to what `pg_locks` and the server's messages show on 15 and
18. They hold for a table that is there already; what is done to a table that the plan itself makes holds nobody up.
"""

from __future__ import annotations

from auto_migrate.changes.change import Change
from auto_migrate.safety.effects import mysql_effects, postgresql_effects, sqlite_effects
from auto_migrate.safety.effects.effect import Blocks, Effect
from auto_migrate.safety.hazard import ServerFacts

__all__ = ["Blocks", "Effect", "effects"]


def effects(change: Change, server: ServerFacts) -> tuple[Effect, ...]:
    """Return what a change does to the tables that it touches, its own first; nothing where that cannot be told."""
    if server.vendor == "postgresql":
        return tuple(postgresql_effects.effects_of(change))
    if server.vendor == "mysql":
        return tuple(mysql_effects.effects_of(change, server.version))
    return tuple(sqlite_effects.effects_of(change))
