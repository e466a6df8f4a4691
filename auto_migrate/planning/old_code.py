"""What proves that the code is gone for which a bridge was raised.

A release step that succeeded lets its release come out. Its bridges are needed until the last process of the release
before has ended, and nobody can ask for that. So a bridge falls after the deploy, by whoever says that it is over; or
at a release step of yet another release, `POST_DEPLOY_DELAY` seconds later at the earliest: platforms begin a deploy
when the one before has ended. The same release may run its step on each of its pods, for as long as they roll out.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterable

from django.db import connections
from django.utils import timezone

from auto_migrate.conf import get_settings
from auto_migrate.history.bridge_ledger import BridgeLedger
from auto_migrate.history.store import RELEASE_LENGTH
from auto_migrate.phases.phase import Phase
from auto_migrate.planning.comparison import Comparison
from auto_migrate.planning.fingerprint import code_of_process
from auto_migrate.planning.schema_state import known_nodes, needs, recorded_rows
from auto_migrate.planning.targets import Goal
from auto_migrate.values import BRIDGED_VENDORS, LOOSENED, Bridge, Node, ValueObject


def release_of_code(database: str) -> str:
    """Name the code of this process: its release, or a digest of what its migrations and models are made from."""
    if release := get_settings().release:
        return release[:RELEASE_LENGTH]
    code = code_of_process(database)
    # Each alone may be the same in both.
    return f"code {code.schema.hex()}{code.receivers.hex()}"[:RELEASE_LENGTH] if code is not None else ""


def note_release(database: str) -> None:
    """Note of the bridges that stand that the code for which they were raised is out: its release step succeeded."""
    if connections[database].vendor not in BRIDGED_VENDORS:
        return
    ledger = BridgeLedger(database)
    if any(bridge.released_at is None for bridge in ledger.everywhere()):
        ledger.note_release(timezone.now(), release_of_code(database))


def waits_for_run(database: str, goal: Goal, tenants: Callable[[], Collection[str]] = frozenset) -> bool:
    """Return whether a run with this goal has to say or do something about the bridges that stand.

    What stands in the schema of nobody waits until its tenant is there again: `tenants` gives the names of all.
    """
    bridges = BridgeLedger(database).everywhere() if connections[database].vendor in BRIDGED_VENDORS else ()
    if not bridges:
        return False
    recorded = frozenset(recorded_rows(connections[database]))
    verdict = judge_bridges(database, bridges, goal, known=needs().known, recorded=recorded)
    schemas = {bridge.schema for bridge in (*verdict.due, *verdict.early)}
    return "" in schemas or bool(schemas and schemas.intersection(tenants()))


class BridgeVerdict(ValueObject):
    """What a run may do about the bridges that stand: which to take down, and which of them when the delay is over."""

    due: tuple[Bridge, ...]
    early: tuple[Bridge, ...]


def judge_bridges(
    database: str, bridges: Iterable[Bridge], goal: Goal, *, known: Collection[Node], recorded: Collection[Node]
) -> BridgeVerdict:
    """Say which bridges a run with this goal may take down; `known` are the migrations that its code has."""
    release, now, anywhere = release_of_code(database), timezone.now(), {*known, *recorded}
    mine = [
        bridge
        for bridge in bridges
        if is_due(bridge, goal, known=known, release=release) or is_abandoned(bridge, goal, anywhere)
    ]
    early = [bridge for bridge in mine if goal.phase is not Phase.POST_DEPLOY and seconds_left(bridge, now) > 0]
    return BridgeVerdict(tuple(bridge for bridge in mine if bridge not in early), tuple(early))


def judge_for(database: str, bridges: Iterable[Bridge], comparison: Comparison, goal: Goal) -> BridgeVerdict:
    """Say the same of a run that has compared code and database."""
    return judge_bridges(database, bridges, goal, known=known_nodes(comparison.loader), recorded=comparison.recorded)


def is_due(bridge: Bridge, goal: Goal, *, known: Collection[Node], release: str) -> bool:
    """Return whether a run of a release that has the migrations `known` comes after the one that needs a bridge."""
    # An older release, which needs them, may have come back; and what is loosened goes with its migration.
    if node_of(bridge) not in known or bridge.kind in LOOSENED:
        return False
    if bridge.released_at is None or not goal.is_whole or goal.phase is Phase.PRE_DEPLOY:
        return False
    return goal.phase is Phase.POST_DEPLOY or release not in {"", bridge.released_as}


def is_abandoned(bridge: Bridge, goal: Goal, known: Collection[Node]) -> bool:
    """Return whether what was loosened is to be put back: no migration waits for it any more, in code nor record."""
    after_deploy = goal.phase is Phase.POST_DEPLOY and goal.is_whole and bridge.released_at is not None
    return after_deploy and bridge.kind in LOOSENED and node_of(bridge) not in known


def node_of(bridge: Bridge) -> Node:
    """Return the migration for which a bridge was raised, as the graph names it."""
    return bridge.migration.app_label, bridge.migration.name


def seconds_left(bridge: Bridge, now: datetime.datetime) -> float:
    """Return how long code from before may still be at work, by the time that a deploy is given."""
    since = (now - bridge.released_at).total_seconds() if bridge.released_at else 0.0
    return get_settings().POST_DEPLOY_DELAY - since
