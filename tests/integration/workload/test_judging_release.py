"""What the statements of the running release do to the findings of a plan, and to their levels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.workload.two_releases import TwoReleases
from tests.servers import PostgreSQL

UNUSED = "migrations.RunSQL('ALTER TABLE shop_order DROP COLUMN legacy', migrations.RunSQL.noop)"
USED = 'migrations.RemoveField("order", "note")'
NULLABLE = 'migrations.AlterField("customer", "nick", models.CharField(max_length=50, default=""))'
WRITTEN = 'migrations.AlterField("order", "city", models.CharField(max_length=100, null=True))'


def finding(events: list[dict[str, Any]], code: str) -> dict[str, Any]:
    """Return the one finding of a code that a plan has."""
    [assessed] = [event for event in events if event["event"] == "plan_assessed"]
    [found] = [one for one in assessed["findings"] if one["code"] == code]
    return dict(found)


def heard(found: dict[str, Any]) -> str:
    """Return what the statements say of a finding."""
    return "\n".join(evidence["text"] for evidence in found["evidence"] if evidence["basis"] == "statements")


def plan(shop: TwoReleases, code: str, statements: str, *, expect: int) -> dict[str, Any]:
    return finding(shop.events("auto_migrate", "--plan", expect=expect, AUTO_MIGRATE_STATEMENTS=statements), code)


@pytest.fixture
def rows(shop: TwoReleases) -> None:
    """Let there be a row whose values may be lost."""
    shop.query("INSERT INTO shop_customer (name) SELECT 'ana' WHERE NOT EXISTS (SELECT FROM shop_customer)")
    shop.query(
        "INSERT INTO shop_order (customer_id, note, city, total) SELECT id, '', '', 0 FROM shop_customer "
        "WHERE NOT EXISTS (SELECT FROM shop_order)"
    )


def test_what_nobody_uses_stops_no_release(shop: TwoReleases, recorded: Path, rows: None) -> None:
    shop.release(UNUSED)
    found = plan(shop, "AM301", str(recorded), expect=0)
    assert found["level"] == "warning"
    assert heard(found) == "No statement of statements.jsonl has to do with it, so the level is one lower."
    # It stops one where nobody has been heard.
    found = plan(shop, "AM301", "never", expect=6)
    assert (found["level"], heard(found)) == ("error", "")


def test_what_is_used_is_an_error_even_where_nothing_is_lost(shop: TwoReleases, recorded: Path) -> None:
    shop.query("TRUNCATE shop_order")
    shop.release(USED)
    assert plan(shop, "AM301", "never", expect=0)["level"] == "notice"
    found = plan(shop, "AM301", str(recorded), expect=6)
    assert found["level"] == "error"
    assert heard(found).count("this column") == 3


def test_views_and_functions_that_nobody_looks_into_keep_the_level(
    shop: TwoReleases, recorded: Path, rows: None
) -> None:
    shop.release(UNUSED)
    shop.query("CREATE FUNCTION old_texts() RETURNS SETOF text LANGUAGE sql AS 'SELECT legacy FROM shop_order'")
    try:
        found = plan(shop, "AM301", str(recorded), expect=6)
    finally:
        shop.query("DROP FUNCTION old_texts")
    assert found["level"] == "error"
    assert "old_texts speak of it" in heard(found)


def test_a_statement_on_a_view_uses_the_columns_below(shop: TwoReleases, tmp_path: Path) -> None:
    path = tmp_path / "view.jsonl"
    path.write_text('{"statement": "SELECT * FROM old_orders"}\n{"session": {"complete": true}}\n')
    shop.release(UNUSED)
    shop.query("CREATE VIEW old_orders AS SELECT id, legacy FROM shop_order")
    try:
        found = plan(shop, "AM301", str(path), expect=6)
    finally:
        shop.query("DROP VIEW old_orders")
    assert "SELECT * FROM old_orders uses it through old_orders." in heard(found)


def test_a_pull_request_is_judged_by_the_file(shop: TwoReleases, recorded: Path) -> None:
    shop.release(NULLABLE)
    arguments = ("assess_migrations", "shop.0002", "--statements", str(recorded), "--format=json")
    document = json.loads(shop.done(*arguments, expect=6).output)
    [found] = [one for one in document["migrations"][0]["findings"] if one["code"] == "AM404"]
    assert "writes NULL to this column" in heard(found)


def test_a_column_that_was_renamed_in_the_same_plan_is_known_by_its_old_name(shop: TwoReleases, recorded: Path) -> None:
    shop.release('migrations.RenameField("order", "city", "town"), migrations.RemoveField("order", "town")')
    arguments = ("assess_migrations", "shop.0002", "--statements", str(recorded), "--format=json")
    document = json.loads(shop.done(*arguments, expect=6).output)
    [found] = [one for one in document["migrations"][0]["findings"] if one["code"] == "AM301"]
    assert "writes this column" in heard(found)


def test_statements_of_others_that_cannot_be_read_are_a_doubt(counting: PostgreSQL, tmp_path: Path) -> None:
    shop = TwoReleases(tmp_path, counting.create_database("hidden"))
    shop.query("CREATE EXTENSION pg_stat_statements")
    shop.done("auto_migrate")
    shop.query("SELECT note FROM shop_order WHERE note = 's3cr3t'")
    counting.create_role("deployer", "x")
    shop.query("GRANT ALL ON ALL TABLES IN SCHEMA public TO deployer")
    shop.query("ALTER TABLE shop_order OWNER TO deployer")
    shop.databases["default"] = f"postgresql://deployer:x@127.0.0.1:{counting.port}/hidden"
    shop.release(USED)
    text = heard(plan(shop, "AM301", "auto", expect=0))
    assert "cannot be read (GRANT pg_read_all_stats)" in text
    assert "the server has counted for less than a day" in text


def test_a_file_that_is_not_there_ends_the_run_before_it_begins(shop: TwoReleases) -> None:
    shop.release(USED)
    done = shop.done("auto_migrate", expect=2, AUTO_MIGRATE_STATEMENTS="missing.jsonl")
    assert "missing.jsonl cannot be read" in done.text
    assert shop.recorded == ["shop.0001_initial"]
