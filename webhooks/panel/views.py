"""The shop's page, and what can be done on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from auto_migrate.web.health import overall, service_report
from webhooks import alarms, gateways, queue
from webhooks.models import RecoverySMS
from webhooks.panel import figures
from webhooks.phones import mask
from webhooks.states import DeliveryStatus, SMSStatus
from webhooks.texts import reais

POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
"""Everything on the page is our own, and nothing in it is code that stands between the lines."""
MAY_DECIDE = "webhooks.change_recoverysms"


@never_cache
@staff_member_required
@require_safe
def panel(request: HttpRequest) -> HttpResponse:
    """Show the page."""
    now = timezone.now()
    context = {
        "now": now,
        "alarms": alarms.current(),
        "may_decide": request.user.has_perm(MAY_DECIDE),
        **_recovery(now),
        **_waiting(now),
        **_deliveries(now),
        **_outcomes(now),
        **_health(),
    }
    response = render(request, "webhooks/panel.html", context)
    response["Content-Security-Policy"] = POLICY
    return response


def _recovery(now: datetime) -> dict[str, Any]:
    titles = {1: _("Today"), 7: _("7 days"), 30: _("30 days")}
    found_periods, by_day = figures.recovery(now)
    periods = [
        {"title": titles[found.days], "reais": reais(found.centavos), "rate": _percent(found.rate), "figures": found}
        for found in found_periods
    ]
    days = [(formats.date_format(day, "d/m"), centavos) for day, centavos in by_day.items()]
    chart = {
        "labels": [day for day, _centavos in days],
        "series": [{"label": _("Recovered, R$"), "data": [centavos / 100 for _day, centavos in days]}],
    }
    return {"periods": periods, "days": [(day, reais(sum_)) for day, sum_ in days if sum_], "recovered_chart": chart}


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{formats.number_format(100 * share, 1)} %"


def _waiting(now: datetime) -> dict[str, Any]:
    titles = {
        "late": (_("Late"), _("Due for a while, and no worker has taken them: look at worker and beat.")),
        "due": (_("Due"), _("A worker takes them within seconds.")),
        "pending": (_("Pending"), _("They wait for their time.")),
        "failed": (_("Failed"), _("They did not go out.")),
        "unknown": (_("Unknown"), _("They may have gone out: ask the provider, then say what became of them.")),
    }
    kinds = [
        {"kind": found.kind, "title": titles[found.kind][0], "hint": titles[found.kind][1], "count": found.count,
         "rows": [_row(sms, now) for sms in found.rows], "more": found.count - len(found.rows)}
        for found in figures.waiting(now)
    ]  # fmt: skip
    return {"kinds": kinds, "admin_list": reverse("admin:webhooks_recoverysms_changelist")}


def _row(sms: RecoverySMS, now: datetime) -> dict[str, Any]:
    return {
        "key": sms.pk,
        "order": sms.payment.external_id or sms.payment.gateway_id,
        "reminder": _("reminder {number}").format(number=sms.number) if sms.number > 1 else "",
        "phone": mask(sms.phone or sms.payment.customer_phone),
        "reais": reais(sms.payment.amount),
        "when": from_now(sms.due_at, now),
        "error": sms.error,
        "actions": _actions(sms),
    }


def _actions(sms: RecoverySMS) -> list[tuple[str, str]]:
    if sms.status == SMSStatus.UNKNOWN:
        return [("arrived", _("It arrived")), ("send", _("Send again"))]
    if sms.status == SMSStatus.FAILED:
        return [("send", _("Send again")), ("dismiss", _("Leave it"))]
    return [("send", _("Send now")), ("cancel", _("Cancel"))]


def _deliveries(now: datetime) -> dict[str, Any]:
    found = figures.deliveries_by_hour(now)
    labels = dict(gateways.choices())
    hours = list(next(iter(found.values()), {}))
    last = figures.last_deliveries().items()
    chart = {
        "labels": [f"{hour:%H}h" for hour in hours],
        "series": [{"label": labels[name], "data": list(counts.values())} for name, counts in found.items()],
    }
    table = [(f"{hour:%H}h", *(counts[hour] for counts in found.values())) for hour in hours]
    dead = figures.dead_letters(now - timedelta(days=max(figures.PERIODS)))
    return {
        "last": [(labels[name], from_now(moment, now) if moment else _("never")) for name, moment in last],
        "hours_chart": chart,
        "hours": [row for row in table if any(row[1:])],
        "dead_letters": dead,
    }


def _outcomes(now: datetime) -> dict[str, Any]:
    since = figures.start_of(max(figures.PERIODS), now)
    found = figures.outcomes(since)
    words = dict(SMSStatus.choices) | dict(DeliveryStatus.choices)
    rows = sorted(((str(words[key]), count) for key, count in found.counts.items()), key=lambda row: -row[1])
    chart = {
        "labels": [word for word, _count in rows],
        "series": [{"label": "SMS", "data": [count for _word, count in rows]}],
    }
    cost = None if found.cost is None else reais(round(found.cost * 100))
    total, lately = figures.opt_outs(since)
    return {
        "outcomes": rows, "outcomes_chart": chart, "segments": found.segments, "cost": cost,
        "opt_outs": total, "opt_outs_lately": lately,
    }  # fmt: skip


def _health() -> dict[str, Any]:
    database, checks = service_report()
    titles = {
        "cache": _("Redis"), "sms_scheduler": _("Worker and beat"), "sms_provider": _("SMS provider"),
        "sms_budget": _("The day's budget"), "deliveries": _("Words of the gateways"),
    }  # fmt: skip
    states = {"healthy": _("healthy"), "degraded": _("degraded"), "unhealthy": _("unhealthy")}
    parts = [
        (titles.get(name, name), str(found["status"]), states.get(str(found["status"]), ""), found.get("error", ""))
        for name, found in checks.items()
    ]
    status = str(overall(database, checks))
    schema = database.schema
    return {
        "status": status, "status_word": states[status], "parts": parts,
        "migrations": str(schema.state) if schema else "unknown", "migrations_word": _migrations(schema),
    }  # fmt: skip


def _migrations(schema: Any) -> str:
    if schema is None:
        return _("The database does not answer.")
    words = {
        "up_to_date": _("The database is up to date."),
        "ahead": _("The database is ahead of this release."),
        "diverged": _("The database and this release have diverged."),
    }
    pending = schema.pending or 0
    behind = ngettext("{count} migration is pending.", "{count} migrations are pending.", pending)
    return words.get(str(schema.state)) or behind.format(count=pending)


def from_now(moment: datetime, now: datetime) -> str:
    """Return how long ago something was, or in how long it will be: `3 min ago`, `in 2 h`."""
    seconds = (now - moment).total_seconds()
    text = _("{time} ago") if seconds >= 0 else _("in {time}")
    for size, unit in ((86400, _("{count} d")), (3600, _("{count} h")), (60, _("{count} min"))):
        if abs(seconds) >= size:
            return text.format(time=unit.format(count=int(abs(seconds) // size)))
    return _("just now") if seconds >= 0 else _("in a moment")


ACTIONS: dict[str, Callable[[QuerySet[RecoverySMS], str], int]] = {
    "send": lambda rows, _who: queue.send_again(rows),
    "cancel": lambda rows, who: queue.cancel(rows, reason=_("Cancelled by {user}.").format(user=who)),
    "dismiss": lambda rows, who: queue.dismiss(rows, reason=_("Given up by {user}.").format(user=who)),
    "arrived": lambda rows, _who: queue.confirm(rows),
}


@staff_member_required
@require_POST
def act(request: HttpRequest, key: int, action: str) -> HttpResponse:
    """Do what an operator has decided about one SMS."""
    if not request.user.has_perm(MAY_DECIDE):
        raise PermissionDenied
    sms = get_object_or_404(RecoverySMS, pk=key)
    done = ACTIONS[action](RecoverySMS.objects.filter(pk=sms.pk), request.user.get_username())
    if done:
        messages.success(request, _("Done."))
    else:
        messages.warning(request, _("Nothing was done: the SMS has gone on meanwhile."))
    return HttpResponseRedirect(reverse("panel"))
