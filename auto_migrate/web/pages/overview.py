"""The first page: each database with its state, what is pending and what was found in it, and the last runs."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import Error, connections
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from auto_migrate.backfills.progress import described, together
from auto_migrate.backfills.records import Backfills
from auto_migrate.conf import get_settings
from auto_migrate.databases import adapter_for
from auto_migrate.duration_words import exact_duration
from auto_migrate.exceptions import AutoMigrateError, TransientError
from auto_migrate.findings import AssessedMigration, Finding
from auto_migrate.fleet.database_state import TENANTS_FRESH, whole_state
from auto_migrate.history.store import ACTIVE, History
from auto_migrate.lock_wait import aware
from auto_migrate.planning.targets import Goal
from auto_migrate.preview import Judged, judge
from auto_migrate.prompt_questions import prompt_questions
from auto_migrate.reporting.assessments.text import forecast_line
from auto_migrate.reporting.bridge_words import grouped
from auto_migrate.safety.plan_assessment import while_waiting
from auto_migrate.safety.plan_fingerprint import plan_fingerprint
from auto_migrate.safety.refusal import may_pass
from auto_migrate.web.pages import words
from auto_migrate.web.pages.bridge_list import bridge_list
from auto_migrate.web.pages.bridge_list import described as described_bridge
from auto_migrate.web.pages.frame import BUSY, FORM, IDLE, Screen, Section, own_address, page
from auto_migrate.web.pages.markup import tag
from auto_migrate.web.pages.run_page import bar, button, to_copy
from auto_migrate.web.serializers import run_in_full, shown
from auto_migrate.web.shown_settings import scrubbed

LAST_RUNS = 5
# For how many seconds a plan that was judged is shown again: it asks the database for the sizes of tables.
JUDGED_FOR = 30.0
TROUBLE = (AutoMigrateError, TransientError, Error)


def overview_page(request: HttpRequest, situation: Mapping[str, Any] | None) -> HttpResponse:
    """Return the page; without a situation only that of it which is refreshed."""
    looks = {alias: look(alias) for alias in connections}
    told = json.dumps(looks, cls=DjangoJSONEncoder)
    busy = any(seen.get("holder") or seen.get("running") for seen in looks.values())
    pending = json.dumps([[seen.get("state"), seen.get("pending"), seen.get("deferred")] for seen in looks.values()])
    screen = Screen(
        _("Migrations"),
        lambda: list(_sections(request, looks, situation)),
        digest=hashlib.sha256(told.encode()).hexdigest(),
        key=hashlib.sha256(pending.encode()).hexdigest()[:12],
        interval=BUSY if busy else IDLE,
        news="; ".join(
            f"{alias}: {_(words.STATES.get(seen.get('state', 'unknown'), ''))}" for alias, seen in looks.items()
        ),
        trail=[(_("Runs"), own_address(request, "runs")), (_("Backfills"), own_address(request, "backfills"))],
    )
    return page(request, screen)


def _sections(
    request: HttpRequest, looks: Mapping[str, Mapping[str, Any]], situation: Mapping[str, Any] | None
) -> Iterator[Section]:
    for number, (alias, seen) in enumerate(looks.items(), start=1):
        title = _("Database {name}").format(name=alias)
        yield Section(f"am-database-{number}", title, _state(request, alias, seen), live=True)
        if situation is not None and "error" not in seen:
            yield Section(f"am-plan-{number}", _("Plan of {name}").format(name=alias), plan(request, alias, seen))
    if situation is not None:
        yield Section("am-settings", _("Settings"), _settings(situation))


def look(alias: str) -> dict[str, Any]:
    """Return what is refreshed of one database, by a few short questions; `error` if it cannot be asked."""
    try:
        with prompt_questions(alias):
            found = whole_state(alias, age=TENANTS_FRESH)
            runs = [run_in_full(run, alias) for run in History(alias).runs().prefetch_related("steps")[:LAST_RUNS]]
            return {
                "state": found.state,
                "pending": found.pending,
                "deferred": [str(key) for key in found.deferred],
                "holder": _holder(alias),
                "running": next((run for run in runs if run["status"] in ACTIVE), None),
                "runs": runs,
                "bridges": [described_bridge(*alike) for alike in grouped(found.bridges)],
                "backfills": list(map(described, together(Backfills(alias).unfinished()))),
            }
    except TROUBLE as error:
        return {"error": scrubbed(str(error))}


def _holder(alias: str) -> str:
    connection = connections[alias]
    if connection.vendor == "postgresql":
        from auto_migrate.databases.postgresql.blocking import holder

        return holder(connection)
    found = adapter_for(alias).lock_holder()
    return found.description or _("another runner") if found else ""


def _state(request: HttpRequest, alias: str, seen: Mapping[str, Any]) -> list[object]:
    if "error" in seen:
        return [
            tag("p", tag("strong", _("It cannot be asked.")), role="alert"),
            tag("pre", seen["error"], tabindex="0"),
        ]
    count = seen["pending"]
    text = ngettext("{count} migration is pending.", "{count} migrations are pending.", count).format(count=count)
    held = _("The deploy lock is held by {holder}.").format(holder=seen["holder"])
    parts: list[object] = [
        tag("p", words.state(seen["state"]), " ", text if count else _("Nothing is pending.")),
        tag("p", held if seen["holder"] else _("The deploy lock is free.")),
    ]
    if running := seen["running"]:
        progress = running["progress"]
        label = _("{done} of {total} migrations").format(done=progress["done"], total=progress["total"] or 0)
        parts.append(bar(progress["done"], progress["total"] or 0, label))
    parts += [tag("h3", _("Last runs")), run_list(request, seen["runs"])]
    if seen["bridges"]:
        parts += [tag("h3", _("Bridges")), bridge_list(request, alias, seen["bridges"])]
    if seen["backfills"]:
        link = tag("a", _("Backfills"), href=own_address(request, "backfills", database=alias))
        parts += [tag("h3", link), tag("ul", [tag("li", told) for told in seen["backfills"]])]
    return parts


def run_list(request: HttpRequest, runs: list[dict[str, Any]]) -> SafeString:
    """Return runs as a list of links, each with how it stands."""
    if not runs:
        return tag("p", _("No run is recorded."))
    return tag("ol", [_run(request, run) for run in runs], class_="am-runs")


def _run(request: HttpRequest, run: Mapping[str, Any]) -> SafeString:
    link = tag(
        "a", words.at(run["requested_at"]), href=own_address(request, "run", run["run_id"], database=run["database"])
    )
    by = [_("by {who}").format(who=run["requested_by"] or words.NONE)]
    if run["release"]:
        by.append(_("release {name}").format(name=run["release"][:12]))
    if run["phase"] != "all":
        by.append(_(words.PHASES[run["phase"]]))
    begun, ended = aware(run["started_at"]), aware(run["finished_at"])
    if begun and ended:
        by.append(exact_duration((ended - begun).total_seconds()))
    error = (run["error"] or "").split("\n", 1)[0]
    return tag("li", words.state(run["status"]), " ", link, " ", ", ".join(by), error and tag("p", error))


# -- the plan ---------------------------------------------------------------------------------------------------------

# By alias: when, of what, and how.
_judged: dict[str, tuple[float, str, Judged]] = {}


def judged(alias: str, seen: Mapping[str, Any]) -> Judged:
    """Judge what is pending and what waits for the deploy; what was judged a moment ago is not judged again."""
    key = json.dumps([seen["pending"], seen["deferred"], [str(run["run_id"]) for run in seen["runs"][:1]]])
    last = _judged.get(alias)
    if last is None or last[1] != key or time.monotonic() - last[0] > JUDGED_FOR:
        last = _judged[alias] = (time.monotonic(), key, judge(alias, Goal.asked(None, None, None), with_left=True))
    return last[2]


def plan(request: HttpRequest, alias: str, seen: Mapping[str, Any]) -> list[object]:
    """Return what a run would do now, and the buttons that begin one."""
    if not seen["pending"] and not seen["deferred"] and seen["state"] != "diverged":
        return [tag("p", _("Nothing is pending."))]
    if seen["holder"] or seen["running"]:
        return [tag("p", _("It is not judged while a run is under way."))]
    try:
        found = judged(alias, seen)
    except TROUBLE as error:
        return [tag("p", scrubbed(str(error)), role="alert")]
    comparison, assessment = found.comparison, found.assessment
    left = {str(key) for key in seen["deferred"]}
    now = [assessed for assessed in assessment.migrations if str(assessed.migration) not in left]
    later = [assessed for assessed in assessment.migrations if str(assessed.migration) in left]
    fingerprint = plan_fingerprint(comparison)
    blocking = [one for one in found.blocking if str(one.migration) not in left or while_waiting(one)]
    parts: list[object] = [found.obstacle and tag("pre", str(found.obstacle), tabindex="0", class_="am-error")]
    if now:
        parts.append(assessment.forecast and tag("p", forecast_line(assessment.forecast)))
        parts += [_migrations(now, fingerprint, blocking), _migrate_now(request, alias, blocking)]
    if later:
        parts += [
            tag("h3", _("Left for after the deploy")),
            _migrations(later, fingerprint, blocking),
            _apply_left(request, alias),
        ]
    return parts


def _migrations(plan: list[AssessedMigration], fingerprint: str, blocking: list[Finding]) -> SafeString:
    return tag("ol", [_migration(assessed, fingerprint, blocking) for assessed in plan], class_="am-plan")


def _migration(assessed: AssessedMigration, fingerprint: str, blocking: list[Finding]) -> SafeString:
    operations = [
        tag("li", operation.description, operation.online and " " + _("(online)")) for operation in assessed.operations
    ]
    found = [_finding(finding, fingerprint, finding in blocking) for finding in assessed.findings]
    return tag(
        "li", tag("code", assessed.migration), tag("ul", operations), found and tag("ul", found, class_="am-findings")
    )


def _finding(finding: Finding, fingerprint: str, is_blocking: bool) -> SafeString:
    name = f"{finding.code}:{finding.migration}"
    settled = finding.acknowledged or (finding.handled and _("taken care of: {how}").format(how=finding.handled))
    parts: list[object] = [
        words.level(finding.level, finding.handled),
        " ",
        tag("code", finding.code),
        " ",
        finding.title,
    ]
    parts += [settled and f" ({settled})", tag("p", shown(finding.problem))]
    if is_blocking and may_pass(finding):
        box = tag(
            "input", type="checkbox", name="acknowledge", value=f"{name}@{fingerprint}", form=FORM, id=f"am-{name}"
        )
        parts.append(tag("p", box, " ", tag("label", _("I know and want it, for this plan alone"), for_=f"am-{name}")))
    return tag("li", parts)


def _migrate_now(request: HttpRequest, alias: str, blocking: list[Finding]) -> list[object]:
    address = own_address(request, "force-migrate")
    question = _("A run begins on database {name}, as the release step would make it.").format(name=alias)
    if blocking:
        question += " " + _("It is refused as long as a finding stands that nobody has acknowledged.")
    begin = button(f"am-migrate-{alias}", _("Migrate now"), question, address, answer=_("Yes, migrate"), database=alias)
    command = "python manage.py auto_migrate" + (f" --database {alias}" if alias != "default" else "")
    return [tag("div", begin, class_="am-buttons"), tag("p", _("Or type:")), to_copy(command)]


def _apply_left(request: HttpRequest, alias: str) -> SafeString:
    address = own_address(request, "force-migrate") + "?phase=post_deploy"
    question = _("It is for when no process of the release before is running any more.")
    text, answer = _("Apply what was left"), _("Yes, apply it")
    return tag(
        "div", button(f"am-left-{alias}", text, question, address, answer=answer, database=alias), class_="am-buttons"
    )


# -- settings ---------------------------------------------------------------------------------------------------------


def _settings(situation: Mapping[str, Any]) -> list[object]:
    versions = " · ".join(f"{name} {version}" for name, version in situation["versions"].items())
    parts: list[object] = [
        tag("p", _("Release {name}").format(name=get_settings().release or words.NONE), " · ", versions),
        _folded("AUTO_MIGRATE", situation["settings"]),
    ]
    for alias, database in situation["databases"].items():
        server = {f"server {key}": value for key, value in database.get("server", {}).items()}
        values = {**database["settings"], **server, "driver": database["driver"]}
        parts.append(_folded(_("Connection of {name}").format(name=alias), values))
    return parts


def _folded(title: str, values: Mapping[str, Any]) -> SafeString:
    told = {key: words.NONE if value is None else str(value) for key, value in values.items()}
    rows = [tag("div", tag("dt", key), tag("dd", value)) for key, value in told.items()]
    return tag("details", tag("summary", title), tag("dl", rows))
