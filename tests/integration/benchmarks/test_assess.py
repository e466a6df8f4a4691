"""What is said to look at a whole plan has looked at each of its migrations, and has changed nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.assess import OURS, PLAN, STOCK, Way
from benchmarks.synthetic import Synthetic
from tests.servers import PostgreSQL
from tests.snapshot import snapshot


# The fourth has an environment of its own that is as large as all the rest.
@pytest.mark.parametrize("way", [OURS, PLAN, STOCK], ids=lambda way: way.name)
def test_it_looks_at_all_and_touches_nothing(way: Way, tmp_path: Path, server: PostgreSQL, database: str) -> None:
    project = Synthetic(tmp_path, 10)
    before = snapshot(server, database)
    way.run(project, server.url(database))
    assert before.difference(snapshot(server, database)) == ""


@pytest.mark.parametrize("way", [OURS, STOCK], ids=lambda way: way.name)
def test_what_leaves_out_a_migration_is_no_measurement(
    way: Way, tmp_path: Path, server: PostgreSQL, database: str
) -> None:
    project = Synthetic(tmp_path, 10)
    project.migrations = 11
    with pytest.raises(RuntimeError, match="did not say '11 "):
        way.run(project, server.url(database))
