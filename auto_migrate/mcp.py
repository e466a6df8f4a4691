"""What assistants may ask: `python -m auto_migrate.mcp`, a Model Context Protocol server over its standard input.

It needs `pip install django-auto-migrate[mcp]` and the project's settings (`DJANGO_SETTINGS_MODULE`, or `--settings`).
It only reads: no tool changes anything, in the database or elsewhere.
"""

from __future__ import annotations

import contextlib
import functools
import json
import sys
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import django
from asgiref.sync import sync_to_async
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.utils.translation import gettext as _
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from auto_migrate.__main__ import read_environment_options
from auto_migrate.exceptions import AutoMigrateError, TransientError
from auto_migrate.redaction import presentable
from auto_migrate.version import __version__

INSTRUCTIONS = """Tells how a Django project's databases and its migrations compare, what the pending plan would do to \
the database, and how earlier runs went. It changes nothing: to act, tell the person which command to type."""
MOST_RUNS = 100


def reading(tool: Callable[..., Mapping[str, Any]]) -> Callable[..., Any]:
    """Make a tool of a function that asks the database, off the event loop and with nothing printed to the protocol."""

    def quietly(*args: Any, **options: Any) -> Any:
        with contextlib.redirect_stdout(sys.stderr):
            try:
                return json.loads(json.dumps(tool(*args, **options), cls=DjangoJSONEncoder))
            except (ValueError, AutoMigrateError, TransientError, Error) as error:
                raise ToolError(presentable(str(error))) from error
            finally:
                for connection in connections.all(initialized_only=True):
                    connection.close_if_unusable_or_obsolete()

    @functools.wraps(tool)
    async def asked(*args: Any, **options: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await sync_to_async(quietly)(*args, **options)
        return answer

    asked.__annotations__["return"] = dict[str, Any]
    return asked


def known(database: str) -> str:
    """Return an alias of DATABASES; raise `ValueError` for any other."""
    if database not in connections:
        text = _("There is no database {name}. Choose one of: {names}.")
        raise ValueError(text.format(name=database, names=", ".join(sorted(connections))))
    return database


# -- tools ------------------------------------------------------------------------------------------------------------


def state(database: str = DEFAULT_DB_ALIAS) -> Mapping[str, Any]:
    """Return how code and database compare, what is pending, who holds the deploy lock, and the last run."""
    from auto_migrate.databases import adapter_for
    from auto_migrate.history.store import History
    from auto_migrate.inspection import inspect
    from auto_migrate.web.serializers import holder_record, inspection_record, run_summary

    inspection, holder = inspect(known(database)), adapter_for(database).lock_holder()
    last = History(database).runs().first()
    return {
        "database": database,
        **inspection_record(inspection),
        "lock_holder": holder_record(holder) if holder else None,
        "last_run": run_summary(last, database) if last else None,
    }


def plan(database: str = DEFAULT_DB_ALIAS, phase: str = "") -> Mapping[str, Any]:
    """Judge what is pending: each migration's operations, statements, locks and findings, and how long it will take.

    `phase` is `pre_deploy`, `post_deploy` or `all` where the project's migrations have phases.
    """
    from auto_migrate.planning.targets import Goal
    from auto_migrate.preview import judge
    from auto_migrate.safety.plan_fingerprint import plan_fingerprint
    from auto_migrate.values import jsonable

    seen = judge(known(database), Goal.asked(None, None, phase or None), with_sql=True)
    comparison, assessment = seen.comparison, seen.assessment
    return {
        "database": database,
        "state": comparison.state,
        "plan": plan_fingerprint(comparison),
        "migrations": jsonable(assessment.migrations),
        "forecast": jsonable(assessment.forecast),
        "blocking": [f"{found.code}:{found.migration}" for found in seen.blocking],
        "obstacle": seen.obstacle.message if seen.obstacle else "",
    }


def explain(code: str) -> Mapping[str, Any]:
    """Explain a hazard by its code, such as AM301: what it is about, what it does harm to, and where it holds."""
    from auto_migrate.safety.hazard import page_name
    from auto_migrate.safety.hazards import hazards
    from auto_migrate.safety.live import BY_RULE, ON_SMALL_TABLES

    if (hazard := hazards().get(code.upper())) is None:
        raise ValueError(
            _("There is no hazard {code}. There are: {codes}.").format(code=code, codes=", ".join(hazards()))
        )
    module = sys.modules[type(hazard).__module__]
    return {
        "code": hazard.code,
        "title": _(hazard.title),
        "about": (module.__doc__ or "").strip(),
        "harm": hazard.harm.value,
        "level": BY_RULE[hazard.harm],
        "level_on_small_tables": ON_SMALL_TABLES[hazard.harm],
        "vendors": sorted(hazard.vendors),
        "page": hazard.page or f"docs/hazards/{page_name(hazard.code)}",
        "acknowledge": f"--acknowledge {hazard.code}:APP.MIGRATION=REASON",
    }


def runs(database: str = DEFAULT_DB_ALIAS, status: str = "", limit: int = 20) -> Mapping[str, Any]:
    """List the newest runs, perhaps only those that are `queued`, `running`, `succeeded`, `failed` or `interrupted`."""
    from auto_migrate.history.store import History
    from auto_migrate.web.serializers import run_summary

    found = History(known(database)).runs()
    if status:
        found = found.filter(status=status)
    return {"runs": [run_summary(run, database) for run in found[: max(1, min(limit, MOST_RUNS))]]}


def run(run_id: str, database: str = DEFAULT_DB_ALIAS) -> Mapping[str, Any]:
    """Return all of one run: its steps, findings, error and hint, what it has told, and who is in its way now."""
    from auto_migrate.history.store import History
    from auto_migrate.web.run_snapshot import run_snapshot
    from auto_migrate.web.serializers import run_in_full

    try:
        found = History(known(database)).get(uuid.UUID(run_id))
    except ValueError:
        found = None
    if found is None:
        raise ValueError(_("Database {name} has no run {run_id}.").format(name=database, run_id=run_id))
    seen = run_snapshot(database, found)
    return {
        **run_in_full(found, database),
        "log": [{"at": one.at, "kind": one.kind, "by": one.by, **(one.detail or {})} for one in seen.entries],
        "in_the_way": [
            {"pid": one.pid, "depth": one.depth, "user": one.user, "application": one.application, "state": one.state,
             "since": one.since, "query": one.query, "locks": one.locks}
            for one in seen.in_the_way
        ],
    }  # fmt: skip


TOOLS = (state, plan, explain, runs, run)


def server() -> MCPServer:
    """Return the server with all of its tools."""
    made: MCPServer = MCPServer("auto_migrate", version=__version__, instructions=INSTRUCTIONS)
    for tool in TOOLS:
        hints = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False)
        made.tool(annotations=hints)(reading(tool))
    return made


def main(arguments: list[str]) -> None:
    """Set the project up and serve until the input ends; what the project prints goes to standard error."""
    read_environment_options(arguments)
    with contextlib.redirect_stdout(sys.stderr):
        django.setup()
    server().run("stdio")


if __name__ == "__main__":
    main(sys.argv[1:])
