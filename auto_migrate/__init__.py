"""Brings a Django database up to date at every deploy.

`migrate` runs the whole pipeline on one database, `inspect` only compares. Both report through events and end in one of
the exceptions of `auto_migrate.exceptions`. `repeatable` marks an operation that may be carried out again after a cut,
`acknowledge` a hazard of a migration that is known and wanted.

What is a project's own plugs in by settings: listeners take what is in `auto_migrate.events`, hazards are made of what
is in `auto_migrate.hazards`. `auto_migrate.testing` is for its tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auto_migrate.version import __version__

__all__ = [
    "Goal",
    "Inspection",
    "Listener",
    "Result",
    "RunRequest",
    "SchemaState",
    "__version__",
    "acknowledge",
    "inspect",
    "migrate",
    "repeatable",
]

if TYPE_CHECKING:
    from auto_migrate.applying.operation_traits import repeatable
    from auto_migrate.events import Listener
    from auto_migrate.inspection import Inspection, inspect
    from auto_migrate.pipeline import Result, migrate
    from auto_migrate.planning.targets import Goal
    from auto_migrate.request import RunRequest
    from auto_migrate.safety.acknowledgements import acknowledge
    from auto_migrate.values import SchemaState

_HOMES = {
    "Goal": "auto_migrate.planning.targets",
    "Inspection": "auto_migrate.inspection",
    "Listener": "auto_migrate.events",
    "Result": "auto_migrate.pipeline",
    "RunRequest": "auto_migrate.request",
    "SchemaState": "auto_migrate.events",
    "acknowledge": "auto_migrate.safety.acknowledgements",
    "inspect": "auto_migrate.inspection",
    "migrate": "auto_migrate.pipeline",
    "repeatable": "auto_migrate.applying.operation_traits",
}


def __getattr__(name: str) -> Any:
    # Django imports this package before the settings are ready, and the engine needs them: load on first use (PEP 562).
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
