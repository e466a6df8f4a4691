"""Starts a server that failed once more for the next test that asks for it: a pytest plugin, loaded with `-p`.

pytest keeps the failure of a fixture for all who ask for it, which are hundreds where it is one of the whole session.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest

from tools.servers import ServerFailed

ATTEMPTS = 5
"""How often a fixture may fail until its failure is kept."""
FAILURES = pytest.StashKey[Counter[str]]()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: Any, request: pytest.FixtureRequest) -> Generator[None, Any, Any]:
    """Forget a failure."""
    try:
        return (yield)
    except ServerFailed:
        failures = request.config.stash.setdefault(FAILURES, Counter())
        failures[fixturedef.argname] += 1
        if failures[fixturedef.argname] < ATTEMPTS:
            fixturedef.finish(request)
        raise
