"""A judged plan in SARIF 2.1.0, which code scanning services read (OASIS Standard, 27 March 2020)."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext as _

import auto_migrate
from auto_migrate.findings import Finding, Level
from auto_migrate.reporting.assessments.report import AssessmentReport
from auto_migrate.reporting.assessments.source_lines import SourceLocation
from auto_migrate.reporting.assessments.text import settlement
from auto_migrate.safety.hazard import Hazard, page_name
from auto_migrate.safety.hazards import hazards
from auto_migrate.safety.live import BY_RULE

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTICE: "note"}


def render(report: AssessmentReport) -> str:
    """Write the log of a judged plan."""
    warnings = [{"level": "warning", "message": {"text": text}} for text in report.unmatched()]
    rules = [rule(hazard, report) for hazard in hazards().values()]
    return log("assess_migrations", rules, list(results(report)), toolConfigurationNotifications=warnings)


def log(kind: str, rules: list[dict[str, Any]], results: list[dict[str, Any]], **invocation: Any) -> str:
    """Write a log of one run; `invocation` is what else there is to say of it."""
    run = {
        "tool": {"driver": {"name": "auto_migrate", "version": auto_migrate.__version__, "rules": rules}},
        "automationDetails": {"id": f"auto_migrate/{kind}/"},
        "invocations": [{"executionSuccessful": True, **invocation}],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def rule(hazard: Hazard, report: AssessmentReport) -> dict[str, Any]:
    """Describe a hazard."""
    title = _(hazard.title)
    page = report.page(hazard.code)
    told = {
        "id": hazard.code,
        "name": "".join(word.capitalize() for word in hazard.slug.split("-")) or type(hazard).__name__,
        "shortDescription": {"text": f"{title}."},
        "fullDescription": {"text": f"{title} ({_(str(hazard.harm))})."},
        "help": {"text": _("See {page}.").format(page=hazard.page or f"docs/hazards/{page_name(hazard.code)}")},
        "defaultConfiguration": {"level": LEVELS[BY_RULE[hazard.harm]]},
        "properties": {"tags": ["migrations", *sorted(hazard.vendors)]},
    }
    return {**told, "helpUri": page} if page else told


def results(report: AssessmentReport) -> Iterator[dict[str, Any]]:
    """Return every finding, those that somebody acknowledged as suppressed."""
    codes, seen = list(hazards()), Counter[str]()
    for finding in report.assessment.findings:
        same = fingerprint(finding)
        seen[same] += 1
        result = {
            "ruleId": finding.code,
            "ruleIndex": codes.index(finding.code),
            "level": LEVELS[finding.level],
            "message": {"text": message(finding)},
            "locations": [location(finding, report.places.of(finding))],
            # The first is ours, the second is the one that GitHub follows an alert by.
            "partialFingerprints": dict.fromkeys(("finding/v1", "primaryLocationLineHash"), f"{same}:{seen[same]}"),
        }
        if finding.acknowledged is not None:
            kind = "external" if report.is_acknowledged_elsewhere(finding) else "inSource"
            result["suppressions"] = [{"kind": kind, "status": "accepted", "justification": finding.acknowledged}]
        elif finding.is_settled:
            justification = settlement(finding)
            result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": justification}]
        yield result


def fingerprint(finding: Finding) -> str:
    """Return what stays the same while lines move: the hazard, the migration and the table."""
    told = "\0".join([finding.code, str(finding.migration), finding.table])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def message(finding: Finding) -> str:
    """Write what is wrong, why, and what to write instead."""
    parts = [finding.problem, *(evidence.text for evidence in finding.evidence)]
    if finding.instead:
        parts.append(_("Instead:") + f"\n{finding.instead}")
    return "\n\n".join(parts)


def location(finding: Finding, place: SourceLocation | None) -> dict[str, Any]:
    """Return the place of a finding: its migration, and where it has one, its lines."""
    told: dict[str, Any] = {
        "logicalLocations": [{"fullyQualifiedName": str(finding.migration), "kind": "module"}],
    }
    if place is not None:
        told["physicalLocation"] = {
            "artifactLocation": artifact(place),
            "region": {"startLine": place.lines.first, "endLine": place.lines.last},
        }
    return told


def artifact(place: SourceLocation) -> dict[str, str]:
    """Name a file relative to the top of the repository, if it belongs to it."""
    if place.is_inside:
        return {"uri": quote(place.path), "uriBaseId": "%SRCROOT%"}
    return {"uri": Path(place.path).as_uri()}
