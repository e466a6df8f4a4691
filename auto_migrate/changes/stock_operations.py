"""What of an operation may be carried out only to be looked at: what Django wrote, and never a project's own code.

An operation of a project's own kind may do anything when it is carried out: call a function that writes, open another
connection, send a mail. No guard around a connection holds that, so it is not carried out at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.migrations.operations.base import Operation
from django.utils.translation import gettext as _

from auto_migrate.operations import Backfill, FinishBackfill

# Told by name: importing django.contrib.postgres takes a driver that a project on another database does not have.
POSTGRES_OPERATIONS = "django.contrib.postgres.operations"
DJANGO_OPERATIONS = "django.db.migrations.operations."

# What this package ships for people's migrations.
OWN_OPERATIONS = (Backfill, FinishBackfill)

Forwards = Callable[..., Any]


def djangos_forwards(operation: Operation) -> Forwards | None:
    """Return what Django wrote to carry out an operation, or what the operation is a kind of; None if it is of none."""
    own = (vars(kind).get("database_forwards") for kind in type(operation).__mro__ if kind is not Operation)
    return next((forwards for forwards in own if forwards is not None and is_djangos(forwards)), None)


def is_djangos(forwards: Forwards) -> bool:
    """Return whether Django wrote what an operation does, and not somebody whose function only goes by that name."""
    module = forwards.__module__
    written_there = module.startswith(DJANGO_OPERATIONS) or module == POSTGRES_OPERATIONS
    return written_there and not hasattr(forwards, "__wrapped__")


def is_of_own_kind(operation: Operation) -> bool:
    """Return whether an operation is carried out in a way that neither Django nor this package wrote."""
    return type(operation) not in OWN_OPERATIONS and not is_djangos(type(operation).database_forwards)


def reason_of_own_kind(operation: Operation) -> str:
    """Say why an operation is not carried out."""
    return _("{kind} is an operation of its own kind, and is not carried out only to be looked at").format(
        kind=type(operation).__qualname__
    )
