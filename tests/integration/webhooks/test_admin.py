"""In the admin everything is read, and a person decides what no program may."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils.translation import override

from tests.integration.webhooks.conftest import Deliver
from tests.integration.webhooks.payloads import ghostpay
from webhooks import roles, search
from webhooks.models import Payment, RecoverySMS, WebhookEvent
from webhooks.states import EventStatus, SMSStatus

pytestmark = pytest.mark.django_db

SMS_LIST = "/admin/webhooks/recoverysms/"


@pytest.fixture(autouse=True)
def sms(deliver: Deliver) -> RecoverySMS:
    """Return a scheduled SMS."""
    deliver(ghostpay())
    return RecoverySMS.objects.get()


def act(client: Client, url: str, action: str, *keys: int) -> int:
    """Run an admin action on rows and return the answer's status."""
    return client.post(url, {"action": action, "_selected_action": list(keys)}).status_code


@pytest.mark.parametrize("model", [Payment, WebhookEvent, RecoverySMS])
def test_everything_is_listed_searched_and_shown_and_nothing_edited(
    admin_client: Client, model: type[Payment] | type[WebhookEvent] | type[RecoverySMS]
) -> None:
    url = f"/admin/webhooks/{model._meta.model_name}/"
    listed = admin_client.get(url, {"q": "gp_7f3a9c21"})
    assert listed.status_code == 200
    assert "gp_7f3a9c21" in listed.content.decode()
    assert "999887766" not in listed.content.decode()
    row = model._default_manager.get()
    assert admin_client.get(f"{url}{row.pk}/change/").status_code == 200
    assert admin_client.post(f"{url}{row.pk}/change/", {"status": "paid"}).status_code == 403
    assert admin_client.post(f"{url}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.get(f"{url}add/").status_code == 403


def test_amounts_are_shown_in_reais(admin_client: Client) -> None:
    url = "/admin/webhooks/payment/"
    for page in (f"{url}?o=5", f"{url}{Payment.objects.get().pk}/change/"):
        shown = admin_client.get(page).content.decode()
        assert "R$ 99,90" in shown
        assert "9990" not in shown


def test_an_sms_is_cancelled_by_hand(admin_client: Client, sms: RecoverySMS) -> None:
    act(admin_client, SMS_LIST, "cancel", sms.pk)
    sms.refresh_from_db()
    assert (sms.status, sms.error) == (SMSStatus.CANCELLED, "Cancelled by admin.")


@pytest.mark.parametrize(
    ("status", "becomes"),
    [("unknown", "scheduled"), ("failed", "scheduled"), ("scheduled", "scheduled"), ("cancelled", "scheduled"),
     ("sent", "sent"), ("sending", "sending")],
)  # fmt: skip
def test_an_sms_is_sent_by_hand_unless_it_is_out_already(
    admin_client: Client, sms: RecoverySMS, status: str, becomes: str
) -> None:
    due_at = sms.due_at
    RecoverySMS.objects.update(status=status)
    act(admin_client, SMS_LIST, "send_now", sms.pk)
    sms.refresh_from_db()
    assert sms.status == becomes
    assert (sms.due_at < due_at) is (becomes == "scheduled")


@pytest.mark.parametrize(
    ("codename", "becomes"), [("view_recoverysms", "scheduled"), ("change_recoverysms", "cancelled")]
)
def test_actions_need_the_permission_to_change(client: Client, sms: RecoverySMS, codename: str, becomes: str) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    permissions = Permission.objects.filter(codename__in=["view_recoverysms", codename])
    clerk.user_permissions.set(permissions)
    client.force_login(clerk)
    act(client, SMS_LIST, "cancel", sms.pk)
    sms.refresh_from_db()
    assert sms.status == becomes


def test_a_delivery_is_processed_again_by_hand(admin_client: Client, sms: RecoverySMS) -> None:
    Payment.objects.all().delete()
    event = WebhookEvent.objects.get()
    WebhookEvent.objects.update(status=EventStatus.IGNORED, note="Not known to the release before.")
    act(admin_client, "/admin/webhooks/webhookevent/", "process_again", event.pk)
    event.refresh_from_db()
    assert (event.status, event.note) == (EventStatus.PROCESSED, "")
    assert Payment.objects.get().recovery_sms.get().status == SMSStatus.SCHEDULED


@pytest.mark.parametrize("term", ["gp_7f3a9c21", "pedido-1042", "(11) 99988-7766", "+5511999887766", " pedido-1042 "])
@pytest.mark.parametrize("model", ["payment", "recoverysms", "webhookevent"])
def test_support_finds_by_what_it_is_told(admin_client: Client, deliver: Deliver, model: str, term: str) -> None:
    deliver(ghostpay(paymentId="gp_other", externalId="pedido-7", customer={"phone": "21988776655"}))
    shown = admin_client.get(f"/admin/webhooks/{model}/", {"q": term}).content.decode()
    assert shown.count('class="field-status"') == 1
    assert "pedido-7" not in shown
    assert "gp_other" not in shown


def test_a_search_reads_no_more_than_the_indexes_lead_to() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # a table of a few rows is read as it is
        plan = search.payments("11 99988-7766").explain()
    assert "Seq Scan" not in plan
    assert "Index Scan" in plan


def test_the_admin_speaks_portuguese(admin_client: Client, sms: RecoverySMS) -> None:
    with override("pt-br"):
        listed = admin_client.get(SMS_LIST).content.decode()
        form = {"action": "cancel", "_selected_action": [sms.pk]}
        done = admin_client.post(SMS_LIST, form, follow=True).content.decode()
        refused = admin_client.post("/admin/webhooks/optout/add/", {"phone": "1"}).content.decode()
    for told in ("Agendado", "Pedido", "Destinatário", "Previsto para", "Enviar agora", "Selecione SMS de recuperação"):
        assert told in listed
    assert "1 cancelados." in done
    assert "Cancelado por admin." in done
    assert "Isto não é um telefone." in refused


def test_roles_are_made_with_the_tables_and_left_as_they_are_changed() -> None:
    Group.objects.all().delete()
    call_command("migrate", verbosity=0)
    support, operators = (Group.objects.get(name=name) for name in (roles.SUPPORT, roles.OPERATORS))
    assert {each.codename.split("_")[0] for each in support.permissions.all()} == {"view"}
    assert operators.permissions.filter(codename="change_recoverysms").exists()
    support.permissions.clear()
    call_command("migrate", verbosity=0)
    assert support.permissions.count() == 0


@pytest.mark.parametrize(("role", "is_shown"), [(roles.SUPPORT, False), (roles.OPERATORS, True)])
def test_only_operators_see_whole_payloads(client: Client, role: str, *, is_shown: bool) -> None:
    call_command("migrate", verbosity=0)
    user = User.objects.create_user("ana", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user)
    event = WebhookEvent.objects.get()
    told = client.get(f"/api/webhooks/events/{event.pk}/").content.decode()
    assert ("00000000191" in told) is is_shown
    assert "gp_7f3a9c21" in told
