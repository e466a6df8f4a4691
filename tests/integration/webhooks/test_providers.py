"""A provider is one module and one line."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.utils import timezone
from pytest_django import Settings

from tests.integration.webhooks import pigeon
from tests.integration.webhooks.conftest import Deliver
from tests.integration.webhooks.payloads import ghostpay
from webhooks import sending
from webhooks.models import RecoverySMS
from webhooks.states import SMSStatus

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sms(deliver: Deliver, settings: Settings) -> RecoverySMS:
    """Return an SMS that is due."""
    settings.SMS_RECOVERY_DELAY = 0
    deliver(ghostpay())
    return RecoverySMS.objects.get()


@pytest.fixture
def another(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Register another provider and choose it."""
    settings.SMS_PROVIDERS = [*settings.SMS_PROVIDERS, pigeon.__name__]
    settings.SMS_PROVIDER = "pigeon"
    monkeypatch.setenv("PIGEON_LOFT", "loft")
    pigeon.SENT.clear()


@pytest.mark.usefixtures("another")
def test_another_provider_sends(sms: RecoverySMS) -> None:
    call_command("check")
    sending.send(sms.pk)
    sms.refresh_from_db()
    assert (sms.status, sms.provider, sms.provider_id) == (SMSStatus.SENT, "pigeon", "loft-1")
    assert [to for to, _ in pigeon.SENT] == ["+5511999887766"]


@pytest.mark.usefixtures("another")
def test_what_it_needs_must_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIGEON_LOFT")
    with pytest.raises(SystemCheckError, match=r"(?s)PIGEON_LOFT is not set.*HINT: export PIGEON_LOFT"):
        call_command("check")


@pytest.mark.parametrize(
    ("paths", "name"),
    [([], "pigeon"), (["webhooks.providers.pigeon"], "pigeon"), (["webhooks.phones"], "phones"), ([], "a" * 21)],
)
def test_a_provider_that_cannot_be_is_refused_with_a_hint(settings: Settings, paths: list[str], name: str) -> None:
    settings.SMS_PROVIDERS, settings.SMS_PROVIDER = paths, name
    with pytest.raises(SystemCheckError, match=r"(?s)webhooks.E002.*HINT: "):
        call_command("check")


def test_without_its_provider_an_sms_waits_and_holds_no_other_one_up(sms: RecoverySMS, settings: Settings) -> None:
    settings.SMS_PROVIDER = "pigeon"
    sending.send(sms.pk)
    sms.refresh_from_db()
    assert (sms.status, "pigeon" in sms.error) == (SMSStatus.SCHEDULED, True)
    long_ago = timezone.now() - timedelta(days=1)
    RecoverySMS.objects.update(status=SMSStatus.SENDING, claimed_at=long_ago, provider="pigeon")
    assert sending.settle_abandoned() == 0
    sms.refresh_from_db()
    assert sms.status == SMSStatus.SENDING
