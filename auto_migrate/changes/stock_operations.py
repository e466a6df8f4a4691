"""What of an operation may be carried out only to be looked at: what Django wrote, and never a project's own code.

An operation of a project's own kind may do anything when it is carried out: call a function that writes, open another
connection, send a mail. No guard around a connection holds that, so it is not carried out at all.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.utils.translation import gettext as _

from auto_migrate.operations import Backfill, FinishBackfill

# Told by name: importing django.contrib.postgres takes a driver that a project on another database does not have.
POSTGRES_OPERATIONS = "django.contrib.postgres.operations"
DJANGO_OPERATIONS = "django.db.migrations.operations."

# What this package ships for people's migrations.
OWN_OPERATIONS = (Backfill, FinishBackfill)
# The ways of an operation, as Django names them: carrying it out, and taking it back.
FORWARDS, BACKWARDS = "database_forwards", "database_backwards"

Way = Callable[..., Any]


def djangos_way(operation: Operation, *, backwards: bool = False) -> Way | None:
    """Return what Django wrote to carry out an operation, or what the operation is a kind of; None if it is of none."""
    name = BACKWARDS if backwards else FORWARDS
    own = (vars(kind).get(name) for kind in type(operation).__mro__ if kind is not Operation)
    return next((way for way in own if way is not None and is_djangos(way)), None)


def is_djangos(way: Way) -> bool:
    """Return whether Django wrote what an operation does, and not somebody whose function only goes by that name."""
    return is_djangos_module(way.__module__) and not hasattr(way, "__wrapped__")


def is_djangos_module(module: str) -> bool:
    """Return whether Django keeps operations of its own in a module."""
    return module.startswith(DJANGO_OPERATIONS) or module == POSTGRES_OPERATIONS


def is_of_own_kind(operation: Operation, *, backwards: bool = False) -> bool:
    """Return whether an operation is carried out in a way that neither Django nor this package wrote."""
    if type(operation) in OWN_OPERATIONS:
        return False
    # Most of Django's operations are taken back by being carried out with the states the other way round.
    ways = (FORWARDS, BACKWARDS) if backwards else (FORWARDS,)
    return not all(is_djangos(getattr(type(operation), name)) for name in ways)


def to_look_at(operation: Operation) -> Operation:
    """Return a copy that may be taken back only to be looked at: of Django's own class, if it is of a kind of one.

    Django's renaming operations change themselves while they are taken back, and others call what a project may have
    overridden.
    """
    kinds = (kind for kind in type(operation).__mro__ if kind is not Operation and is_djangos_module(kind.__module__))
    looked_at = copy.copy(operation)
    looked_at.__class__ = next(kinds, type(operation))
    return looked_at


def irreversible(operation: Operation) -> Operation | None:
    """Return what of an operation cannot be taken back, None if all can."""
    if isinstance(operation, ops.SeparateDatabaseAndState):
        # Django calls it reversible, and fails at what is within.
        return next(filter(None, map(irreversible, operation.database_operations)), None)
    # One that does not say how raises `NotImplementedError`.
    says_how = type(operation).database_backwards is not Operation.database_backwards
    return None if operation.reversible and says_how else operation


def flat(operations: Sequence[Operation]) -> Iterator[Operation]:
    """Return operations with those that stand within others."""
    for operation in operations:
        if isinstance(operation, ops.SeparateDatabaseAndState):
            yield from flat(operation.database_operations)
        else:
            yield operation


def within(
    operation: ops.SeparateDatabaseAndState, app_label: str, state: ProjectState, *, backwards: bool = False
) -> Iterator[tuple[Operation, ProjectState, ProjectState]]:
    """Return the database operations, in the order in which Django carries them out or takes them back.

    Each comes with the states that it is given. `state` is the one before the first of them.
    """
    states = [state]
    for inner in operation.database_operations:
        states.append(states[-1].clone())
        inner.state_forwards(app_label, states[-1])
    inners = list(zip(operation.database_operations, states, states[1:], strict=False))
    if backwards:
        return ((inner, after, before) for inner, before, after in reversed(inners))
    return iter(inners)


def reason_of_own_kind(operation: Operation) -> str:
    """Say why an operation is not carried out."""
    return _("{kind} is an operation of its own kind, and is not carried out only to be looked at").format(
        kind=type(operation).__qualname__
    )
