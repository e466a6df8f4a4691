"""The statements of a project's tests, recorded by its runner."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.workload.two_releases import TwoReleases, statements

INSERT = (
    'INSERT INTO "shop_order" ("customer_id", "note", "city", "total") VALUES ($1, $2, $3, $4) '
    'RETURNING "shop_order"."id"'
)
RAW = "SELECT count(*) FROM shop_order WHERE city = $1"
PYTEST = ("-m", "pytest", "-q", "-p", "auto_migrate.pytest_plugin")


def session(path: Path) -> object:
    """Return what the end of a file says."""
    return json.loads(path.read_text("utf-8").splitlines()[-1])


def test_each_statement_is_recorded_once_and_without_values(recorded: Path) -> None:
    found = statements(recorded)
    assert {INSERT, RAW} <= set(found)
    assert len(found) == len(set(found))
    assert "s3cr3t" not in recorded.read_text("utf-8")
    assert "Bel" not in recorded.read_text("utf-8")
    # Neither what the test database is made with, nor what looks after it.
    assert {text.split()[0] for text in found} <= {"SELECT", "INSERT", "UPDATE"}
    assert not [text for text in found if "django_" in text or "pg_" in text]
    assert session(recorded) == {"session": {"complete": True}}


def test_a_null_is_noted_and_never_the_value(recorded: Path) -> None:
    entries = [json.loads(line) for line in recorded.read_text("utf-8").splitlines()]
    [customer] = [entry for entry in entries if entry.get("statement", "").startswith('INSERT INTO "shop_customer"')]
    assert customer["nulls"] == [2]


@pytest.mark.parametrize(
    "command",
    [(*PYTEST, "-n2", "-p", "no:cacheprovider"), ("-m", "django", "test", "--parallel=2")],
    ids=["pytest-xdist", "parallel"],
)
def test_several_processes_record_the_same(
    shop: TwoReleases, recorded: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    path = tmp_path / "statements.jsonl"
    path.write_text('{"statement": "SELECT 1 FROM an_older_release"}\n')
    shop.test(*command, AUTO_MIGRATE_RECORD=str(path))
    assert sorted(statements(path)) == sorted(statements(recorded))
    assert session(path) == {"session": {"complete": True}}


def test_a_part_of_the_tests_is_no_whole_list(shop: TwoReleases, tmp_path: Path) -> None:
    path = tmp_path / "part.jsonl"
    shop.done("test", "shop", "-k", "listed", AUTO_MIGRATE_RECORD=str(path))
    assert session(path) == {"session": {"complete": False}}
    shop.release("migrations.RunSQL('ALTER TABLE shop_order DROP COLUMN legacy', migrations.RunSQL.noop)")
    document = json.loads(
        shop.done(
            "assess_migrations", "shop.0002", "--statements", str(path), "--format=json", "--fail-level=never"
        ).output
    )
    [finding] = [one for one in document["migrations"][0]["findings"] if one["code"] == "AM301"]
    assert finding["level"] == "error"
    assert "part.jsonl is not of a whole run of the tests" in finding["evidence"][-1]["text"]
