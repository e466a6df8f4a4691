"""What the statements of the old release say of the new one's migrations when these are rehearsed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.workload.two_releases import CHANGES, TwoReleases

TRAFFIC = """
from django.db.models import Count
from shop.models import Customer, Order

ana = Customer.objects.create(name="s3cr3t")
for total in range(20):
    order = Order.objects.create(customer=ana, city="Acre", total=total)
    order.city = "Amapá"
    order.save(update_fields=["city"])
    list(Order.objects.filter(city="Acre", customer__name="s3cr3t")[:3])
    list(Order.objects.values("total").annotate(Count("id")).order_by("total"))
"""


def told(refused: list[dict[str, object]]) -> set[tuple[object, object]]:
    """Return which columns are told of which tables, all of them of the one migration."""
    assert {one["migration"] for one in refused} <= {"shop.0002_change"}
    return {(one["table"], one["column"]) for one in refused}


@pytest.mark.parametrize("change", CHANGES)
def test_a_recorded_release_tells_what_it_could_not_go_on_with(shop: TwoReleases, recorded: Path, change: str) -> None:
    operation, column = CHANGES[change]
    shop.release(operation)
    # Which would make good what is told here.
    events = shop.events("rehearse_migrations", "--statements", str(recorded), AUTO_MIGRATE_BRIDGES="false")
    refused = [event for event in events if event["event"] == "statement_refused"]
    assert told(refused) == ({("shop_order", column)} if column else set())
    assert all('"shop_order"' in one["statement"] for one in refused if one["statement"].startswith("INSERT"))
    assert bool(refused) is any(one["statement"].startswith('INSERT INTO "shop_order"') for one in refused)
    proposed = [(event["migration"], event["phase"]) for event in events if event["event"] == "phase_proposed"]
    assert proposed == ([("shop.0002_change", "post_deploy")] if column else [])
    [checked] = [event for event in events if event["event"] == "statements_checked"]
    assert (checked["refused"], checked["unchecked"]) == (len(refused), [])


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory, counting: object) -> TwoReleases:
    """Return a shop whose database has counted the traffic of the old release."""
    url = counting.create_database("busy")  # type: ignore[attr-defined] # a server
    shop = TwoReleases(tmp_path_factory.mktemp("busy"), url)
    shop.query("CREATE EXTENSION pg_stat_statements")
    shop.done("auto_migrate")
    shop.done("shell", "-c", TRAFFIC)
    return shop


@pytest.mark.sampled(2)
@pytest.mark.parametrize("change", CHANGES)
def test_traffic_that_the_server_counted_tells_the_same(busy: TwoReleases, change: str) -> None:
    operation, column = CHANGES[change]
    busy.release(operation)
    refused = busy.refused("--statements", "pg_stat_statements", AUTO_MIGRATE_BRIDGES="false")
    assert told(refused) == ({("shop_order", column)} if column else set())
    assert {(one["calls"], *one["roles"]) for one in refused} <= {(20, "postgres")}


def test_a_rehearsal_lets_the_server_forget_nothing(busy: TwoReleases) -> None:
    before = busy.query("SELECT count(*) FROM pg_stat_statements")[0][0]
    text = "".join(f'{{"statement": "SELECT {number} AS n{number} FROM shop_order"}}\n' for number in range(200))
    busy.file("many.jsonl", text)
    busy.release(CHANGES["harmless"][0])
    assert busy.refused("--statements", str(busy.folder / "code/many.jsonl")) == []
    assert busy.query("SELECT count(*) FROM pg_stat_statements")[0][0] < before + 100


def test_a_plan_of_the_release_step_carries_what_was_counted(busy: TwoReleases) -> None:
    busy.release(CHANGES["drop"][0])
    [assessed] = [one for one in busy.events("auto_migrate", "--plan", expect=6) if one["event"] == "plan_assessed"]
    [finding] = [one for one in assessed["findings"] if one["code"] == "AM301"]
    texts = [evidence["text"] for evidence in finding["evidence"] if evidence["basis"] == "statements"]
    assert any(text.endswith("reads this column: 20 calls, role postgres.") for text in texts)
    assert not any("s3cr3t" in text for text in texts)


TRIGGER = """
    CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.state = 1; RETURN NEW; END';
    CREATE TRIGGER fill BEFORE INSERT ON shop_order FOR EACH ROW EXECUTE FUNCTION fill();
    ALTER TABLE shop_order ADD COLUMN state int NOT NULL DEFAULT 0;
    ALTER TABLE shop_order ALTER COLUMN state DROP DEFAULT;
"""
# The operation, and who is told: each is (column, certain). Where NULL is written into `nick`, a bridge fills it.
DEMANDS = {
    'migrations.AlterField("customer", "nick", models.CharField(max_length=50, default=""))': set(),
    'migrations.AddConstraint("order", models.CheckConstraint(condition=models.Q(total__gte=0), name="plus"))': {
        ("total", False)
    },
    'migrations.AddIndex("order", models.Index(fields=["city"], name="by_city"))': set(),
    'migrations.AlterField("order", "city", models.TextField())': set(),
    'migrations.AlterField("order", "total", models.TextField())': {("total", True)},
    'migrations.RenameModel("order", "purchase")': {("", True)},
    # A trigger may fill what is left out.
    f"migrations.RunSQL({TRIGGER!r})": {("state", False)},
    'migrations.RunSQL("ALTER TABLE shop_order DROP COLUMN note")': {("note", True)},
    # Broken and made good again before the new release starts.
    'migrations.RenameField("order", "city", "town"), migrations.RenameField("order", "town", "city")': set(),
    # A bridge keeps its default.
    CHANGES["required"][0]: set(),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("operation", DEMANDS)
def test_what_new_constraints_and_types_refuse(shop: TwoReleases, recorded: Path, operation: str) -> None:
    shop.release(operation)
    refused = shop.refused("--statements", str(recorded))
    assert {(one["column"], one["certain"]) for one in refused} == DEMANDS[operation]


def test_what_waits_until_the_release_is_gone_breaks_nothing(shop: TwoReleases, recorded: Path) -> None:
    shop.release(CHANGES["drop"][0])
    env = {"AUTO_MIGRATE_PHASES": "true"}
    assert shop.refused("--statements", str(recorded), **env) == []
    shop.release(CHANGES["drop"][0], head='phase = "pre_deploy"')
    assert told(shop.refused("--statements", str(recorded), **env)) == {("shop_order", "note")}


def test_what_depends_on_a_migration_goes_with_it(shop: TwoReleases, recorded: Path) -> None:
    shop.release(CHANGES["rename"][0])
    shop.release(CHANGES["harmless"][0], name="0003_more", after="0002_change")
    try:
        events = shop.events("rehearse_migrations", "--statements", str(recorded))
    finally:
        (shop.folder / "code/shop/migrations/0003_more.py").unlink()
    proposed = [event["migration"] for event in events if event["event"] == "phase_proposed"]
    assert proposed == ["shop.0002_change", "shop.0003_more"]


def test_what_cannot_be_planned_before_either_is_told_and_stops_nothing(shop: TwoReleases, tmp_path: Path) -> None:
    lines = [
        {"statement": "SELECT * FROM nowhere"},
        {"statement": "SELECT 1; DROP TABLE shop_order"},
        {"statement": "SELECT id FROM shop_order", "vendor": "sqlite"},
        {"statement": "SELECT note FROM shop_order WHERE id = 'a literal'"},
        {"statement": f"SELECT {' + '.join(['1'] * 5000)}"},
        {"statement": "COPY shop_order (note) TO STDOUT"},
        {"statement": 'SELECT "half \ud800 a pair" FROM shop_order'},
        {"statement": 'SELECT "a NUL \0" FROM shop_order'},
    ]
    garbage = ["no JSON", "[]", '{"statement": 7}', "\x00\udcff", "{" * 100_000]
    path = tmp_path / "odd.jsonl"
    texts = [json.dumps(line) for line in lines] + garbage
    path.write_bytes("\n".join(texts).encode(errors="surrogateescape"))
    shop.release(CHANGES["drop"][0])
    events = shop.events("rehearse_migrations", "--statements", str(path))
    [checked] = [event for event in events if event["event"] == "statements_checked"]
    unchecked = {one["statement"][:20]: one["reason"] for one in checked["unchecked"]}
    assert unchecked["SELECT * FROM nowher"] == 'relation "nowhere" does not exist'
    assert unchecked["SELECT $1; DROP TABL"] == "several statements in one text"
    assert unchecked["SELECT id FROM shop_"] == "recorded on sqlite"
    refused = [event["statement"] for event in events if event["event"] == "statement_refused"]
    assert "SELECT note FROM shop_order WHERE id = $1" in refused


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("missing.jsonl", "missing.jsonl cannot be read: No such file or directory"),
        ("pg_stat_statements", "has counted no statements that this role may read"),
    ],
)
def test_who_has_no_statements_is_told_where_to_get_some(shop: TwoReleases, name: str, expected: str) -> None:
    done = shop.done("rehearse_migrations", "--statements", name, expect=2)
    assert expected in done.text
    assert "AUTO_MIGRATE_RECORD" in done.text or "CREATE EXTENSION" in done.text
