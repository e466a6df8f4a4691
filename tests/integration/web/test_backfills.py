"""Backfills over HTTP and in the admin: who may look at them, and what can be done with each."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client

from auto_migrate import tasks
from auto_migrate.history.models import BackfillRecord, ensure_tables
from auto_migrate.values import BackfillState
from tests.integration.web.conftest import BASE

pytestmark = pytest.mark.django_db(transaction=True)
ACTIONS = ("pause", "resume", "cancel")
# What each action makes of each state; what is not here is refused.
MAKES = {
    "pause": {"pending": "paused", "running": "paused"},
    "resume": {"paused": "pending", "failed": "pending", "cancelled": "pending"},
    "cancel": dict.fromkeys(("pending", "running", "paused", "failed"), "cancelled"),
}


@pytest.fixture
def record(transactional_db: None) -> BackfillRecord:
    """Return a backfill that is under way."""
    ensure_tables(connections["default"], [BackfillRecord])
    BackfillRecord.objects.all().delete()
    return BackfillRecord.objects.create(
        app_label="shop", name="totals", state="running", batch_rows=1000, done=3_000, total=9_000, seconds=6.0
    )


def test_the_list_tells_how_far_each_is(bearer: Client, record: BackfillRecord) -> None:
    content = bearer.get(f"{BASE}/backfills/").json()
    (told,) = content["results"]
    assert content["count"] == 1
    assert (told["name"], told["app_label"], told["state"]) == ("totals", "shop", "running")
    assert (told["done"], told["total"], told["left"], told["batch_rows"]) == (3_000, 9_000, 12.0, 1000)
    assert (told["held_by"], told["cursor"], told["database"]) == ("", None, "default")


def test_a_database_without_any_has_an_empty_list(bearer: Client, record: BackfillRecord) -> None:
    record.delete()
    assert bearer.get(f"{BASE}/backfills/").json() == {"count": 0, "results": []}


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_does_what_the_state_allows_and_is_a_conflict_otherwise(
    bearer: Client, record: BackfillRecord, action: str
) -> None:
    for state in BackfillState:
        BackfillRecord.objects.update(state=state)
        for name in ("totals", "shop.totals"):
            BackfillRecord.objects.update(state=state)
            response = bearer.post(f"{BASE}/backfills/{name}/{action}/")
            new = MAKES[action].get(state)
            assert response.status_code == (200 if new else 409), (state, response.content)
            record.refresh_from_db()
            assert record.state == (new or state)
            if not new:
                assert response.json()["error"]["code"] == "conflict"


@pytest.mark.parametrize("action", ACTIONS)
def test_nobody_else_may_and_a_session_needs_its_token(
    stranger: Client, staff: Client, record: BackfillRecord, action: str
) -> None:
    assert stranger.get(f"{BASE}/backfills/").status_code == 403
    for caller in (stranger, staff):
        assert caller.post(f"{BASE}/backfills/totals/{action}/").status_code == 403
    assert staff.get(f"{BASE}/backfills/").status_code == 200
    assert staff.get(f"{BASE}/backfills/totals/{action}/").status_code == 405
    record.refresh_from_db()
    assert record.state == "running"


@pytest.mark.parametrize("name", ["other", "blog.totals", "..", "%ff", "x" * 300, "totals;DROP"])
def test_what_is_not_there_is_404(bearer: Client, record: BackfillRecord, name: str) -> None:
    response = bearer.post(f"{BASE}/backfills/{name}/pause/")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


def test_one_name_in_two_apps_needs_its_app(bearer: Client, record: BackfillRecord) -> None:
    BackfillRecord.objects.create(app_label="blog", name="totals", state="running", batch_rows=1)
    assert bearer.post(f"{BASE}/backfills/totals/pause/").status_code == 404
    assert bearer.post(f"{BASE}/backfills/blog.totals/pause/").json()["state"] == "paused"
    record.refresh_from_db()
    assert record.state == "running"


def test_of_tenants_all_are_meant_or_one_that_is_named(bearer: Client, staff: Client, record: BackfillRecord) -> None:
    for schema in ("acme", "beta"):
        BackfillRecord.objects.create(app_label="blog", name="totals", schema=schema, state="pending", batch_rows=1)
    assert bearer.get(f"{BASE}/backfills/?tenant=beta").json()["results"][0]["schema"] == "beta"
    one = bearer.post(f"{BASE}/backfills/blog.totals/pause/?tenant=beta").json()
    assert (one["schema"], one["state"]) == ("beta", "paused")
    page = staff.get(f"{BASE}/backfills/", headers={"Accept": "text/html"}).content.decode()
    assert "blog.totals: not begun, in 1 schema: acme" in page
    assert f"{BASE}/backfills/blog.totals/resume/?tenant=beta" in page
    # Of which one is paused already.
    both = bearer.post(f"{BASE}/backfills/blog.totals/pause/")
    assert both.json()["count"] == 2
    told = [(each["schema"], each["state"]) for each in both.json()["results"]]
    assert told == [("acme", "paused"), ("beta", "paused")]
    page = staff.get(f"{BASE}/backfills/", headers={"Accept": "text/html"}).content.decode()
    assert "in 2 schemas: acme, beta" in page
    assert bearer.post(f"{BASE}/backfills/blog.totals/pause/").status_code == 409
    record.refresh_from_db()
    assert record.state == "running"


def test_the_admin_shows_them_and_acts_for_staff_alone(staff: Client, stranger: Client, record: BackfillRecord) -> None:
    place = "/admin/auto_migrate/backfillrecord/"
    page = staff.get(place)
    assert page.status_code == 200
    assert "3000/9000 rows, 12 s left" in page.content.decode()
    token = page.cookies["csrftoken"].value
    chosen: dict[str, Any] = {"_selected_action": [str(record.pk)], "csrfmiddlewaretoken": token}
    for action, state in (("pause", "paused"), ("resume", "pending"), ("cancel", "cancelled")):
        done = staff.post(place, {**chosen, "action": action})
        record.refresh_from_db()
        assert (done.status_code, record.state) == (302, state)
    assert "_save" not in staff.get(f"{place}{record.pk}/change/").content.decode()
    assert staff.get(f"{place}add/").status_code == 403
    assert "delete" not in staff.get(place).content.decode().partition("<select")[2].partition("</select>")[0]
    assert stranger.get(place).status_code == 302


def test_a_browser_gets_a_page_whose_buttons_lead_back_to_it(staff: Client, record: BackfillRecord) -> None:
    browser = {"Accept": "text/html"}
    page = staff.get(f"{BASE}/backfills/", headers=browser)
    content = page.content.decode()
    assert page.status_code == 200
    assert "shop.totals: 3000/9000 rows, 12 s left" in content
    assert "resume-backfill" not in content
    assert f"{BASE}/backfills/shop.totals/resume/" not in content
    token = {"csrfmiddlewaretoken": page.cookies["csrftoken"].value}
    done = staff.post(f"{BASE}/backfills/shop.totals/pause/", token, headers=browser)
    assert (done.status_code, done["Location"]) == (302, f"{BASE}/backfills/")
    assert f"{BASE}/backfills/shop.totals/resume/" in staff.get(done["Location"], headers=browser).content.decode()
    again = staff.post(f"{BASE}/backfills/shop.totals/pause/", token, headers=browser)
    assert (again.status_code, "was not changed" in again.content.decode()) == (409, True)


def test_the_task_does_nothing_where_there_is_nothing_to_do(record: BackfillRecord) -> None:
    BackfillRecord.objects.update(state="paused")
    tasks.run_backfills()
    record.refresh_from_db()
    assert record.state == "paused"


def test_a_browser_gets_a_page_with_the_buttons_of_each_state(record: BackfillRecord) -> None:
    browser = Client(headers={"Accept": "text/html"})
    browser.force_login(User.objects.create_user("eva", is_staff=True))
    page = browser.get(f"{BASE}/backfills/").content.decode()
    assert "shop.totals" in page
    assert "3000/9000 rows" in page
    assert f"{BASE}/backfills/shop.totals/pause/" in page
    assert "/resume/" not in page
    pressed = browser.post(f"{BASE}/backfills/shop.totals/pause/")
    assert (pressed.status_code, pressed["Location"]) == (302, f"{BASE}/backfills/")
    page = browser.get(f"{BASE}/backfills/?part=live").content.decode()
    assert f"{BASE}/backfills/shop.totals/resume/" in page
    assert "/pause/" not in page
    assert "shop.totals" in browser.get(f"{BASE}/debug/").content.decode()
    assert browser.post(f"{BASE}/backfills/shop.totals/pause/").status_code == 409
