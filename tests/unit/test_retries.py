"""A server that did not start fails the test that asked for it, and not all that ask later."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.manage import ROOT, environment
from tests.programs import finish, start

MODULE = """\
import itertools, pytest
from tools.servers import ServerFailed

TRIES = itertools.count(1)

@pytest.fixture(scope="session")
def server():
    if (tried := next(TRIES)) < {succeeds}:
        raise ServerFailed(f"Try {{tried}}.")
    return tried

@pytest.fixture(scope="session")
def database(server):
    return server

@pytest.mark.parametrize("number", range(8))
def test_of_a_server(database, number):
    assert database == {succeeds}
"""


@pytest.mark.parametrize(("succeeds", "counts"), [(3, "6 passed, 2 errors"), (99, "8 errors")])
def test_a_server_is_tried_again_and_not_for_ever(tmp_path: Path, succeeds: int, counts: str) -> None:
    (tmp_path / "test_module.py").write_text(MODULE.format(succeeds=succeeds))
    plugins = ["-p", "tests.retries", "-p", "no:django", "-p", "no:cacheprovider"]
    options = ["-c", os.devnull, "--rootdir", str(tmp_path), *plugins]
    command = [sys.executable, "-m", "pytest", *options, str(tmp_path)]
    done = finish(start(command, env=environment(), cwd=ROOT, stdout=-1, stderr=-1))
    assert counts in done.stdout
    assert "Try 6." not in done.stdout
