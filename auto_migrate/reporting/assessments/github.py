"""A judged plan as workflow commands of GitHub Actions, which shows them at the lines of the pull request.

The escapes are those of the toolkit (actions/toolkit, packages/core/src/command.ts).
"""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from auto_migrate.findings import Finding
from auto_migrate.reporting.assessments.report import AssessmentReport


def render(report: AssessmentReport) -> str:
    """Write a command for every finding that nobody has acknowledged, and the summary."""
    return "\n".join([*commands(report), report.summary()]) + "\n"


def commands(report: AssessmentReport) -> Iterator[str]:
    """Return the commands, one a line."""
    for finding in report.assessment.findings:
        if not finding.is_settled:
            yield command(str(finding.level), properties_of(finding, report), message(finding))
    for text in report.unmatched():
        yield command("warning", {"title": "auto_migrate"}, text)


def properties_of(finding: Finding, report: AssessmentReport) -> dict[str, str]:
    """Return where and under which title GitHub shall show a finding."""
    place = report.places.of(finding)
    properties = {"title": f"{finding.code} {finding.title}"}
    if place is not None and place.is_inside:
        properties |= {"file": place.path, "line": str(place.lines.first), "endLine": str(place.lines.last)}
    return properties


def message(finding: Finding) -> str:
    """Write what is wrong, why, and what to write instead."""
    parts = [f"{finding.migration}: {finding.problem}", *(evidence.text for evidence in finding.evidence)]
    if finding.instead:
        parts += [_("Instead:"), finding.instead]
    return "\n".join(parts)


def command(name: str, properties: dict[str, str], text: str) -> str:
    """Write one workflow command."""
    told = ",".join(f"{key}={escape_property(value)}" for key, value in properties.items())
    return f"::{name} {told}::{escape_data(text)}"


def escape_data(text: str) -> str:
    """Escape the message of a command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """Escape the value of a command's property."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")
