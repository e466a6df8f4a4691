"""Phases on databases that do not tell who is connected, where the delay is all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.phases.shop import APPLY, AT_ONCE, FIRST, SECOND, THIRD, Shop


@pytest.fixture(params=["sqlite", "mariadb"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    """Return a shop on another database, whose first release is out."""
    url = f"sqlite:///{tmp_path / 'db'}" if request.param == "sqlite" else request.getfixturevalue("mariadb_url")
    shop = Shop(tmp_path, url)
    shop.release("v1", FIRST).migrated()
    return shop


def test_phases_are_kept_and_what_was_left_follows_by_itself(elsewhere: Shop) -> None:
    v2 = elsewhere.release("v2", SECOND)
    assert "Left for after the deploy: shop.0003_drop_note" in v2.migrated()
    assert v2.run("auto_migrate", "--check").returncode == 0
    assert elsewhere.release("v3", THIRD).run("auto_migrate").returncode == 6
    assert "POST_DEPLOY_DELAY" in v2.python(APPLY)
    assert v2.python(APPLY, **AT_ONCE) == "applied 1\n"
    assert v2.run("auto_migrate", "--check", "--phase", "all").returncode == 0
