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
from collections.abc import Mapping
from concurrent.futures import Future
from time import monotonic
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.module_loading import import_string

from auto_migrate.conf import get_settings
from auto_migrate.events import SchemaState
from auto_migrate.exceptions import DatabaseRefused, DatabaseUnreachable
from auto_migrate.planning.state import QuickState, quick_state
from auto_migrate.web import bounded, lending

logger = logging.getLogger("auto_migrate.web")

# Render and Fly give a probe 5 seconds by default; the rest is for the way there and back.
BUDGET = 4.0
# How old good news may be, in seconds; bad news is never kept.
FRESH = 1.0
GOOD = frozenset({SchemaState.UP_TO_DATE, SchemaState.AHEAD})

# Alias → when the database was asked, and what it answered.
_news: dict[str, tuple[float, QuickState]] = {}


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
        return Health.HEALTHY if self.schema.state in GOOD else Health.DEGRADED


def fresh_news(alias: str) -> QuickState | None:
    """Give what the database answered less than a second ago, if that was good."""
    asked, state = _news.get(alias, (0.0, None))
    return state if monotonic() - asked < FRESH else None


def forget() -> None:
    """Forget the last answer and how it was had, as tests must that change the database behind our back."""
    _news.clear()
    lending.forget()


class DatabaseQuestion:
    """One look at the database, by a thread that is lent a connection."""

    def __init__(self, alias: str = DEFAULT_DB_ALIAS) -> None:
        self.alias = alias
        self.connection = connections[alias]
        self.lent: BaseDatabaseWrapper | None = None
        self.given_up = False
        self.answer: Future[QuickState] = bounded.begin(("database", alias), self._ask)

    def _ask(self) -> QuickState:
        # Whoever waited for the thread that asked before this one needs not ask again.
        return fresh_news(self.alias) or self._ask_over(lending.choose(self.connection))

    def _ask_over(self, connection: BaseDatabaseWrapper) -> QuickState:
        self.lent = connection
        connection.inc_thread_sharing()
        connections[self.alias] = connection
        asked = monotonic()
        try:
            state = quick_state(self.alias)
        finally:
            if self.given_up:
                connection.close()
            connection.dec_thread_sharing()
        lending.note_served(connection)
        if state.state in GOOD:
            _news[self.alias] = (asked, state)
        return state

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
        if self.lent is not None:
            self.given_up = True
        if self.lent is self.connection:
            del connections[self.alias]


def database_report() -> DatabaseReport:
    """Look at the database and give up in time, or know its last answer to be fresh."""
    if state := fresh_news(DEFAULT_DB_ALIAS):
        return DatabaseReport("connected", connections[DEFAULT_DB_ALIAS].vendor, state)
    return DatabaseQuestion().report(monotonic() + BUDGET)


def service_report() -> tuple[DatabaseReport, dict[str, dict[str, Any]]]:
    """Look at the database and at everything that the project registered, all at the same time."""
    deadline = monotonic() + BUDGET
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
    return max(0.0, deadline - monotonic())
