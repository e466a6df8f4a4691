"""A command whose output nobody takes ends as its run does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.integration.commands.depot import PLAN, SETTINGS, steps
from tests.manage import run_manage


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/depot.sqlite3"


def ended(url: str, stdout: Any, *arguments: str) -> tuple[int, str]:
    """Return the exit code of a run and what it said on standard error."""
    # With a buffer, as in a shell, Python fails once more over what is left in it when the process ends.
    buffered = {"PYTHONUNBUFFERED": ""}
    project: dict[str, Any] = {"database_url": url, "settings": SETTINGS, "env": buffered}
    done = run_manage("auto_migrate", *arguments, **project, stdout=stdout, fresh=True)
    return done.returncode, done.stderr


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_full_disk_behind_standard_output_changes_nothing(url: str, form: str) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        assert ended(url, full, f"--format={form}") == (0, "")
        assert steps(url) == [(name, "applied") for name in PLAN]
        assert ended(url, full, f"--format={form}", "nowhere")[0] == 2


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_reader_that_went_away_changes_nothing(url: str, form: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    assert ended(url, writer, f"--format={form}") == (0, "")
    os.close(writer)
    assert steps(url) == [(name, "applied") for name in PLAN]
