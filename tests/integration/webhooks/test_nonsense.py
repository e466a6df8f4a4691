"""No request makes the service fail: what makes no sense is refused, or shown as if it had not been asked for."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from tests.integration.webhooks.conftest import Deliver
from tests.integration.webhooks.payloads import ghostpay

pytestmark = pytest.mark.django_db(transaction=True)

NUL = ["%00", "a%00b"]
ODD = [
    "%ff", "%ed%a0%80", "9" * 30, "-" + "9" * 30, "9" * 5000, "1e400", "nan", "", "0", "10000", "(", "1,2", "%0a",
    "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00",
]  # fmt: skip
API = {
    "events/": ["gateway", "status", "payment", "received_after", "page", "page_size", "nonsense"],
    "sms-logs/": ["status", "gateway", "provider", "due_before"],
    "pending-sms/": ["payment", "page"],
    "runs/": ["limit", "database"],
}
LISTS = {
    "webhooks/payment": [
        "q", "o", "p", "id__in", "amount__range", "status__exact", "status__regex", "created_at__year",
        "created_at__date__gte", "nonsense",
    ],
    "webhooks/webhookevent": ["received_at__iso_year__gte"],
    "webhooks/recoverysms": ["payment__gateway", "due_at__gte"],
    "auth/user": ["username__iregex", "last_login__range"],
}  # fmt: skip


@pytest.fixture
def asker(settings: Settings, admin_user: User, deliver: Deliver) -> Client:
    """Return a client that may see everything there is."""
    deliver(ghostpay())
    settings.AUTO_MIGRATE = {"TOKEN": "token"}
    client = Client(raise_request_exception=False, headers={"Authorization": "Bearer token"})
    client.force_login(admin_user)
    return client


def ask(client: Client, address: str, method: str = "GET") -> int:
    """Ask for an address as it is written, and return the answer's status."""
    path, _, query = address.partition("?")
    return client.generic(method, path, QUERY_STRING=query).status_code


def addresses(values: Iterable[str]) -> Iterator[str]:
    """Yield addresses with each of `values` in every place."""
    for value in values:
        for path, names in API.items():
            yield from (f"/api/webhooks/{path}?{name}={value}" for name in names)
        for path, names in LISTS.items():
            yield from (f"/admin/{path}/?{name}={value}" for name in names)
            yield f"/admin/{path}/{value}/change/"
        yield from (f"/api/webhooks/{path}/{value}/" for path in ("events", "sms-logs", "runs"))
        yield from (f"{path}?version={value}&lang={value}" for path in ("/api/schema/", "/api/docs/", "/admin/login/"))


def test_a_nul_is_refused_wherever_it_stands(asker: Client) -> None:
    answers = {address: ask(asker, address) for address in addresses(NUL)}
    assert {address: status for address, status in answers.items() if status != 400} == {}


def test_an_odd_value_never_makes_the_service_fail(asker: Client) -> None:
    answers = {address: ask(asker, address) for address in addresses(ODD)}
    assert {address: status for address, status in answers.items() if status >= 500} == {}


def test_a_filter_that_cannot_be_is_left_out_of_the_admins_list(asker: Client) -> None:
    for query in ("amount__range=1", "status__regex=(", "created_at__year=0", "amount__in=" + "9" * 30):
        answer = asker.get(f"/admin/webhooks/payment/?{query}", follow=True)
        assert answer.redirect_chain == [("/admin/webhooks/payment/?e=1", 302)]
        assert answer.context["cl"].result_count == 1


def test_odd_forms_of_the_admin_are_refused(asker: Client) -> None:
    url = "/admin/webhooks/recoverysms/"
    for action, key in itertools.product(["cancel", "send_now", "nonsense", "\0"], ["\0", "abc", "9" * 30, ""]):
        status = asker.post(url, {"action": action, "_selected_action": [key]}).status_code
        assert status == 400 if "\0" in action + key else status in {200, 302}, (action, key)
    form = {"username": "ana\0", "password": "x", "next": "\0"}
    assert Client(raise_request_exception=False).post("/admin/login/", form).status_code == 400


@pytest.mark.parametrize("name", ["sessionid", "csrftoken", "messages", "other"])
def test_an_odd_cookie_is_refused(name: str) -> None:
    client = Client(raise_request_exception=False)
    for path in ("/admin/", "/api/webhooks/events/"):
        assert client.get(path, headers={"Cookie": rf'{name}="\000"'}).status_code == 400


@pytest.mark.parametrize("address", ["/api/docs/", "/api/schema/", "/api/webhooks/events/", "/admin/", "/metrics"])
def test_no_method_makes_the_service_fail(asker: Client, address: str) -> None:
    methods = ["OPTIONS", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "NONSENSE"]
    assert [method for method in methods if ask(asker, address, method) >= 500] == []


def test_the_documentations_page_says_which_methods_there_are(client: Client) -> None:
    answer = client.options("/api/docs/")
    assert (answer.status_code, answer["Allow"]) == (200, "GET, HEAD, OPTIONS")
