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

from auto_migrate.conf import get_settings, load_callable
from auto_migrate.exceptions import DatabaseRefused, DatabaseUnreachable
from auto_migrate.fleet.database_state import TENANTS_FRESH, whole_state
from auto_migrate.planning.schema_state import QuickState
from auto_migrate.tenancy import TenantsUnknown
from auto_migrate.values import SchemaState
from auto_migrate.web import probe_connection, single_flight
from auto_migrate.web.bounded_query import BoundedQuery

logger = logging.getLogger("auto_migrate.web")

# Render and Fly give a probe 5 seconds by default; the rest is for the way there and back.
BUDGET = 4.0
# How long before somebody came the database may have been asked for the answer that they get, in seconds.
FRESH = 1.0
NEVER = float("-inf")
GOOD = frozenset({SchemaState.UP_TO_DATE, SchemaState.AHEAD})


class Health(enum.StrEnum):
    """How well the service does."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


SEVERITY = list(Health)


@dataclasses.dataclass(frozen=True)
class DatabaseReport:
    """What the database answered; `schema` is None if it did not, or if its answer says nothing: the `obstacle`."""

    status: str
    vendor: str
    schema: QuickState | None = None
    obstacle: str = ""

    @property
    def health(self) -> Health:
        """Unhealthy if the database is away, degraded if its schema is not the one that this code needs."""
        if self.obstacle:
            return Health.DEGRADED
        if self.schema is None:
            return Health.UNHEALTHY
        return Health.HEALTHY if self.schema.state in GOOD else Health.DEGRADED


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the database answered, or why it did not, and when it was asked."""

    asked: float
    found: QuickState | Exception

    def is_fresh(self, came: float) -> bool:
        """Return whether the question was young enough for somebody who came then to have joined it."""
        return came - self.asked < FRESH

    def is_news(self, came: float) -> bool:
        """Return whether it will do although it is over: bad news is only for who waited for a turn to ask."""
        good = isinstance(self.found, QuickState) and self.found.state in GOOD
        return self.is_fresh(came) if good else came < self.asked


# Alias → the last answer. What went wrong instead of one is not kept: its traceback would keep a connection.
_news: dict[str, Answer] = {}


def looked(alias: str) -> QuickState:
    """Return the state of a database as probes ask for it."""
    return whole_state(alias, age=TENANTS_FRESH)


def known(alias: str, came: float) -> Answer | None:
    """Return the last answer, if it will do for somebody who came then."""
    news = _news.get(alias)
    return news if news is not None and news.is_news(came) else None


def forget() -> None:
    """Forget the last answer and how it was had, as tests must that change the database behind our back."""
    _news.clear()
    probe_connection.forget()


class DatabaseQuestion:
    """What one caller wants to know about the database, looked up by a thread that is lent a connection."""

    def __init__(self, alias: str = DEFAULT_DB_ALIAS) -> None:
        self.alias = alias
        self.came = monotonic()
        self.connection = connections[alias]
        # A network that comes back does not bring back what it swallowed: half of the time is for asking anew.
        self.patience = BUDGET / 2
        self.gave_up = False

    def _found(self, deadline: float) -> QuickState:
        answer = known(self.alias, self.came)
        while answer is None or not answer.is_fresh(self.came):
            # A question that was under way may be too old: then the next one is begun, or joined, when it has ended.
            answer = self._answered(deadline)
        if isinstance(answer.found, Exception):
            raise answer.found
        return answer.found

    def _answered(self, deadline: float) -> Answer | None:
        """Wait for the answer to a question; None to ask anew, over another connection, since this one hangs."""
        key = ("database", self.alias)
        query = BoundedQuery(self.connection, looked, borrow=not self.gave_up)
        begun: Future[Answer] = single_flight.begin(key, functools.partial(self._ask, query))
        try:
            answer = begun.result(min(self.patience, _left(deadline)))
        except TimeoutError:
            single_flight.abandon(key, begun)
            # The thread has that connection: this one must not touch it again, and makes another if need be.
            if query.give_up():
                del connections[self.alias]
            if self.gave_up or not _left(deadline):
                raise
            self.gave_up = True
            return None
        return answer

    def _ask(self, query: BoundedQuery) -> Answer:
        # Whoever waited for the thread that asked before this one needs not ask again.
        if news := known(self.alias, self.came):
            return news
        asked = monotonic()
        try:
            answer = Answer(asked, query.carry_out())
        except Exception as error:  # noqa: BLE001 # whoever waits gets it, unless it is too old for them
            # That a question was given up says nothing of the database: others who waited for it ask anew.
            return Answer(NEVER if query.given_up else asked, error)
        _news[self.alias] = answer
        return answer

    def report(self, deadline: float) -> DatabaseReport:
        """Return what the database answered until `deadline`, a time of the monotonic clock."""
        vendor = self.connection.vendor
        try:
            return DatabaseReport("connected", vendor, self._found(deadline))
        except TimeoutError:
            return DatabaseReport("timeout", vendor)
        except DatabaseUnreachable as error:
            logger.warning("Health: %s", error)
            return DatabaseReport("unreachable", vendor)
        except DatabaseRefused as error:
            logger.warning("Health: %s", error)
            return DatabaseReport("refused", vendor)
        except TenantsUnknown:
            return DatabaseReport("connected", vendor, obstacle="tenants_unknown")
        except Exception:
            logger.exception("Health: the database cannot be asked")
            return DatabaseReport("error", vendor)


def database_report() -> DatabaseReport:
    """Look at the database and give up in time, or know that its last answer will do, as nearly always."""
    news = known(DEFAULT_DB_ALIAS, monotonic())
    if news is not None and isinstance(news.found, QuickState):
        return DatabaseReport("connected", connections[DEFAULT_DB_ALIAS].vendor, news.found)
    return DatabaseQuestion().report(monotonic() + BUDGET)


def service_report() -> tuple[DatabaseReport, dict[str, dict[str, Any]]]:
    """Look at the database and at everything that the project registered, all at the same time."""
    deadline = monotonic() + BUDGET
    begun = {
        name: single_flight.begin(("check", name, path), functools.partial(_run_check, path))
        for name, path in get_settings().HEALTH_CHECKS.items()
    }
    database = DatabaseQuestion().report(deadline)
    return database, {name: _check_report(name, answer, deadline) for name, answer in begun.items()}


def overall(database: DatabaseReport, checks: Mapping[str, Mapping[str, Any]]) -> Health:
    """Return the worst of all."""
    return max([database.health, *(Health(check["status"]) for check in checks.values())], key=SEVERITY.index)


def _run_check(path: str) -> dict[str, Any]:
    """Call the project's function in this thread, which ends with it: leave no connection behind."""
    try:
        found = load_callable("HEALTH_CHECKS", path)()
        return dict(json.loads(json.dumps(found, cls=DjangoJSONEncoder)))
    finally:
        connections.close_all()


def _check_report(name: str, answer: Future[dict[str, Any]], deadline: float) -> dict[str, Any]:
    try:
        found = answer.result(_left(deadline))
    except TimeoutError:
        return {"status": Health.DEGRADED, "error": "timeout"}
    except (Exception, SystemExit) as error:
        # The text may name hosts or hold secrets, and anybody may ask.
        logger.exception("The health check %r failed", name)
        return {"status": Health.DEGRADED, "error": type(error).__name__}
    status = found.get("status", Health.HEALTHY)
    return {**found, "status": status if status in SEVERITY else Health.DEGRADED}


def _left(deadline: float) -> float:
    return max(0.0, deadline - monotonic())
