"""The plan refused: what nobody has acknowledged, and the commands to type next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from django.db import DEFAULT_DB_ALIAS
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from auto_migrate.exceptions import PlanRefused
from auto_migrate.findings import Finding
from auto_migrate.planning.comparison import adopting
from auto_migrate.planning.targets import Goal
from auto_migrate.safety.hazard import Harm
from auto_migrate.safety.hazards import hazards
from auto_migrate.safety.hazards.am206_there_already import THERE_ALREADY

# So many findings are named; the plan above has them all.
LISTED = 10


def refused(
    blocking: Sequence[Finding],
    goal: Goal,
    database: str = DEFAULT_DB_ALIAS,
    *,
    looking: bool = False,
    answers: Sequence[str] = (),
    backwards: bool = False,
) -> PlanRefused:
    """Say that nothing was changed, and what to type next; whoever is `looking` has the plan before him.

    `answers` are the resolutions that were given, as they are typed.
    """
    text = ngettext(
        "The plan is refused: {count} finding that nobody has acknowledged ({names}). Nothing was changed.",
        "The plan is refused: {count} findings that nobody has acknowledged ({names}). Nothing was changed.",
        len(blocking),
    )
    resolutions = [f"--resolve {answer}" for answer in answers]
    command = " ".join(["manage.py auto_migrate", *goal.options(database), *resolutions])
    lines = [*_ways_out(blocking, command, looking=looking, backwards=backwards)]
    if any(finding.code == THERE_ALREADY for finding in blocking):
        way = _("If what is there already was applied, see what can be recorded: {command}")
        lines.append(way.format(command=adopting(database)))
    names = names_of(blocking)
    listed = ", ".join([*names[:LISTED], *(["…"] if len(names) > LISTED else [])])
    return PlanRefused(text.format(count=len(blocking), names=listed), hint="\n".join(lines))


def _ways_out(blocking: Sequence[Finding], command: str, *, looking: bool, backwards: bool) -> Iterator[str]:
    if not looking:
        yield _("Look at it: {command}").format(command=f"{command} --plan")
    if not backwards and any(finding.code != THERE_ALREADY for finding in blocking):
        yield _("Write the migration as shown above.") if looking else _("Write the migration as shown there.")
    names = names_of(finding for finding in blocking if may_pass(finding))
    if names:
        wanted = _("If it is wanted, say why, in the migration or once:")
        yield _("If it is wanted, say why:") if backwards else wanted
        yield from _commands(command, names)


def copy_refused(finding: Finding, goal: Goal, database: str) -> PlanRefused:
    """Say that the server could do what a migration wants only in a way that holds others up, and did not do it."""
    text = _("{migration}, operation {operation}, is refused ({code}): {problem} Nothing was copied.")
    place = {"migration": finding.migration, "operation": finding.operation, "code": finding.code}
    lines = [
        *(evidence.text for evidence in finding.evidence),
        _("What came before it was kept. If it is wanted, say why, in the migration or once:"),
        *_commands(" ".join(["manage.py auto_migrate", *goal.options(database)]), names_of([finding])),
    ]
    return PlanRefused(text.format(problem=finding.problem, **place), hint="\n".join(lines))


def _commands(command: str, names: Sequence[str]) -> Iterator[str]:
    """Return the ways to acknowledge, as lines."""
    yield acknowledging(command, names)
    reason = _("reason")
    variable = ";".join(f"{name}={reason}" for name in names)
    yield _("or, where the command cannot be changed: AUTO_MIGRATE_ACKNOWLEDGE='{variable}'").format(variable=variable)


def acknowledging(command: str, names: Iterable[str]) -> str:
    """Return a command that lets findings pass."""
    return " ".join([command, *(f"--acknowledge {name}" for name in names)])


def names_of(findings: Iterable[Finding]) -> list[str]:
    """Name findings as they are acknowledged."""
    return list(dict.fromkeys(f"{finding.code}:{finding.migration}" for finding in findings))


def may_pass(finding: Finding) -> bool:
    """Return whether it helps to acknowledge a finding, as it does not where the database refuses anyway."""
    return hazards()[finding.code].harm is not Harm.FAILS
