"""SARIF, held to the schema of the standard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.utils.translation import override

from auto_migrate.findings import Acknowledgement, Level
from auto_migrate.reporting.assessments.report import AssessmentReport
from auto_migrate.reporting.assessments.sarif import render
from auto_migrate.safety.hazards import hazards
from tests.schemas import SARIF
from tests.unit.reporting.assessments.reports import NASTY, finding, report


def run(told: AssessmentReport) -> dict[str, Any]:
    """Return the run of a log that fits the schema, its formats included."""
    log = json.loads(render(told))
    SARIF.validate(log)
    [only] = log["runs"]
    return dict(only)


def test_every_hazard_is_a_rule_with_its_page(tmp_path: Path) -> None:
    rules = run(report(folder=tmp_path, docs_url="https://docs.example/hazards/"))["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(hazards())
    for rule in rules:
        assert rule["helpUri"] == f"https://docs.example/hazards/{rule['id']}.md"
        assert rule["fullDescription"]["text"]
        assert rule["defaultConfiguration"]["level"] in {"error", "warning", "note"}


def test_a_page_is_in_the_readers_language(tmp_path: Path) -> None:
    with override("pt-br"):
        rules = run(report(folder=tmp_path, docs_url="https://docs.example/hazards"))["tool"]["driver"]["rules"]
    assert rules[0]["helpUri"] == "https://docs.example/hazards/AM101.pt-BR.md"
    assert rules[0]["help"]["text"] == "Veja docs/hazards/AM101.pt-BR.md."


def test_a_finding_is_a_result_of_its_rule_at_its_lines(tmp_path: Path) -> None:
    told = run(report(finding(problem=NASTY), folder=tmp_path))
    [result] = told["results"]
    assert told["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "AM109"
    assert NASTY in result["message"]["text"]
    [location] = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "my%20shop/0002_note_index.py", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 6, "endLine": 8},
    }
    assert "suppressions" not in result


def test_levels_are_those_of_the_standard(tmp_path: Path) -> None:
    results = run(report(*map(finding, Level), folder=tmp_path))["results"]
    assert [result["level"] for result in results] == ["note", "warning", "error"]


def test_what_is_acknowledged_is_suppressed_with_its_reason(tmp_path: Path) -> None:
    inside = run(report(finding(acknowledged="read once a day"), folder=tmp_path))["results"][0]
    assert inside["suppressions"] == [{"kind": "inSource", "status": "accepted", "justification": "read once a day"}]
    given = [Acknowledgement("AM109", "shop.*", "read once a day", "settings")]
    outside = run(report(finding(acknowledged="read once a day"), folder=tmp_path, acknowledgements=given))["results"][
        0
    ]
    assert outside["suppressions"][0]["kind"] == "external"


def test_a_fingerprint_outlives_moved_lines_and_tells_twins_apart(tmp_path: Path) -> None:
    twins = run(report(finding(), finding(operation=2), finding(table="shop_item"), folder=tmp_path))["results"]
    prints = [result["partialFingerprints"]["finding/v1"] for result in twins]
    assert len(set(prints)) == 3
    moved = run(report(finding(operation=2, problem="In other words."), folder=tmp_path))["results"]
    assert moved[0]["partialFingerprints"]["finding/v1"] == prints[0]


def test_a_file_outside_of_the_repository_has_an_address_of_its_own(tmp_path: Path) -> None:
    [result] = run(report(finding(), folder=tmp_path, inside=False))["results"]
    artifact = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": (tmp_path / "my shop" / "0002_note_index.py").as_uri()}


def test_an_acknowledgement_that_matches_nothing_is_a_notification(tmp_path: Path) -> None:
    unmatched = [Acknowledgement("AM301", "shop.0001_initial", "gone", "settings")]
    [invocation] = run(report(folder=tmp_path, unmatched=unmatched))["invocations"]
    [notification] = invocation["toolConfigurationNotifications"]
    assert "AM301" in notification["message"]["text"]


def test_it_is_ascii_in_every_language(tmp_path: Path) -> None:
    with override("pt-br"):
        told = report(finding(problem="ação"), folder=tmp_path)
        assert render(told).isascii()
        assert "ação" in run(told)["results"][0]["message"]["text"]
