"""The shop's page and the admin in a real browser, on a phone and on a desk."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone, translation
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from tests.browser import Browser
from tests.integration.webhooks.month import fill
from webhooks.models import Alarm, OptOut, RecoverySMS, RefusalCount
from webhooks.panel import figures
from webhooks.states import SMSStatus

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = [
    "/panel/", "/admin/", "/admin/webhooks/payment/", "/admin/webhooks/payment/{payment}/change/",
    "/admin/webhooks/recoverysms/", "/admin/webhooks/recoverysms/{sms}/change/", "/admin/webhooks/recoverysms/texts/",
    "/admin/webhooks/deadletter/", "/admin/webhooks/webhookevent/", "/admin/webhooks/webhookevent/{event}/change/",
    "/admin/webhooks/optout/", "/admin/webhooks/optout/add/", "/admin/webhooks/refusalcount/", "/admin/webhooks/alarm/",
    "/admin/webhooks/erasure/", "/admin/webhooks/erasure/add/",
]  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Return a browser that is logged in nowhere."""
    with Browser() as opened:
        yield opened


@pytest.fixture
def browser(chromium: Browser, live_server: LiveServer, settings: Settings) -> Iterator[Browser]:
    """Return a browser of an administrator who speaks Portuguese, with a made-up month to be looked at."""
    settings.LANGUAGE_CODE = "pt-br"
    now = timezone.now()
    fill(random.Random(3), now, payments=120)
    OptOut.objects.create(phone="+5511988776655")
    Alarm.objects.create(name="late_queue", text="12 SMS estão atrasados.")
    RefusalCount.objects.create(gateway="ghostpay", reason="bad_json", day=now.date(), count=3, last_at=now)
    client = Client()
    client.force_login(User.objects.create_superuser("admin"))
    chromium.log_in(live_server.url, client.cookies["sessionid"].value)
    with translation.override("pt-br"):
        yield chromium


@pytest.mark.parametrize(("width", "pages"), [(390, PAGES), (1280, PAGES[0:6:2])], ids=["phone", "desk"])
def test_pages_fit_speak_portuguese_and_bar_nobody(
    browser: Browser, live_server: LiveServer, width: int, pages: list[str]
) -> None:
    sms = RecoverySMS.objects.latest("pk")
    keys = {"payment": sms.payment_id, "sms": sms.pk, "event": sms.payment.events.get().pk}
    browser.resize(width)
    wrong: dict[str, list[str]] = {}
    for page in pages:
        path = page.format(**keys)
        browser.open(live_server.url + path)
        found = [*browser.violations(), *browser.complaints()]
        found += [f"{browser.overflow()} pixels are beyond the edge"] if browser.overflow() > 0 else []
        found += [f"asks for {url}" for url in browser.requests() if not url.startswith((live_server.url, "data:"))]
        found += [] if browser.run("document.documentElement.lang") == "pt-br" else ["is not Portuguese"]
        wrong |= {path: found} if found else {}
    assert wrong == {}


def number(text: str) -> int:
    """Return the digits of a text as a number."""
    return int(re.sub(r"\D", "", text))


def test_figures_are_those_of_the_database_and_follow_it(browser: Browser, live_server: LiveServer) -> None:
    browser.resize(390)
    browser.open(f"{live_server.url}/panel/")
    browser.wait_for("document.querySelectorAll('.chart:not([hidden]) canvas').length == 3")
    shown = browser.run("[...document.querySelectorAll('.card .figure')].map(each => each.textContent)")
    periods, by_day = figures.recovery(timezone.now())
    assert [number(text) for text in shown] == [found.centavos for found in periods]
    series = browser.run("Chart.getChart(document.querySelector('canvas')).data.datasets[0].data")
    assert [round(value * 100) for value in series] == list(by_day.values())
    count = "document.querySelector('#sms-failed .count').textContent"
    assert number(browser.run(count)) == RecoverySMS.objects.filter(status=SMSStatus.FAILED).count()
    RecoverySMS.objects.filter(status=SMSStatus.FAILED).update(status=SMSStatus.CANCELLED)
    # As when somebody comes back to it; by itself it looks every few seconds.
    browser.run("document.dispatchEvent(new Event('visibilitychange'))")
    browser.wait_for(f"{count} == '0'")


def test_what_is_decided_on_the_page_is_done(browser: Browser, live_server: LiveServer) -> None:
    RecoverySMS.objects.update(status=SMSStatus.SENT)
    sms = RecoverySMS.objects.latest("pk")
    RecoverySMS.objects.filter(pk=sms.pk).update(
        status=SMSStatus.UNKNOWN, claimed_at=timezone.now() - timedelta(hours=1)
    )
    browser.resize(390)
    browser.open(f"{live_server.url}/panel/")
    browser.events.clear()
    browser.run(f"document.querySelector('form[action=\"/panel/sms/{sms.pk}/arrived/\"] button').click()")
    browser.wait_for("document.querySelector('.message') && document.readyState == 'complete'")
    assert browser.run("document.querySelector('.message').textContent") == "Feito."
    sms.refresh_from_db()
    assert sms.status == SMSStatus.SENT
