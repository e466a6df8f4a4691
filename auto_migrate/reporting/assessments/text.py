"""A judged plan as people read it on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import indent, wrap
from typing import TYPE_CHECKING, Any

from django.core.management.color import Style
from django.utils.translation import gettext as _

from auto_migrate.conf import get_settings
from auto_migrate.duration_words import exact_duration
from auto_migrate.events import PlanAssessed
from auto_migrate.findings import AssessedMigration, Basis, Finding, Forecast, Handled, Level, PlannedOperation
from auto_migrate.redaction import redacted
from auto_migrate.reporting.bridge_words import what

if TYPE_CHECKING:
    from auto_migrate.reporting.assessments.report import AssessmentReport

WIDTH = 100
SIGNS = {Level.ERROR: "✖", Level.WARNING: "▲", Level.NOTICE: "·"}


def report_lines(report: AssessmentReport, style: Style) -> Iterator[str]:
    """Return a plan that was judged with no database: its migrations, what matches nothing in it, and the summary."""
    for assessed in report.assessment.migrations:
        yield from migration_lines(assessed, style)
        yield ""
    yield from report.unmatched()
    yield report.summary()


def plan_lines(event: PlanAssessed, style: Style, *, notices: bool) -> Iterator[str]:
    """Return what stops the plan in full, and the rest in a line each."""
    for finding in event.findings:
        if finding in event.blocking:
            yield from finding_lines(finding, style)
        elif finding.level is not Level.NOTICE or notices:
            yield headline(finding, style)


def migration_lines(assessed: AssessedMigration, style: Style, *, left: bool = False) -> Iterator[str]:
    """Return one migration: its operations with their statements, and what was found in it."""
    colours: Any = style
    traits = [
        *phase_words(assessed),
        _("left for after the deploy") if left else "",
        "" if assessed.atomic else _("not atomic"),
        _("backwards") if assessed.backwards else "",
        "" if assessed.done is None else _("was cut; done: {done}").format(done=assessed.done),
    ]
    told = ", ".join(filter(None, traits))
    yield colours.MIGRATE_HEADING(f"{assessed.migration}{f' ({told})' if told else ''}")
    for operation in assessed.operations:
        yield from operation_lines(operation)
    for finding in assessed.findings:
        yield from finding_lines(finding, style)


def phase_words(assessed: AssessedMigration) -> Iterator[str]:
    """Name the phase where there are phases, and say if the operations do not agree on it."""
    if get_settings().PHASES:
        yield assessed.phase
        yield _("ambiguous") if any(finding.code == "AM505" for finding in assessed.findings) else ""


def operation_lines(operation: PlannedOperation) -> Iterator[str]:
    """Return one operation."""
    reversible = "" if operation.reversible else _(" (irreversible)")
    yield f"  {operation.index}. {operation.description}{reversible}"
    for bridge in operation.bridges:
        yield "     " + _("until the old code is gone, {bridge}").format(bridge=what(bridge))
    if not operation.online:
        yield from (f"     {effect}" for effect in operation.effects)
        yield from (indent(redacted(statement), "       ") for statement in operation.sql)
        return
    yield "     " + _("carried out online, in these steps:")
    for number, step in enumerate(operation.online, start=1):
        traits = [step.name, step.lock, "" if step.transaction else _("outside of a transaction")]
        yield f"       {number}. {', '.join(filter(None, traits))}"
        yield from (indent(redacted(statement), "          ") for statement in step.sql)


def finding_lines(finding: Finding, style: Style) -> Iterator[str]:
    """Return one finding: what it is, why it is one here, and what to write instead."""
    yield headline(finding, style)
    if finding.is_settled:
        return
    yield from paragraph(finding.problem)
    for evidence in finding.evidence:
        yield from paragraph(f"{basis(evidence.basis)}: {evidence.text}")
    if finding.instead:
        yield "    " + _("Instead:")
        yield indent(finding.instead, "      ")


def headline(finding: Finding, style: Style) -> str:
    """Return the first line of a finding."""
    colours: Any = style
    place = str(finding.migration) + (f":{finding.operation}" if finding.operation else "")
    # What is taken care of is no alarm.
    sign = SIGNS[Level.NOTICE if finding.handled else finding.level]
    line = f"  {sign} {finding.code} {place} {finding.title}"
    if finding.is_settled:
        return f"{line} ({settlement(finding)})"
    paint = {Level.ERROR: colours.ERROR, Level.WARNING: colours.WARNING, Level.NOTICE: str}[finding.level]
    return str(paint(f"{line} [{level_name(finding.level)}]"))


def settlement(finding: Finding) -> str:
    """Say why a finding stops nothing."""
    if finding.acknowledged is not None:
        return _("acknowledged: {reason}").format(reason=finding.acknowledged)
    if finding.handled is Handled.ONLINE:
        return _("carried out online, in steps that hold nobody up")
    return _("bridged for as long as the old release runs")


def level_name(level: Level) -> str:
    """Name a level."""
    return {Level.ERROR: _("error"), Level.WARNING: _("warning"), Level.NOTICE: _("notice")}[level]


def basis(kind: Basis) -> str:
    """Name what a piece of evidence rests on."""
    names = {Basis.RULE: _("Rule"), Basis.LIVE: _("Live"), Basis.OBSERVED: _("Observed")}
    return {**names, Basis.STATEMENTS: _("Statements")}[kind]


def paragraph(text: str) -> Iterable[str]:
    """Wrap a text under its headline."""
    return (f"    {line}" for line in wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False))


def verdict_lines(event: PlanAssessed) -> Iterator[str]:
    """Say at the end of a plan that was shown whether it may be carried out, as far as was looked, and for how long."""
    if not event.blocking and not event.obstacle:
        yield _("✅ Nothing is known to stop this plan.") if event.unlooked else _("✅ Nothing stops this plan.")
    if event.unlooked:
        text = _("⚠️  Nobody could look in time whether rows forbid: {statements}")
        yield text.format(statements="; ".join(event.unlooked))
    if event.forecast:
        yield forecast_line(event.forecast)


def forecast_line(forecast: Forecast) -> str:
    """Return how long a plan will take."""
    lock = exact_duration(forecast.longest_lock_seconds)
    if forecast.seconds is None:
        return _(
            "⏱ Foreseen: its longest lock {lock}; how long functions, or going back, take nobody can tell."
        ).format(lock=lock)
    return _("⏱ Foreseen: {time}, its longest lock {lock}.").format(time=exact_duration(forecast.seconds), lock=lock)
