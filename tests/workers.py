"""Lets several processes share the tests out: a pytest plugin, loaded with `-p` before the environment is set.

Each of them has servers of its own, on ports that no other looks at.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest

import tools.servers

if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    count = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    tools.servers.PORTS = tools.servers.PORTS[int(worker.removeprefix("gw")) % count :: count]


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Let a report be sent whatever a test has printed: halves of characters cannot be, and some tests print them."""
    return sendable((yield))


def sendable(value: Any) -> Any:
    """Return the data with an escape for each character that no encoding has."""
    match value:
        case str():
            return value.encode(errors="backslashreplace").decode()
        case dict():
            return {sendable(key): sendable(item) for key, item in value.items()}
        case list() | tuple():
            return type(value)(map(sendable, value))
    return value
