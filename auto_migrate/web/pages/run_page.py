"""One run: how far it is, who is in its way, what it has told, and what may be done about it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from auto_migrate.databases.postgresql.blocking import BlockingSession
from auto_migrate.duration_words import exact_duration
from auto_migrate.events import RetryScheduled
from auto_migrate.history.models import StepRecord
from auto_migrate.lock_wait import aware
from auto_migrate.numerals import numeral
from auto_migrate.values import MigrationKey, RunStatus, StepStatus
from auto_migrate.web.auth import may_end_blockers
from auto_migrate.web.pages import words
from auto_migrate.web.pages.frame import BUSY, FORM, IDLE, Screen, Section, own_address, page
from auto_migrate.web.pages.markup import tag
from auto_migrate.web.run_snapshot import RunSnapshot
from auto_migrate.web.serializers import DONE, online_step, shown

# Of more migrations than this, those around the one that is under way are shown.
MOST_STEPS = 60
# A line of a hint that is, or ends in, what to type.
COMMAND = re.compile(r"(?:^|: |, )\s*((?:python )?manage\.py .+|export .+|SELECT pg_.+)$", re.MULTILINE)


def run_page(request: HttpRequest, seen: RunSnapshot) -> HttpResponse:
    """Return the page of one run, made once for all who are shown the same."""
    may_end = bool(seen.in_the_way) and may_end_blockers(request)
    alike = (get_language(), timezone.get_current_timezone_name(), own_address(request, "debug"), may_end)
    if alike not in seen.shown:
        seen.shown[alike] = _screen(request, seen)
    return page(request, seen.shown[alike])


def _screen(request: HttpRequest, seen: RunSnapshot) -> Screen:
    run, database = seen.run, seen.database
    return Screen(
        _("Run of {time}").format(time=timezone.localtime(aware(run.requested_at)).strftime("%Y-%m-%d %H:%M:%S")),
        lambda: _sections(request, seen),
        digest=seen.digest,
        # Another set of sections means another page.
        key=f"{bool(run.error)}{bool(seen.in_the_way)}{bool(seen.steps)}{bool(run.findings)}",
        news=_news(seen),
        interval=BUSY if seen.is_active else IDLE,
        trail=trail(request, database),
    )


def _sections(request: HttpRequest, seen: RunSnapshot) -> list[Section | None]:
    run = seen.run
    return [
        Section("am-run", _("State"), [_progress(seen), _facts(seen), buttons(request, seen)], live=True),
        Section("am-failure", _("What went wrong"), _failure(seen), live=True) if run.error else None,
        Section("am-wait", _("Who is in the way"), _blockers(request, seen), live=True) if seen.in_the_way else None,
        Section("am-steps", _("Migrations"), [_steps(seen)], live=True) if seen.steps else None,
        Section("am-findings", _("What was found in the plan"), [findings(run.findings)], live=True)
        if run.findings
        else None,
        Section("am-log", _("What happened"), [_log(seen)], live=True),
    ]


def trail(request: HttpRequest, database: str) -> list[tuple[str, str]]:
    """Return the pages above one run."""
    return [
        (_("State and plan"), own_address(request, "debug")),
        (_("Runs"), own_address(request, "runs", database=database)),
    ]


def bar(done: int, total: int, label: str) -> SafeString:
    """Return how far something is, as a bar and as a sentence."""
    share = f"{100 * done // total} %" if total else ""
    return tag(
        "p", tag("progress", share, value=done, max=max(total, 1), aria_label=label), " ", label, class_="am-bar"
    )


def _progress(seen: RunSnapshot) -> list[object]:
    run, now = seen.run, timezone.now()
    total = run.total or 0
    parts: list[object] = [tag("p", words.state(run.status), " ", _situation(seen))]
    if total:
        share = 100 * seen.done // total
        text = _("{done} of {total} migrations, {share} %").format(done=seen.done, total=total, share=share)
        parts.append(bar(seen.done, total, text))
    work = seen.under_way
    if seen.is_active and work and work.total:
        text = _("{phase}: {share} % of what the server counts").format(
            phase=work.phase or _("under way"), share=100 * work.done // work.total
        )
        parts.append(bar(work.done, work.total, text))
    if seen.is_active and work and work.statement:
        parts.append(tag("p", _("Statement under way, for"), " ", words.since(work.since), ":"))
        parts.append(tag("pre", work.statement, tabindex="0"))
    if seen.is_active and not seen.in_the_way and (left := seen.seconds_left(now)):
        parts.append(
            tag("p", _("Time left, by what the same took before and the server counts:"), " ", words.until(left))
        )
    return parts


def _situation(seen: RunSnapshot) -> list[object]:
    """Say in a few words what goes on."""
    run = seen.run
    if run.status == RunStatus.QUEUED:
        return [_("Nobody has begun it yet; asked for"), " ", words.since(run.requested_at), "."]
    if run.status != RunStatus.RUNNING:
        return _ended(seen)
    said = seen.wait and words.sentence(seen.wait)
    if seen.stop_asked:
        said = _("It was asked to stop, and ends at the next safe place.")
    if seen.alive is False:
        said = tag("strong", _("Nobody holds the deploy lock in its name: it pauses, or its process is gone."))
    if said:
        return [said]
    if current := seen.current:
        name = f"{current.app_label}.{current.name}"
        return [_("It is on {migration}, for").format(migration=name), " ", words.since(current.started_at), "."]
    return [_("Under way for"), " ", words.since(run.started_at), "."]


def _ended(seen: RunSnapshot) -> list[object]:
    run = seen.run
    begun, ended = aware(run.started_at), aware(run.finished_at)
    text = "" if run.exit_code is None else _("Exit code {code}.").format(code=run.exit_code)
    if not (begun and ended):
        return [text]
    return [_("It took"), " ", exact_duration((ended - begun).total_seconds()), ". ", text]


def _facts(seen: RunSnapshot) -> SafeString:
    run = seen.run
    begun = run.started_at if seen.is_active else None
    facts = [
        (_("Database"), seen.database),
        (_("Asked for by"), run.requested_by or words.NONE),
        (_("Phase"), _(words.PHASES.get(run.phase, run.phase))),
        (_("Release"), run.release or words.NONE),
        (_("Process"), f"{run.host}:{run.pid}" if run.pid else words.NONE),
        (_("Begun"), [words.at(run.started_at), [" (", words.since(begun), ")"] if begun else None]),
        (_("Ended"), words.at(run.finished_at) if run.finished_at else None),
        (_("Foreseen"), _foreseen(seen)),
        (_("Run"), tag("code", run.id)),
    ]
    return tag("dl", [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts if value is not None])


def _foreseen(seen: RunSnapshot) -> str | None:
    """Return how long the run was to take and, of one that has ended well, how far that was from what it took."""
    told = seen.forecast
    if told is None or told["seconds"] is None:
        return None
    took = sum(step.duration or 0.0 for step in seen.steps)
    text = exact_duration(told["seconds"])
    if seen.run.status != RunStatus.SUCCEEDED or not told["seconds"]:
        return text
    return _("{foreseen}; it was {times} times that").format(
        foreseen=text, times=numeral(took / told["seconds"], ".1f")
    )


# -- buttons ----------------------------------------------------------------------------------------------------------


def button(id_: str, text: str, question: str, address: str, *, answer: str = "", **fields: str) -> SafeString:
    """Return a button that asks back before anything happens, with or without a script."""
    name, value = next(iter(fields.items()), (None, None))
    sure = tag(
        "button", answer or text, type="submit", form=FORM, formaction=address, id=f"{id_}-yes", name=name, value=value
    )
    return tag("details", tag("summary", text, id=f"{id_}-ask"), tag("p", question), sure, id=id_, class_="am-ask")


def buttons(request: HttpRequest, seen: RunSnapshot) -> SafeString | None:
    """Return what may be done about the run in the state that it is in."""
    run, database = seen.run, seen.database
    offered = []
    if seen.may_stop and not seen.stop_asked:
        address = own_address(request, "stop", run.id, database=database)
        question = _("It ends at the next safe place: the migration under way is finished, or taken back if it waits.")
        offered.append(button("am-stop", _("Stop the run"), question, address, answer=_("Yes, stop it")))
    if seen.may_stop and (last := seen.entries[-1] if seen.entries else None) and last.kind == RetryScheduled.kind:
        address = own_address(request, "retry", run.id, database=database)
        question = _("The next attempt comes at once.")
        offered.append(button("am-retry", _("Try again now"), question, address, answer=_("Yes, try again")))
    if run.status in {RunStatus.FAILED, RunStatus.INTERRUPTED}:
        plan = tag("a", _("Look at the plan, and migrate"), href=own_address(request, "debug"))
        offered.append(tag("p", plan))
    return tag("div", offered, class_="am-buttons") if offered else None


# -- trouble ----------------------------------------------------------------------------------------------------------


def _failure(seen: RunSnapshot) -> list[object]:
    error, hint = shown(seen.run.error) or "", shown(seen.run.hint) or ""
    parts: list[object] = [tag("pre", error, tabindex="0", class_="am-error")]
    if hint:
        parts.append(tag("pre", hint, tabindex="0"))
    if commands := list(dict.fromkeys(commands_in(hint))) or ["python manage.py auto_migrate --plan"]:
        parts += [tag("h3", _("To type next")), [to_copy(command) for command in commands]]
    return parts


def commands_in(hint: str) -> Iterator[str]:
    """Return the commands that a hint tells to type."""
    for found in COMMAND.finditer(hint):
        command = found[1].strip().rstrip(".")
        yield f"python {command}" if command.startswith("manage.py") else command


def to_copy(command: str) -> SafeString:
    """Return a command with a button that copies it, which is there where a script runs."""
    copy = tag("button", _("Copy"), type="button", data_copy=command, hidden=True)
    return tag("p", tag("code", command), " ", copy, class_="am-command")


def _blockers(request: HttpRequest, seen: RunSnapshot) -> list[object]:
    return [_branch(request, seen, list(seen.in_the_way), 0)]


def _branch(request: HttpRequest, seen: RunSnapshot, sessions: Sequence[BlockingSession], depth: int) -> SafeString:
    """Return sessions as a tree: below each those that it waits for itself, which follow it in the list."""
    items, number = [], 0
    while number < len(sessions):
        below = number + 1
        while below < len(sessions) and sessions[below].depth > depth:
            below += 1
        behind = sessions[number + 1 : below]
        items.append(
            tag("li", _session(request, seen, sessions[number]), behind and _branch(request, seen, behind, depth + 1))
        )
        number = below
    return tag("ul", items, class_="am-tree")


def _session(request: HttpRequest, seen: RunSnapshot, session: BlockingSession) -> list[object]:
    who = " ".join(filter(None, (session.user, session.application))) or _("hidden from this role")
    name = _("pid {pid}").format(pid=session.pid) if session.pid else _("a prepared transaction")
    parts: list[object] = [
        tag(
            "p",
            tag("strong", name),
            f" · {who} · {session.state}",
            session.since and [" · ", words.since(session.since)],
        ),
        session.locks and tag("p", _("Holds {locks}.").format(locks=session.locks)),
        session.query and tag("pre", session.query, tabindex="0"),
    ]
    if session.pid and may_end_blockers(request):
        address = own_address(request, "end-blocker", session.pid, database=seen.database)
        question = _("Its transaction is rolled back, and its client loses the connection: {who}.").format(who=who)
        text = _("End session {pid}").format(pid=session.pid)
        parts.append(
            button(f"am-end-{session.pid}", text, question, address, answer=_("Yes, end it"), run_id=str(seen.run.id))
        )
    return parts


# -- migrations and log -----------------------------------------------------------------------------------------------


def _steps(seen: RunSnapshot) -> list[object]:
    steps = list(seen.steps)
    first = max(0, min(seen.done - MOST_STEPS // 2, len(steps) - MOST_STEPS)) if len(steps) > MOST_STEPS else 0
    last = min(len(steps), first + MOST_STEPS)
    before = ngettext("{count} migration before", "{count} migrations before", first).format(count=first)
    after = ngettext("{count} migration after", "{count} migrations after", len(steps) - last).format(
        count=len(steps) - last
    )
    return [
        first > 0 and tag("p", before),
        tag("ol", [_step(seen, step) for step in steps[first:last]], class_="am-steps", start=first + 1),
        len(steps) > last and tag("p", after),
    ]


def _step(seen: RunSnapshot, step: StepRecord) -> SafeString:
    time: object = None
    if step.duration is not None:
        time = exact_duration(step.duration)
    elif step.status == StepStatus.RUNNING and seen.is_active:
        time = words.since(step.started_at)
    elif (before := seen.earlier.get(MigrationKey(step.app_label, step.name), 0.0)) >= 1:
        time = _("took {time} before").format(time=exact_duration(before))
    schema = f"{step.schema_name}: " if step.schema_name else ""
    name = tag("code", f"{schema}{step.app_label}.{step.name}")
    backwards = [" ", _("(unapplied)")] if step.backwards else None
    operation = None
    if step.status == StepStatus.RUNNING and (online := online_step(step)):
        text = _("Operation {operation}, online, step {step} of {steps}: {name} {table}").format(**online)
        operation = bar(online["step"] - 1, online["steps"], text)
    elif step.status == StepStatus.RUNNING and step.operation_started:
        operation = tag("p", _("Operation {number} is under way.").format(number=step.operation_started))
    # What ended the run stands above.
    told = step.status == StepStatus.FAILED and not (seen.run.error and seen.run.error in (step.error or ""))
    error = told and step.error and tag("pre", shown(step.error), tabindex="0")
    return tag(
        "li", words.state(step.status), " ", name, backwards, " ", time, operation, error, data_state=step.status
    )


def findings(found: Sequence[dict[str, str]] | None) -> SafeString:
    """Return what was found in a plan, as the history keeps it."""
    items = []
    for finding in found or ():
        settled = finding.get("acknowledged")
        handled = finding.get("handled")
        note = _("acknowledged: {reason}").format(reason=settled) if settled is not None else ""
        note = note or (_("taken care of: {how}").format(how=handled) if handled else "")
        name = tag("code", f"{finding['code']} {finding['migration']}")
        items.append(
            tag("li", words.level(finding["level"], handled), " ", name, " ", finding["title"], note and f" ({note})")
        )
    return tag("ul", items, class_="am-findings")


def _log(seen: RunSnapshot) -> SafeString:
    told = sorted(_told(seen), key=lambda line: line[0])
    return tag("ol", [tag("li", words.at(moment), " ", text) for moment, text in told[-200:]], class_="am-log")


def _told(seen: RunSnapshot) -> Iterator[tuple[datetime.datetime, str]]:
    """Return what happened, from the row of the run, its steps and what it told, in no order."""
    run = seen.run
    for moment, text in (
        (run.requested_at, _("Asked for by {who}.").format(who=run.requested_by or words.NONE)),
        (run.started_at, _("Begun by {host}:{pid}.").format(host=run.host, pid=run.pid)),
        (run.finished_at, _("Ended: {state}.").format(state=_(words.STATES[run.status]))),
    ):
        if known := aware(moment):
            yield known, text
    for step in seen.steps:
        name = f"{step.app_label}.{step.name}"
        if began := aware(step.started_at):
            yield began, _("{migration} began.").format(migration=name)
        if (ended := aware(step.finished_at)) and step.status not in {StepStatus.PENDING, StepStatus.RUNNING}:
            yield ended, _("{migration}: {state}.").format(migration=name, state=_(words.STATES[step.status]))
    for entry in seen.entries:
        if known := aware(entry.at):
            yield known, words.sentence(entry)


def _news(seen: RunSnapshot) -> str:
    """Return the one sentence that is read aloud when it changes."""
    run = seen.run
    if not seen.is_active:
        return _("The run has ended: {state}.").format(state=_(words.STATES[run.status]))
    if seen.in_the_way:
        return _("The run waits for other sessions.")
    ended = [step for step in seen.steps if step.status in DONE]
    if not ended:
        return _("The run is under way.")
    name = f"{ended[-1].app_label}.{ended[-1].name}"
    return _("{migration} is done, {done} of {total}.").format(migration=name, done=len(ended), total=run.total or 0)
