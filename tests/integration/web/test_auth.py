"""Who may use the protected endpoints."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import Client, RequestFactory
from pytest_django import Settings

from auto_migrate.history.store import History
from auto_migrate.web.auth import is_authorized
from tests.entries import each_entry
from tests.integration.web.conftest import BASE, NEXT_TOKEN, TOKEN

pytestmark = pytest.mark.django_db(transaction=True)

PROTECTED = [
    ("GET", "debug/"),
    ("POST", "force-migrate/"),
    ("GET", "runs/"),
    ("GET", "runs/00000000-0000-4000-8000-000000000000/"),
    ("GET", "backfills/"),
    ("POST", "backfills/totals/pause/"),
]
WRONG = [
    "",
    "Bearer",
    "Bearer ",
    "Bearer wrong",
    f"Bearer {TOKEN[:-1]}",
    f"Bearer {TOKEN}x",
    f"Bearer {TOKEN.upper()}",
    f"Bearer {TOKEN},{NEXT_TOKEN}",
    f"Bearer {TOKEN} {NEXT_TOKEN}",
    f"Basic {TOKEN}",
    f"Token {TOKEN}",
    TOKEN,
    f"Bearer\t{TOKEN}",
    "Bearer ação-é-inválida",
    "Bearer \udcff\udcfe",
    "Bearer \x00",
    "Bearer " + "a" * 100_000,
]


def refused(response: Any) -> bool:
    return bool(response.status_code == 403 and response.json()["error"]["code"] == "forbidden")


@each_entry("attempt", itertools.product(PROTECTED, WRONG))
def test_every_wrong_credential_is_refused(attempt: tuple[tuple[str, str], str], caplog: Any) -> None:
    (method, path), credential = attempt
    response = Client().generic(method, f"{BASE}/{path}", headers={"Authorization": credential})
    assert refused(response)
    assert response["Cache-Control"] == "no-store"
    assert not History().runs().filter(requested_by__startswith="http").exists()
    assert TOKEN not in caplog.text + response.content.decode()


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER  {TOKEN} ", f"Bearer {NEXT_TOKEN}"])
def test_each_of_the_tokens_opens(header: str) -> None:
    assert Client().get(f"{BASE}/runs/", headers={"Authorization": header}).status_code == 200


@each_entry("attempt", itertools.product(["", [], [""], " , "], ["Bearer ", "Bearer", "Bearer None", ""]))
def test_without_a_token_set_nobody_gets_in_by_one(attempt: tuple[Any, str], settings: Settings) -> None:
    token, credential = attempt
    settings.AUTO_MIGRATE = {"TOKEN": token}
    response = Client().get(f"{BASE}/runs/", headers={"Authorization": credential})
    assert refused(response)
    assert "set AUTO_MIGRATE_TOKEN" in response.json()["error"]["message"]


def test_staff_read_with_their_session(staff: Client) -> None:
    assert staff.get(f"{BASE}/runs/").status_code == 200


@pytest.mark.parametrize(("is_staff", "is_active"), [(False, True), (True, False)])
def test_other_users_are_refused(is_staff: bool, is_active: bool) -> None:
    client = Client()
    client.force_login(User.objects.create_user("rui", is_staff=is_staff, is_active=is_active))
    assert refused(client.get(f"{BASE}/runs/"))


def test_a_session_needs_the_csrf_token_to_change_something(staff: Client) -> None:
    response = staff.post(f"{BASE}/force-migrate/", {"dry_run": True}, content_type="application/json")
    assert refused(response)
    assert "CSRF" in response.json()["error"]["message"]


def test_a_session_with_the_csrf_token_may_change_something(staff: Client) -> None:
    staff.get("/admin/password_change/")
    token = staff.cookies["csrftoken"].value
    response = staff.post(
        f"{BASE}/force-migrate/", {"dry_run": True}, content_type="application/json", headers={"X-CSRFToken": token}
    )
    assert response.status_code == 200


def test_a_wrong_csrf_token_is_refused(staff: Client) -> None:
    staff.get("/admin/password_change/")
    assert refused(staff.post(f"{BASE}/force-migrate/", headers={"X-CSRFToken": "a" * 32}))


def test_a_bearer_needs_no_csrf_token(bearer: Client) -> None:
    response = bearer.post(f"{BASE}/force-migrate/", {"dry_run": True}, content_type="application/json")
    assert response.status_code == 200


def test_a_project_without_sessions_and_users_has_bearers_only(settings: Settings) -> None:
    settings.MIDDLEWARE = []
    assert refused(Client().get(f"{BASE}/runs/"))
    assert Client().get(f"{BASE}/runs/", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_a_request_without_middleware_is_judged_too() -> None:
    request: HttpRequest = RequestFactory().get("/", headers={"Authorization": f"Bearer {TOKEN}"})
    assert is_authorized(request)
    assert not is_authorized(RequestFactory().get("/"))


def test_a_site_that_demands_a_login_everywhere_lets_probes_and_bearers_through(settings: Settings) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert Client().get(f"{BASE}/ready/").status_code == 200
    assert refused(Client().get(f"{BASE}/runs/"))


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("health/", "GET, HEAD"), ("live/", "GET, HEAD"), ("runs/", "GET, HEAD"), ("force-migrate/", "POST")],
)
def test_other_methods_are_refused_as_json(path: str, allowed: str, bearer: Client) -> None:
    response = bearer.delete(f"{BASE}/{path}")
    assert (response.status_code, response["Allow"]) == (405, allowed)
    assert response.json()["error"]["code"] == "method_not_allowed"


def test_a_session_is_told_when_the_database_is_away(staff: Client, closed_port: int) -> None:
    response = staff.get(f"{BASE}/runs/")
    assert (response.status_code, response.json()["error"]["code"]) == (503, "database_unreachable")
    assert str(closed_port) not in response.content.decode()
