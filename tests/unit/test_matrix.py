"""What the package says that it runs on is what was run: classifiers, legs and the table of the documents agree."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.drivers import prelude
from tests.manage import ROOT
from tools.matrix.document import DOCUMENT, HEADS, read, row_of, write
from tools.matrix.legs import LEGS, find
from tools.matrix.outcome import Outcome, State
from tools.matrix.trial import requirements

CLASSIFIERS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]


def claimed(prefix: str) -> set[str]:
    """Return the versions that the classifiers name behind a prefix."""
    found = {line.removeprefix(prefix) for line in CLASSIFIERS if line.startswith(prefix)}
    return {version for version in found if re.fullmatch(r"\d+\.\d+", version)}


def test_the_classifiers_claim_what_the_legs_run_and_no_more() -> None:
    assert claimed("Programming Language :: Python :: ") == {leg.python for leg in LEGS}
    assert claimed("Framework :: Django :: ") == {leg.django.removesuffix(".*") for leg in LEGS}


def test_what_is_claimed_has_passed() -> None:
    rows = [dict(zip(HEADS, row, strict=True)) for row in read(DOCUMENT).values()]
    assert {row["outcome"] for row in rows} == {"passed"}
    for part, prefix in (("Python", "Programming Language :: Python :: "), ("Django", "Framework :: Django :: ")):
        assert {".".join(row[part].split(".")[:2]) for row in rows} == claimed(prefix)


def test_other_legs_stay_in_the_table_as_they_were_run(tmp_path: Path) -> None:
    document, twin = tmp_path / "compatibility.md", tmp_path / "compatibility.pt-BR.md"
    for page in (document, twin):
        page.write_text("before\n<!-- matrix -->\n<!-- /matrix -->\nafter\n")
    versions = {
        "Django": "6.1.3",
        "Python": "3.14.10",
        "SQLite": "3.53.4",
        "driver": "3.3.9",
        "server": "18.6",
    }
    passed = Outcome(State.PASSED, versions=versions, passed=7, skipped=1, day="2026-11-30")
    failed = Outcome(State.FAILED, "1 failed: tests.a|b", passed=6, day="2026-12-01")
    write({"newest": row_of(find("newest"), passed)}, document)
    write({"mysql": row_of(find("mysql"), failed), "gone": ["gone", *HEADS[1:]]}, document)
    rows = read(document)
    assert list(rows) == ["newest", "mysql"]
    assert rows["newest"] == row_of(find("newest"), passed)
    assert rows["newest"][3:5] == ["PostgreSQL 18.6", "psycopg 3.3.9"]
    assert rows["mysql"][HEADS.index("outcome")] == "failed: 1 failed: tests.a\\|b"
    assert [row[-1] for row in read(twin).values()][1:] == ["passou", "falhou: 1 failed: tests.a\\|b"]
    assert document.read_text().startswith("before\n")
    assert document.read_text().endswith("after\n")


def test_the_versions_of_a_leg_take_the_place_of_those_that_are_pinned() -> None:
    wanted = requirements(find("oldest"))
    of_django = [line for line in wanted if line.lower().startswith("django==")]
    assert of_django == ["Django==5.2"]
    assert [line for line in wanted if line.startswith("psycopg-binary")] == ["psycopg-binary==3.2.0"]
    assert any(line.startswith("pytest==") for line in wanted)


def test_a_driver_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESTS_DRIVER", "odbc")
    with pytest.raises(ValueError, match="TESTS_DRIVER knows no odbc; it takes one of: psycopg2, pool"):
        prelude()
