"""The bridges of all tenants in one run: looked up once for all schemas, raised and taken down in each."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping, Sequence

from auto_migrate.active_schema import active_schema
from auto_migrate.applying.bridges.bridge_manager import BridgeManager
from auto_migrate.applying.bridges.loosening import Wanted, wanted
from auto_migrate.bridge_events import BridgesFound, BridgesRaised, BridgesTakenDown
from auto_migrate.conf import get_settings
from auto_migrate.databases.base import Database, DeployLock, Question
from auto_migrate.emitter import Emitter
from auto_migrate.fleet.shared_plan import SharedPlan
from auto_migrate.history.bridge_ledger import BridgeLedger
from auto_migrate.planning.comparison import Comparison
from auto_migrate.planning.targets import Goal
from auto_migrate.values import Bridge, BridgeKind

# Schemas in which a default, or a trigger, stands as a bridge has it, or a column takes NULL.
ALIKE = {
    BridgeKind.DEFAULT: """
        SELECT nspname FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
        JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE nspname = ANY(%s) AND relname = %s AND attname = %s AND pg_get_expr(adbin, adrelid) = %s
    """,
    BridgeKind.FILL: """
        SELECT nspname FROM pg_trigger
        JOIN pg_class ON pg_class.oid = tgrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname = ANY(%s) AND relname = %s AND tgname = %s
    """,
    BridgeKind.NOT_NULL: """
        SELECT nspname FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname = ANY(%s) AND relname = %s AND attname = %s AND NOT attnotnull
    """,
}
# What its query asks for beside the table.
OWN: Mapping[BridgeKind, Callable[[Bridge], Sequence[str]]] = {
    BridgeKind.DEFAULT: lambda bridge: (bridge.column, bridge.definition),
    BridgeKind.FILL: lambda bridge: (bridge.name,),
    BridgeKind.NOT_NULL: lambda bridge: (bridge.column,),
}
PRESENT = "SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)"


class SchemaBridges:
    """Gives each schema the keeper of its bridges, and tells of those of all schemas together."""

    def __init__(self, database: Database, goal: Goal) -> None:
        self.database = database
        self.goal = goal
        self.ledger = BridgeLedger(database.alias)
        self.before: Mapping[str, Sequence[Bridge]] = {}
        # Schemas whose bridges may be others by now than those that were there before.
        self.begun: set[str] = set()
        # Functions of whose names nobody has made any, in whatever schema.
        self.harmless: set[frozenset[str]] = set()
        self.mutex = threading.Lock()
        # What waits for the deploy, by the plan of which it was read.
        self.late: dict[int, tuple[Comparison, list[Wanted]]] = {}

    def look(self, records: Mapping[str, str]) -> None:
        """Look up what stands in the schemas of all tenants, by the digests of their `records`, copies included.

        What stood in one that is gone is forgotten; in one that is no tenant's it stands until it is one's again.
        """
        found = self._by_schema()
        if names := [name for name in found if name]:
            present = {name for (name,) in self.database.ask(Question(PRESENT, [names]))}
            self.ledger.forget_schemas(set(names).difference(present))
            self._note_copies([bridge for bridge in self._all(found) if bridge.schema in records], records)
            found = self._by_schema()
        self.before = found

    def _note_copies(self, standing: Sequence[Bridge], records: Mapping[str, str]) -> None:
        """Note what stands in schemas that were made as copies of another, in which nobody has raised it.

        Where another record says so, the same may be the schema's own: a later migration sets the default for good.
        """
        known: dict[Bridge, list[Bridge]] = {}
        for bridge in standing:
            if bridge.kind in ALIKE:
                alike = dataclasses.replace(place_of(bridge), schema="", definition=bridge.definition)
                known.setdefault(alike, []).append(bridge)
        for alike, bridges in known.items():
            own = OWN[alike.kind](alike)
            having = {bridge.schema for bridge in bridges}
            alike_records = {records[schema] for schema in having if schema in records}
            others = sorted(name for name, digest in records.items() if name not in having and digest in alike_records)
            for (name,) in self.database.ask(Question(ALIKE[alike.kind], [others, alike.table, *own])):
                self.ledger.copy(bridges[0], name)

    def expect(self, plans: Sequence[SharedPlan]) -> None:
        """Make sure that there is a table for what plans may raise."""
        if get_settings().BRIDGES and any(plan.comparison.plan or plan.comparison.deferred for plan in plans):
            self.ledger.ensure_table()

    def keeper(self, database: Database, plan: SharedPlan, lock: DeployLock, emit: Emitter) -> BridgeManager:
        """Return what keeps the bridges of the schema that this thread works in."""
        schema = active_schema()
        known = None if schema in self.begun else tuple(self.before.get(schema, ()))
        self.begun.add(schema)
        comparison = plan.comparison
        # Nobody uses a schema yet in which nothing is recorded.
        in_use = plan.group.has_record and bool(comparison.recorded)
        return BridgeManager(
            database,
            comparison,
            self.goal,
            in_use=in_use,
            lock=lock,
            emit=emit,
            standing=known,
            harmless=self.harmless,
        )

    def late_of(self, database: Database, plan: SharedPlan) -> list[Wanted]:
        """Return what the schemas of one plan loosen for migrations that wait for the deploy, read once."""
        with self.mutex:
            if id(plan.comparison) not in self.late:
                self.late[id(plan.comparison)] = plan.comparison, list(wanted(database, plan.comparison))
            return self.late[id(plan.comparison)][1]

    def tell(self, emit: Emitter) -> None:
        """Report what the run has raised, taken down and left, of all schemas at once."""
        places = {place_of(bridge) for bridge in self._all(self.before)}
        after = self._all(self._by_schema())
        left = {place_of(bridge) for bridge in after}
        if gone := tuple(bridge for bridge in self._all(self.before) if place_of(bridge) not in left):
            emit(BridgesTakenDown(gone))
        if raised := tuple(bridge for bridge in after if place_of(bridge) not in places):
            emit(BridgesRaised(raised))
        if kept := tuple(bridge for bridge in after if place_of(bridge) in places):
            emit(BridgesFound(kept, ()))

    def _by_schema(self) -> dict[str, list[Bridge]]:
        found: dict[str, list[Bridge]] = {}
        for bridge in self.ledger.everywhere():
            found.setdefault(bridge.schema, []).append(bridge)
        return found

    def _all(self, found: Mapping[str, Sequence[Bridge]]) -> list[Bridge]:
        return [bridge for schema, bridges in found.items() if schema for bridge in bridges]


def place_of(bridge: Bridge) -> Bridge:
    """Return what a bridge is, whatever has been noted of it since."""
    return dataclasses.replace(bridge, definition="", raised_at=None, released_at=None, released_as="")
