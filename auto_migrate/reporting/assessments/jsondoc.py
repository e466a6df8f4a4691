"""A judged plan as one JSON document, as `docs/reference/assessment.md` describes it."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from auto_migrate.findings import Acknowledgement, AssessedMigration, Finding
from auto_migrate.reporting.assessments.report import AssessmentReport

VERSION = 1


def render(report: AssessmentReport) -> str:
    """Write the document."""
    return json.dumps(document(report), indent=2) + "\n"


def document(report: AssessmentReport) -> dict[str, Any]:
    """Return the document."""
    return {
        "version": VERSION,
        "server": {"vendor": report.server.vendor, "version": ".".join(map(str, report.server.version))},
        "fail_level": "never" if report.level is None else str(report.level),
        "failed": bool(report.failing),
        "counts": report.counts(),
        "migrations": [migration(assessed, report) for assessed in report.assessment.migrations],
        "unmatched": [unmatched(said) for said in report.assessment.unmatched],
    }


def unmatched(said: Acknowledgement) -> dict[str, Any]:
    """Return an acknowledgement; files alone make no plan that it could be for."""
    return {key: value for key, value in dataclasses.asdict(said).items() if key != "plan"}


def migration(assessed: AssessedMigration, report: AssessmentReport) -> dict[str, Any]:
    """Return one migration."""
    file = report.places.files.get(assessed.migration)
    return {
        "migration": str(assessed.migration),
        "file": None if file is None else report.places.name(file),
        "atomic": assessed.atomic,
        "phase": assessed.phase,
        "operations": [dataclasses.asdict(operation) for operation in assessed.operations],
        "findings": [finding(found, report) for found in assessed.findings],
    }


def finding(found: Finding, report: AssessmentReport) -> dict[str, Any]:
    """Return one finding."""
    place = report.places.of(found)
    return {
        "code": found.code,
        "level": str(found.level),
        "operation": found.operation,
        "table": found.table,
        "line": None if place is None else place.lines.first,
        "end_line": None if place is None else place.lines.last,
        "title": found.title,
        "problem": found.problem,
        "instead": found.instead,
        "evidence": [{"basis": str(evidence.basis), "text": evidence.text} for evidence in found.evidence],
        "acknowledged": found.acknowledged,
        "handled": None if found.handled is None else str(found.handled),
        "page": report.page(found.code) or None,
    }
