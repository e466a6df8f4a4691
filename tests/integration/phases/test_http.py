"""`force-migrate/` takes a phase, and the run that it starts keeps to it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.phases.shop import SECOND, Release, Shop
from tools.servers import wait_until

TOKEN = "a-token-that-is-long-enough"
ENV = {"AUTO_MIGRATE_TOKEN": TOKEN, "AUTO_MIGRATE_RUNNER": "process"}
POST = """
import json
from django.test import Client
response = Client(headers={{"Authorization": "Bearer {token}"}}).post(
    "/force-migrate/", {body!r}, content_type="application/json"
)
print(json.dumps([response.status_code, response.json()]))
"""


def post(release: Release, body: dict[str, Any], **env: str) -> Any:
    """Ask for a run; give the status and content of the answer."""
    return json.loads(release.python(POST.format(token=TOKEN, body=json.dumps(body)), **ENV, **env))


def ended(shop: Shop) -> tuple[Any, ...]:
    """Wait for the newest run to end, and give it."""
    wait_until(
        lambda: shop.runs()[-1][2] not in {"queued", "running"}, timeout=60, message=lambda: "the run never ended"
    )
    return tuple(shop.runs()[-1])


@pytest.fixture
def v2(open_shop: Shop) -> Release:
    """Return a release that is about to be deployed."""
    return open_shop.release("v2", SECOND)


def test_a_run_does_what_the_release_step_would_and_then_the_rest(open_shop: Shop, v2: Release) -> None:
    assert post(v2, {})[0] == 202
    assert ended(open_shop) == ("pre_deploy", "v2", "succeeded", ["shop.0003_drop_note"])
    assert open_shop.recorded() == ["0001_initial", "0002_colour"]
    assert post(v2, {"phase": "post_deploy"})[0] == 202
    assert ended(open_shop) == ("post_deploy", "v2", "succeeded", None)
    assert open_shop.recorded() == list(SECOND)


def test_a_dry_run_answers_the_plan_of_the_phase(v2: Release) -> None:
    v2.migrated()
    _status, before = post(v2, {"dry_run": True})
    assert (before["state"], before["pending"], before["deferred"]) == ("up_to_date", [], ["shop.0003_drop_note"])
    status, after = post(v2, {"dry_run": True, "phase": "post_deploy"})
    assert status == 200
    assert [planned["migration"] for planned in after["pending"]] == ["shop.0003_drop_note"]


@pytest.mark.parametrize("phase", ["later", "", 1, True, [], {}, ["post_deploy"]])
def test_a_phase_that_there_is_not_is_a_bad_request(open_shop: Shop, v2: Release, phase: object) -> None:
    status, content = post(v2, {"phase": phase})
    assert (status, content["error"]["code"]) == (400, "bad_request")
    assert "pre_deploy or post_deploy" in content["error"]["message"]
    assert len(open_shop.runs()) == 1


def test_a_phase_is_a_bad_request_where_phases_are_off(open_shop: Shop, v2: Release) -> None:
    status, content = post(v2, {"phase": "pre_deploy"}, AUTO_MIGRATE_PHASES="false")
    assert (status, content["error"]["code"]) == (400, "bad_request")
    assert "AUTO_MIGRATE_PHASES=true" in content["error"]["message"]
    assert len(open_shop.runs()) == 1
