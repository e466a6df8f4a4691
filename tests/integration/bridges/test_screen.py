"""What an operator sees of bridges: what they do, what takes them down, and the button that does it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.bridges.releases import Release

PAGE = """
from django.test import Client
headers = {"authorization": "Bearer a-token-of-this-test-only", "accept": "text/html"}
print(Client(headers=headers).get("/debug/").content.decode())
"""
STANDS = "shop_order.place keeps its default in the database (shop.0002_place)"


@pytest.mark.parametrize("phases", ["true", "false"])
def test_the_first_page_says_what_takes_a_bridge_down(new: Release, phases: str) -> None:
    phased: Any = {"AUTO_MIGRATE_PHASES": phases}
    new.migrated("v2", **phased)
    shown = new.code(PAGE, **phased)
    assert STANDS in shown
    assert "The part after the deploy takes it down" in shown
    assert ("or the release step of another release from" in shown) is (phases == "false")
    assert 'formaction="/force-migrate/?phase=post_deploy" id="am-bridges-default-yes"' in shown
    new.query("UPDATE auto_migrate_bridge SET released_at = NULL")
    early = new.code(PAGE, **phased)
    assert "It stays until a release step has succeeded" in early
    assert "am-bridges-default" not in early
    new.query("UPDATE auto_migrate_bridge SET released_at = now()")
    new.migrated("v2", "--phase", "post_deploy", **phased)
    assert "Bridges" not in new.code(PAGE, **phased)


def test_what_a_bridge_takes_care_of_is_no_alarm_before_the_run_nor_after_it(new: Release) -> None:
    before = new.code(PAGE)
    new.migrated("v2")
    [run, *_earlier] = new.get("runs")["results"]
    for shown in (before, new.code(PAGE.replace("/debug/", f"/runs/{run['run_id']}/"))):
        assert "AM403" in shown
        assert 'data-state="notice"' in shown
        assert 'data-state="error"' not in shown
