"""A gateway is one module and one line: everything else follows."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from tests.integration.webhooks import lunapay
from tests.integration.webhooks.conftest import SECRET, Deliver
from tests.integration.webhooks.payloads import ghostpay
from tests.manage import ROOT, environment
from tests.programs import finish, start
from webhooks.gateways import Notice
from webhooks.models import Payment, WebhookEvent
from webhooks.states import EventStatus, PaymentMethod, SMSStatus

PATH = lunapay.__name__
# A word of the gateway's own, which its module has not translated.
OPEN: Any = "open"


@pytest.fixture
def third(settings: Settings) -> None:
    """Register a third gateway."""
    settings.GATEWAYS = [*settings.GATEWAYS, PATH]
    settings.GATEWAY_SECRETS = {**settings.GATEWAY_SECRETS, "lunapay": [SECRET]}
    settings.AUTO_MIGRATE = {"TOKEN": "token"}


@pytest.mark.django_db
@pytest.mark.usefixtures("third")
def test_a_third_gateways_delivery_becomes_a_payment_with_an_sms_and_is_shown_everywhere(
    deliver: Deliver, admin_client: Client
) -> None:
    assert deliver(lunapay.PAYLOAD, "lunapay").status_code == 200
    assert deliver(ghostpay()).status_code == 200
    payment = Payment.objects.get(gateway="lunapay")
    assert (payment.get_gateway_display(), payment.gateway_id, payment.amount) == ("LunaPay", "lp_1", 4990)
    assert payment.recovery_sms.get().status == SMSStatus.SCHEDULED
    for model in ("payment", "webhookevent", "recoverysms"):
        field = "payment__gateway" if model == "recoverysms" else "gateway"
        answer = admin_client.get(f"/admin/webhooks/{model}/", {f"{field}__exact": "lunapay"})
        assert f'?{field}__exact=lunapay">LunaPay</a>' in re.sub(r"\s*\n\s*", "", answer.content.decode())
        assert answer.context["cl"].result_count == 1
    operator = Client(headers={"Authorization": "Bearer token"})
    for name in ("events", "sms-logs", "pending-sms"):
        found = operator.get(f"/api/webhooks/{name}/?gateway=lunapay").json()
        assert found["count"] == 1
    schema = operator.get("/api/schema/", headers={"Accept": "application/json"}).json()
    assert "post" in schema["paths"]["/api/webhooks/lunapay/"]
    assert "lunapay" in json.dumps(schema["components"])
    assert "POST /api/webhooks/lunapay/" in schema["info"]["description"]


@pytest.mark.django_db
def test_a_gateway_that_is_not_registered_is_not_there(deliver: Deliver) -> None:
    answer = deliver(lunapay.PAYLOAD, "lunapay")
    told = {"code": "not_found", "message": "There is nothing at /api/webhooks/lunapay/."}
    assert (answer.status_code, json.loads(answer.content)["error"]) == (404, told)


@pytest.mark.django_db
@pytest.mark.parametrize("further", [[], [PATH]], ids=["as shipped", "one more"])
def test_no_gateway_asks_for_a_migration(settings: Settings, further: list[str]) -> None:
    settings.GATEWAYS = [*settings.GATEWAYS, *further]
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    call_command("check")


@pytest.mark.parametrize(
    ("paths", "told"),
    [
        (["webhooks.gateways.nothing"], "No module named"),
        (["webhooks.phones"], "has no LABEL"),
        (["tests.integration.webhooks.leaving_gateway"], "SystemExit"),
        (["tests.integration.webhooks.broken_gateway"], "ZeroDivisionError"),
        (["..relative"], "cannot be loaded"),
        ([""], "is no name of a gateway"),
        ([None], "is no name of a gateway"),
        (["tests.integration.webhooks.a_gateway_with_a_name_too_long"], "is no name of a gateway"),
        ([PATH, PATH], "more than once"),
        ([PATH, "elsewhere.lunapay"], "more than once"),
        (["auto_migrate.web.health"], "which is taken"),
        (["elsewhere.events"], "which is taken"),
        ("webhooks.gateways.ghostpay", "is no list"),
    ],
)
def test_a_gateway_that_cannot_be_is_refused_with_a_hint(settings: Settings, paths: object, told: str) -> None:
    settings.GATEWAYS = paths
    with pytest.raises(SystemCheckError) as refused:
        call_command("check")
    assert told in str(refused.value)
    assert "HINT: " in str(refused.value)


@pytest.mark.django_db
def test_what_is_delivered_to_a_gateway_that_cannot_be_loaded_is_kept_and_processed_once_it_can(
    deliver: Deliver, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.GATEWAYS = [*settings.GATEWAYS, "elsewhere.lunapay"]
    settings.GATEWAY_SECRETS = {"lunapay": [SECRET]}
    assert deliver(lunapay.PAYLOAD, "lunapay").status_code == 202
    event = WebhookEvent.objects.get()
    assert (event.status, "elsewhere.lunapay" in event.note) == (EventStatus.FAILED, True)
    monkeypatch.setitem(sys.modules, "elsewhere.lunapay", lunapay)
    monkeypatch.setitem(sys.modules, "elsewhere", lunapay)
    assert deliver(lunapay.PAYLOAD, "lunapay").status_code == 200
    assert Payment.objects.get().recovery_sms.get().status == SMSStatus.SCHEDULED


@pytest.mark.django_db
@pytest.mark.usefixtures("third")
@pytest.mark.parametrize(
    ("read", "note"),
    [
        (lambda payload: None, "TypeError: read() of the gateway lunapay returned a NoneType and no Notice."),
        (lambda payload: [payload], "TypeError: read() of the gateway lunapay returned a list and no Notice."),
        (lambda payload: Notice(gateway_id="1", status=OPEN, method=PaymentMethod.PIX, amount=1), "ValueError: "),
    ],
)
def test_a_module_that_reads_no_notice_is_not_taken_for_a_delivery_that_was_acted_upon(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch, read: Callable[[Any], Any], note: str
) -> None:
    monkeypatch.setattr(lunapay, "read", read)
    assert deliver(lunapay.PAYLOAD, "lunapay").status_code == 202
    event = WebhookEvent.objects.get()
    assert event.status == EventStatus.FAILED
    assert event.note.startswith(note)


@pytest.mark.django_db
@pytest.mark.parametrize("gateway", ["ghostpay", "tribopay"])
def test_the_last_slash_is_as_good_as_none(client: Client, gateway: str) -> None:
    assert reverse("gateway", args=[gateway]) == f"/api/webhooks/{gateway}/"
    for address in (f"/api/webhooks/{gateway}", f"/api/webhooks/{gateway}?token={SECRET}"):
        answer = client.post(address, "{}", content_type="application/json", headers={"X-Webhook-Secret": SECRET})
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "malformed")


SCENARIO = """
import json, sys
from django.core.management import call_command
from django.test import Client
call_command("check")
call_command("makemigrations", check=True, dry_run=True, verbosity=0)
call_command("migrate", verbosity=0)
payload = json.loads(sys.argv[1])
headers = {"X-Webhook-Secret": "luna", "Authorization": "Bearer token"}
answer = Client().post("/api/webhooks/lunapay/", payload, content_type="application/json", headers=headers)
shown = Client().get("/api/webhooks/pending-sms/?gateway=lunapay", headers=headers).json()
print(json.dumps([answer.status_code, shown["results"][0]["payment"]]))
"""


def test_what_the_documentation_says_is_all_there_is_to_it(tmp_path: Path) -> None:
    """The service's own files, and of the documentation's example one module and one line."""
    told = (ROOT / "docs/sms_sender.md").read_text("utf-8").partition("\n## Add a gateway\n")[2]
    module, line, *_ = re.findall(r"```python\n(.*?)```", told, re.DOTALL)
    payload = re.sub(r"\s+", " ", re.search(r"`(\{.*?\})`", told, re.DOTALL)[1])  # type: ignore[index]
    for name in ("webhooks", "sms_sender"):
        shutil.copytree(ROOT / name, tmp_path / name)  # with what is compiled of it
    (tmp_path / "auto_migrate").symlink_to(ROOT / "auto_migrate")
    (tmp_path / "webhooks/gateways/lunapay.py").write_text(module)
    settings = tmp_path / "sms_sender/settings.py"
    before = settings.read_text("utf-8")
    settings.write_text(before.replace("GATEWAYS = [\n", f"GATEWAYS = [\n{line}", 1))
    assert settings.read_text("utf-8") != before
    env = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "LUNAPAY_WEBHOOK_SECRET": "luna",
        "AUTO_MIGRATE_TOKEN": "token",
        "ALLOWED_HOSTS": "testserver",
        "PYTHONPATH": str(tmp_path),
    }
    scenario = f"import django; django.setup()\n{SCENARIO}"
    command = [sys.executable, "-c", scenario, payload]
    done = finish(start(command, env=environment(env), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    assert done.returncode == 0, done.stdout + done.stderr
    status, payment = json.loads(done.stdout.splitlines()[-1])
    assert (status, payment["gateway"], payment["gateway_id"]) == (200, "lunapay", "lp_1")
