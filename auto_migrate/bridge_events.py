"""What happens about bridges, as values like all that listeners see."""

from __future__ import annotations

from auto_migrate.events import Event
from auto_migrate.values import Bridge


class BridgesFound(Event):
    """These bridges stand, as somebody sees who only wants to see the plan; a run would now take `due` down."""

    standing: tuple[Bridge, ...]
    due: tuple[Bridge, ...]


class BridgesRaised(Event):
    """The run has raised these bridges, which stay until the old code is gone."""

    bridges: tuple[Bridge, ...]


class BridgeTakenDown(Event):
    """A bridge is gone; `ours` is false where somebody had changed or dropped it, so that it was only forgotten."""

    bridge: Bridge
    ours: bool


class BridgesTakenDown(Event):
    """These bridges of tenants' schemas are gone, each told by itself before."""

    bridges: tuple[Bridge, ...]


class BridgeKept(Event):
    """A bridge should be taken down and stays for the next run, for this reason."""

    bridge: Bridge
    reason: str
