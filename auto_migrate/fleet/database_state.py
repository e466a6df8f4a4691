"""How a whole database stands, its tenants included, for whoever only asks: `quick_state` with all schemas in it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

from django.core.signals import setting_changed
from django.db import connections

from auto_migrate.databases import adapter_for
from auto_migrate.databases.base import Database
from auto_migrate.databases.options import asking
from auto_migrate.databases.postgresql.tenant_makers import being_made
from auto_migrate.exceptions import TransientError
from auto_migrate.fleet.inventory import Group, representative_of, take_inventory
from auto_migrate.history.journal import cut_schemas
from auto_migrate.history.store import History
from auto_migrate.planning.schema_state import QuickState, needs, quick_state, recorded_rows, state_of
from auto_migrate.tenancy import Tenancy, tenancy_of
from auto_migrate.values import Node, SchemaState, TenantsState

# How old it may be, in seconds, that all tenants were found well: every instance of a service asks every few seconds.
TENANTS_FRESH = 10.0
# How bad it is for the whole if one schema is so.
WORST = (SchemaState.UP_TO_DATE, SchemaState.AHEAD, SchemaState.BEHIND, SchemaState.DIVERGED)

# Answers about a record depend on what it names alone: alias, digest and type of tenant → the answer.
_answers: dict[tuple[str, str, str], QuickState] = {}
# Alias → when all schemas were found well, and how.
_seen: dict[str, tuple[float, TenantsState]] = {}


def whole_state(database: str = "default", *, age: float = 0.0) -> QuickState:
    """Return the state of a database with all of its schemas.

    That all tenants are well may have been found up to `age` seconds ago: of many it is a question of some weight.
    Raise `DatabaseUnreachable` or `DatabaseRefused` if the database cannot be asked, `TenantsUnknown` if nobody knows
    which tenants there are.
    """
    tenancy = tenancy_of(database)
    if tenancy is None:
        return quick_state(database)
    with tenancy.in_public():
        shared = quick_state(database)
        asked, known = _seen.get(database, (0.0, None))
        if known is not None and time.monotonic() - asked < age:
            tenants = dataclasses.replace(known, shared=shared.state)
            state = worst(shared.state, *known.states.values())
            return dataclasses.replace(shared, state=state, tenants=tenants)
        adapter = adapter_for(database)
        try:
            with asking(adapter):
                tenants = tenants_state(adapter, tenancy)
        except TransientError as fault:
            raise adapter.unreachable(fault) from fault
    found = dataclasses.replace(
        shared,
        state=worst(shared.state, *tenants.states.values()),
        pending=max([shared.pending, *tenants.pending.values()]),
        tenants=dataclasses.replace(tenants, shared=shared.state),
    )
    if not tenants.pending:
        _seen[database] = (time.monotonic(), tenants)
    else:
        _seen.pop(database, None)
    return found


def recorded_everywhere(database: str) -> Sequence[Node]:
    """Return what is recorded, as fingerprints take it: the rows, or of tenants which records there are."""
    if (tenancy := tenancy_of(database)) is None:
        return recorded_rows(connections[database])
    with tenancy.in_public():
        return take_inventory(tenancy).recorded


def tenants_state(database: Database, tenancy: Tenancy) -> TenantsState:
    """Return how all tenants stand."""
    inventory = take_inventory(tenancy)
    states, pending = dict[str, SchemaState](), dict[str, int]()
    for group in inventory.groups:
        found = state_of_group(database, tenancy, group)
        states.update(dict.fromkeys(group.names, found.state))
        if found.state in {SchemaState.BEHIND, SchemaState.DIVERGED}:
            pending.update(dict.fromkeys(group.names, found.pending))
    for name in cut_schemas(database.alias, needs().known).intersection(states) if states else ():
        states[name] = SchemaState.BEHIND
        pending.setdefault(name, 1)
    for name in being_made(database.connection, pending) if pending else ():
        # Nobody uses it yet, and a customer who signs up must not take a service out of rotation.
        del states[name], pending[name]
    failed = History(database.alias).failed_schemas(pending) if pending else frozenset()
    return TenantsState(inventory.total, states, pending, failed, inventory.unprovisioned)


def state_of_group(database: Database, tenancy: Tenancy, group: Group) -> QuickState:
    """Return the state of all schemas with the same record, which is looked up once a process."""
    if not group.has_record:
        return QuickState(SchemaState.BEHIND, len(needs().nodes))
    tenant = group.tenants[0]
    key = (database.alias, group.digest, tenant.kind)
    if key not in _answers:
        with representative_of(tenancy, group) as recorded:
            if recorded is None:
                # Somebody is at work on all of them, and whoever asks again will know.
                return QuickState(SchemaState.BEHIND, 1)
            _answers[key] = state_of(database.connection, recorded)
    return _answers[key]


def worst(*states: SchemaState) -> SchemaState:
    """Return the state of a whole by those of its parts."""
    return max(states, key=WORST.index)


def _forget(**_: Any) -> None:
    _answers.clear()
    _seen.clear()


setting_changed.connect(_forget, dispatch_uid="auto_migrate.fleet.database_state")
