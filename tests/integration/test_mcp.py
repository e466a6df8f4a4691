"""The server for assistants, asked by the protocol's own client over a real process."""

from __future__ import annotations

import sys
import uuid
from typing import Any

import anyio
import pytest

from tests.manage import ROOT, environment, run_manage

SETTINGS = "tests.projects.locks.settings"


async def ask(url: str, *calls: tuple[str, Any]) -> tuple[list[Any], list[Any]]:
    """Return the tools that there are, and the answers to some calls."""
    from mcp import ClientSession, StdioServerParameters, stdio_client

    given = environment({"DATABASE_URL": url, "CHANGE": "column"}, settings=SETTINGS)
    parameters = StdioServerParameters(command=sys.executable, args=["-m", "auto_migrate.mcp"], env=given, cwd=ROOT)
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        tools = (await session.list_tools()).tools
        return tools, [await session.call_tool(name, arguments) for name, arguments in calls]


@pytest.fixture
def shop(database_url: str) -> str:
    done = run_manage("auto_migrate", "shop", "0001", database_url=database_url, settings=SETTINGS)
    assert done.returncode == 0, done.stdout + done.stderr
    return database_url


def test_it_tells_state_plan_hazards_and_runs_and_changes_nothing(shop: str) -> None:
    calls: list[tuple[str, Any]] = [("state", {}), ("plan", {}), ("explain", {"code": "am301"}), ("runs", {"limit": 1})]
    tools, answers = anyio.run(ask, shop, *calls)
    assert {tool.name for tool in tools} == {"state", "plan", "explain", "runs", "run"}
    assert all(tool.annotations.read_only_hint for tool in tools)
    assert not [answer.content for answer in answers if answer.is_error]
    state, plan, explained, runs = (answer.structured_content for answer in answers)
    assert state["state"] == "behind"
    assert [one["migration"] for one in state["pending"]] == ["shop.0002_change", "shop.0003_then"]
    assert plan["migrations"][0]["operations"][0]["sql"] == ['ALTER TABLE "shop_order" ADD COLUMN "note" text NULL;']
    assert plan["forecast"]["seconds"] > 0
    assert explained["code"] == "AM301"
    assert explained["harm"] == "loses data"
    [run] = runs["runs"]
    _tools, [told] = anyio.run(ask, shop, ("run", {"run_id": run["run_id"]}))
    assert [step["status"] for step in told.structured_content["steps"]] == ["applied"]
    assert told.structured_content["in_the_way"] == []


def test_what_is_not_there_is_said(shop: str) -> None:
    unknown: list[tuple[str, Any]] = [("run", {"run_id": str(uuid.uuid4())}), ("run", {"run_id": "x"})]
    calls = [*unknown, ("state", {"database": "nowhere"}), ("explain", {"code": "AM999"})]
    _tools, answers = anyio.run(ask, shop, *calls)
    assert all(answer.is_error for answer in answers)
    assert "There is no database nowhere." in answers[2].content[0].text
