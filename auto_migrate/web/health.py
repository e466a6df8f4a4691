"""How the service is, told within the five seconds that platforms give a probe.

Everything asked here may hang: a network that swallows packets, a server that was suspended, a check of the project's
own. So each question is asked in a thread and all of them share one deadline.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
import logging
import time
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils.module_loading import import_string

from auto_migrate.conf import get_settings
from auto_migrate.events import SchemaState
from auto_migrate.exceptions import DatabaseRefused, DatabaseUnreachable
from auto_migrate.planning.state import QuickState, quick_state
from auto_migrate.web import bounded

logger = logging.getLogger("auto_migrate.web")

# Render and Fly give a probe 5 seconds by default; the rest is for the way there and back.
BUDGET = 4.0


class Health(enum.StrEnum):
    """How well the service does."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


SEVERITY = list(Health)


@dataclasses.dataclass(frozen=True)
class DatabaseReport:
    """What the database answered; `schema` is None if it did not."""

    status: str
    vendor: str
    schema: QuickState | None = None

    @property
    def health(self) -> Health:
        """Unhealthy if the database is away, degraded if its schema is not the one that this code needs."""
        if self.schema is None:
            return Health.UNHEALTHY
        fits = self.schema.state in {SchemaState.UP_TO_DATE, SchemaState.AHEAD}
        return Health.HEALTHY if fits else Health.DEGRADED


class DatabaseQuestion:
    """One look at the database, by a thread that borrows this thread's connection.

    A connection of its own would be one more to make for every probe, and none may be left to make.
    """

    def __init__(self, alias: str = DEFAULT_DB_ALIAS) -> None:
        self.alias = alias
        self.connection = connections[alias]
        self.lent = self.given_up = False
        self.answer: Future[QuickState] = bounded.begin(("database", alias), self._ask)

    def _ask(self) -> QuickState:
        self.lent = True
        self.connection.inc_thread_sharing()
        connections[self.alias] = self.connection
        try:
            return quick_state(self.alias)
        finally:
            if self.given_up:
                self.connection.close()
            self.connection.dec_thread_sharing()

    def report(self, deadline: float) -> DatabaseReport:
        """Give what the database answered until `deadline`, a time of the monotonic clock."""
        vendor = self.connection.vendor
        try:
            return DatabaseReport("connected", vendor, self.answer.result(_left(deadline)))
        except TimeoutError:
            self._give_up()
            return DatabaseReport("timeout", vendor)
        except DatabaseUnreachable as error:
            logger.warning("Health: %s", error)
            return DatabaseReport("unreachable", vendor)
        except DatabaseRefused as error:
            logger.warning("Health: %s", error)
            return DatabaseReport("refused", vendor)
        except Exception:
            logger.exception("Health: the database cannot be asked")
            return DatabaseReport("error", vendor)

    def _give_up(self) -> None:
        # The thread still waits on that connection: this one must not touch it again, and gets another when it asks.
        if self.lent:
            self.given_up = True
            del connections[self.alias]


def database_report() -> DatabaseReport:
    """Look at the database, and give up in time."""
    return DatabaseQuestion().report(time.monotonic() + BUDGET)


def service_report() -> tuple[DatabaseReport, dict[str, dict[str, Any]]]:
    """Look at the database and at everything that the project registered, all at the same time."""
    deadline = time.monotonic() + BUDGET
    begun = {
        name: bounded.begin(("check", name, path), functools.partial(_run_check, path))
        for name, path in get_settings().HEALTH_CHECKS.items()
    }
    # Nothing may come between the two halves of the next line: until the answer is there, the connection is lent.
    database = DatabaseQuestion().report(deadline)
    return database, {name: _check_report(name, answer, deadline) for name, answer in begun.items()}


def overall(database: DatabaseReport, checks: Mapping[str, Mapping[str, Any]]) -> Health:
    """Give the worst of all."""
    return max([database.health, *(Health(check["status"]) for check in checks.values())], key=SEVERITY.index)


def _run_check(path: str) -> dict[str, Any]:
    """Call the project's function in this thread, which ends with it: leave no connection behind."""
    try:
        found = import_string(path)()
        return dict(json.loads(json.dumps(found, cls=DjangoJSONEncoder)))
    finally:
        connections.close_all()


def _check_report(name: str, answer: Future[dict[str, Any]], deadline: float) -> dict[str, Any]:
    try:
        found = answer.result(_left(deadline))
    except TimeoutError:
        return {"status": Health.DEGRADED, "error": "timeout"}
    except Exception as error:
        # The text may name hosts or hold secrets, and anybody may ask.
        logger.exception("The health check %r failed", name)
        return {"status": Health.DEGRADED, "error": type(error).__name__}
    status = found.get("status", Health.HEALTHY)
    return {**found, "status": status if status in SEVERITY else Health.DEGRADED}


def _left(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())
