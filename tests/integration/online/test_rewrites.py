"""Types that would rewrite a table: another column takes the column's place, with all that hangs on it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import psycopg
import pytest

from tests.integration.online.shop import ALWAYS, Shop, handled, steps
from tests.servers import PostgreSQL
from tests.snapshot import snapshot, unordered
from tools.servers import wait_until

FIRST = """
    migrations.CreateModel("Kind", [("id", models.AutoField(primary_key=True))]),
    migrations.CreateModel("Part", [
        ("id", models.AutoField(primary_key=True)),
        ("kind", models.ForeignKey("Kind", models.CASCADE)),
        ("parent", models.ForeignKey("self", models.CASCADE, null=True)),
        ("number", models.IntegerField(null=True, unique=True, db_comment="it's")),
        ("count", models.PositiveIntegerField(db_default=5)),
        ("text", models.CharField(max_length=20, db_index=True)),
        ("size", models.IntegerField(null=True)),
        # Two columns of one table that become wider together, and an index of both.
        ("near", models.ManyToManyField("self")),
    ], options={
        "unique_together": {("kind", "count", "number")},
        "indexes": [
            models.Index(fields=["-count", "text"], name="both"),
            models.Index(fields=["text"], condition=models.Q(count__gt=3), name="part"),
            models.Index(models.functions.Lower("text"), name="lower"),
        ],
        "constraints": [models.CheckConstraint(condition=models.Q(number__gt=models.F("count") * 0), name="more")],
    }),
    migrations.CreateModel("Place", [("id", models.BigAutoField(primary_key=True))]),
    migrations.RunSQL(
        "INSERT INTO shop_kind DEFAULT VALUES; INSERT INTO shop_kind DEFAULT VALUES;"
        "INSERT INTO shop_place DEFAULT VALUES; INSERT INTO shop_place DEFAULT VALUES;"
        "INSERT INTO shop_part (kind_id, number, count, text)"
        " SELECT 1 + n % 2, n, n, n FROM generate_series(1, 300) AS n;"
        "UPDATE shop_part SET parent_id = id - 1 WHERE id > 1;"
        "INSERT INTO shop_part_near (from_part_id, to_part_id) SELECT id, id + 1 FROM shop_part WHERE id < 300;"
        "ALTER TABLE shop_part ALTER count SET STATISTICS 30"
    ),
"""
WIDER = """
    migrations.AlterField("part", "count", models.PositiveBigIntegerField(db_default=5)),
    migrations.AlterField("part", "number", models.BigIntegerField(null=True, unique=True, db_comment="it's")),
    migrations.AlterField("kind", "id", models.BigAutoField(primary_key=True)),
    migrations.AlterField("part", "id", models.BigAutoField(primary_key=True)),
"""
TRIGGER = (
    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
    "CREATE TRIGGER t BEFORE UPDATE ON shop_part FOR EACH ROW EXECUTE FUNCTION f()"
)
# Cuts the session off right before the index of the new column is built.
CUT = (
    "CREATE FUNCTION cut() RETURNS event_trigger LANGUAGE plpgsql"
    " AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); END';"
    "CREATE EVENT TRIGGER cut ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION cut()"
)
# Writers who are always faster than what fills: each batch finds more rows behind it than it had before it.
GROWING = (
    "CREATE SEQUENCE batches;"
    "CREATE FUNCTION grow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF nextval('batches') > 50 THEN RAISE 'Nobody catches up with the end.'; END IF;"
    " INSERT INTO shop_part (kind_id, text) SELECT 1, 'new' FROM generate_series(1, 2000); RETURN NULL; END $$;"
    "CREATE TRIGGER auto_migrate_grow AFTER UPDATE ON shop_part EXECUTE FUNCTION grow()"
)
NARROWER = 'migrations.AlterField("part", "text", models.CharField(max_length=9, db_index=True))'

# What makes another column of it in more than one way at once.
OTHERWISE = """
    migrations.AlterField("part", "number", models.PositiveBigIntegerField(null=True, db_index=True)),
    migrations.AlterField("part", "count", models.BigIntegerField(null=True, db_default=7)),
    migrations.AlterField("part", "text", models.CharField(max_length=9, unique=True, db_collation="C")),
    migrations.AlterField("part", "size", models.BigIntegerField(default=2**40)),
"""
# Which points elsewhere then, or anywhere at all.
POINTING = """
    migrations.AlterField("part", "kind", models.ForeignKey("Place", models.CASCADE, related_name="+")),
    migrations.AlterField("part", "size", models.ForeignKey("Place", models.CASCADE, null=True, db_column="size")),
"""


@pytest.fixture
def parts(shop: Shop, postgresql: PostgreSQL) -> Iterator[Shop]:
    """Return a project of parts on a database of its own."""
    name = shop.url.rpartition("/")[2]
    postgresql.drop_database(name)
    postgresql.create_database(name)
    shop.migration("shop", "0001_initial", FIRST, head="initial = True")
    shop.deploy()
    yield shop
    postgresql.drop_database(f"{name}_stock")


@pytest.mark.parametrize("operations", [WIDER + NARROWER, OTHERWISE, POINTING])
def test_columns_become_others_as_django_makes_them(parts: Shop, postgresql: PostgreSQL, operations: str) -> None:
    name = parts.url.rpartition("/")[2]
    parts.second(operations)
    stock = postgresql.create_database(f"{name}_stock", name)
    assert all(steps(parts))
    parts.deploy()
    parts.databases["default"] = stock
    assert parts.run("migrate").code == 0
    ours, theirs = (unordered(snapshot(postgresql, one)) for one in (name, f"{name}_stock"))
    assert ours.difference(theirs) == ""
    parts.databases["default"] = parts.url
    default = 7 if operations is OTHERWISE else 5
    sql = "INSERT INTO shop_part (kind_id, text, size) VALUES (1, 'x', 2) RETURNING id, count"
    assert parts.query(sql) == [(301, default)]


def test_a_column_that_the_plan_itself_adds_becomes_another(parts: Shop, postgresql: PostgreSQL) -> None:
    name = parts.url.rpartition("/")[2]
    parts.second(
        'migrations.AddField("part", "new", models.IntegerField(default=4)),'
        'migrations.RenameField("part", "new", "newer"),'
        'migrations.AlterField("part", "newer", models.CharField(max_length=9, default="5"))'
    )
    stock = postgresql.create_database(f"{name}_stock", name)
    assert [len(operation) > 2 for operation in steps(parts)] == [False, False, True]
    assert handled(parts) == {"AM102": "online", "AM403": None}
    assert "operation 3, step 1 of " in parts.deploy().output
    parts.databases["default"] = stock
    assert parts.run("migrate").code == 0
    ours, theirs = (unordered(snapshot(postgresql, one)) for one in (name, f"{name}_stock"))
    assert ours.difference(theirs) == ""


@contextlib.contextmanager
def writing(url: str, *statements: str) -> Iterator[list[int]]:
    """Send statements one after the other, again and again, while the block lasts; give an entry for each round."""
    stop, rounds = threading.Event(), list[int]()

    def write() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not stop.wait(0.005):
                for statement in statements:
                    connection.execute(statement.encode())
                rounds.append(1)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield rounds
    finally:
        stop.set()
        thread.join()


def test_what_is_written_meanwhile_is_in_the_new_column(parts: Shop) -> None:
    parts.second(WIDER)
    update = "UPDATE shop_part SET count = count + 1 WHERE id = 7"
    insert = "INSERT INTO shop_part (kind_id, count, text) VALUES (1, 1000000, 'new')"
    with writing(parts.url, update, insert) as written:
        parts.deploy()
    assert parts.query("SELECT count FROM shop_part WHERE id = 7") == [(7 + len(written),)]
    assert parts.query("SELECT count(*), min(count) FROM shop_part WHERE text = 'new'") == [(len(written), 1000000)]


def test_a_table_that_grows_as_fast_as_it_is_filled_is_done_all_the_same(parts: Shop) -> None:
    parts.query(GROWING)
    parts.second('migrations.AlterField("part", "count", models.PositiveBigIntegerField(db_default=5))')
    parts.deploy()
    new = "SELECT count(*) = 2000 * (SELECT last_value FROM batches), min(count), max(count) FROM shop_part"
    assert parts.query(f"{new} WHERE text = 'new'") == [(True, 5, 5)]


def test_who_writes_null_goes_on_while_a_column_that_takes_none_comes(parts: Shop) -> None:
    parts.settings(AUTO_MIGRATE={**ALWAYS, "BRIDGES": True})
    parts.second('migrations.AlterField("part", "size", models.BigIntegerField(default=2**40))')
    assert [len(operation) > 2 for operation in steps(parts)] == [True]
    insert = "INSERT INTO shop_part (kind_id, text, size) VALUES (1, 'null', NULL)"
    with writing(parts.url, insert) as written:
        parts.deploy()
        deployed = len(written)
        wait_until(lambda: len(written) >= deployed + 2, timeout=60, message=lambda: "Nobody writes any more.")
    found = parts.query("SELECT count(*), min(size), max(size) FROM shop_part WHERE text = 'null'")
    assert found == [(len(written), 2**40, 2**40)]


@pytest.mark.parametrize(
    ("operation", "misfit", "fitting"),
    [(NARROWER, "text = 'longer than nine'", "text = 'fits'"), (POINTING, "size = 7", "size = 2")],
)
def test_a_value_that_does_not_fit_leaves_nothing_behind(
    parts: Shop, operation: str, misfit: str, fitting: str
) -> None:
    parts.query(f"UPDATE shop_part SET {misfit} WHERE id = 70")
    parts.second(operation.strip().splitlines()[-1])
    before = parts.query(
        "SELECT count(*) FROM pg_attribute WHERE attrelid = 'shop_part'::regclass AND NOT attisdropped"
    )
    assert "put back as it was" in parts.deploy(expect=1).text
    after = parts.query("SELECT count(*) FROM pg_attribute WHERE attrelid = 'shop_part'::regclass AND NOT attisdropped")
    assert after == before
    assert parts.query("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'auto_migrate%'") == [(0,)]
    assert parts.query("SELECT count(*) FROM pg_proc WHERE proname LIKE 'auto_migrate%'") == [(0,)]
    parts.query(f"UPDATE shop_part SET {fitting} WHERE id = 70")
    parts.deploy()


@pytest.mark.parametrize(("operations", "later"), [(2, {}), (1, {"ONLINE": "never"})])
def test_what_was_cut_half_way_is_no_reason_to_refuse_the_plan(
    parts: Shop, operations: int, later: dict[str, str]
) -> None:
    judging = {**ALWAYS, "BLOCK": "error", "SMALL_TABLE": 0, "LOCK_BUDGET": 0}
    parts.settings(AUTO_MIGRATE=judging)
    parts.second("".join(WIDER.splitlines()[: operations + 1]))
    parts.query(CUT)
    parts.deploy(expect=3, AUTO_MIGRATE_MAX_RETRIES="1")
    parts.query("DROP EVENT TRIGGER cut")
    parts.settings(AUTO_MIGRATE={**judging, **later})
    assert "Let it be finished: manage.py auto_migrate\n" in parts.run("auto_migrate", "--check").errors
    assert "Nothing stops this plan" in parts.run("auto_migrate", "--plan").output
    parts.deploy()


def test_who_writes_with_other_settings_meanwhile_is_copied_as_all_rows_are(parts: Shop) -> None:
    parts.query("ALTER TABLE shop_part ALTER size TYPE timestamptz USING NULL")
    parts.second('migrations.AlterField("part", "size", models.DateField(null=True, db_index=True))')
    parts.query(CUT)
    parts.deploy(expect=3, AUTO_MIGRATE_MAX_RETRIES="1")
    parts.query("DROP EVENT TRIGGER cut")
    write = "UPDATE shop_part SET size = '2026-01-05T02:00:00Z' WHERE id ="
    parts.query(f"SET timezone = 'America/Sao_Paulo'; {write} 7")
    # As rows that come by replication are written.
    parts.query(f"SET session_replication_role = replica; {write} 8")
    parts.deploy()
    found = parts.query("SELECT id, size::text FROM shop_part WHERE size IS NOT NULL ORDER BY id")
    assert found == [(7, "2026-01-05"), (8, "2026-01-05")]


def test_a_bridge_that_stands_keeps_nothing_from_going_online(parts: Shop) -> None:
    parts.settings(AUTO_MIGRATE={**ALWAYS, "BRIDGES": True})
    parts.second('migrations.AlterField("part", "number", models.IntegerField(default=0))')
    parts.query("UPDATE shop_part SET number = id")
    parts.deploy()
    assert parts.query("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'auto_migrate%'") == [(1,)]
    wider = 'migrations.AlterField("part", "count", models.PositiveBigIntegerField(db_default=5))'
    parts.migration("shop", "0003_third", wider, after="0002_second")
    assert len(steps(parts)[0]) > 1


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "obstacle",
    [
        "CREATE VIEW counts AS SELECT count FROM shop_part",
        TRIGGER,
        "ALTER TABLE shop_part ADD twice bigint GENERATED ALWAYS AS (count * 2) STORED",
        "CREATE STATISTICS s ON count, number FROM shop_part",
        "CREATE PUBLICATION p FOR ALL TABLES",
        "GRANT SELECT (count) ON shop_part TO PUBLIC",
        "COMMENT ON INDEX \"both\" IS 'for the list'",
        "CREATE INDEX doubled ON shop_part ((count * 2)); ALTER INDEX doubled ALTER 1 SET STATISTICS 90",
        "COMMENT ON CONSTRAINT more ON shop_part IS 'for the sum'",
        # Nothing would be copied, and nobody be told.
        "CREATE RULE kept AS ON UPDATE TO shop_part DO INSTEAD NOTHING",
        "ALTER TABLE shop_part ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        "CREATE TABLE heir () INHERITS (shop_part)",
        # Which refuses old rows as soon as they are written.
        "ALTER TABLE shop_part ADD CONSTRAINT legacy CHECK (id > 10) NOT VALID",
    ],
)
def test_what_hangs_on_it_and_could_not_be_there_again_leaves_it_as_it_is_written(parts: Shop, obstacle: str) -> None:
    parts.query(obstacle)
    parts.second('migrations.AlterField("part", "count", models.BigIntegerField(db_default=5))')
    assert steps(parts) == [[]]


def test_what_points_to_a_key_from_a_table_with_heirs_leaves_it_as_it_is_written(parts: Shop) -> None:
    """Nothing would be copied in the rows of the heirs, which a trigger on the table does not see either."""
    slip = (
        '("id", models.BigAutoField(primary_key=True)), ("kind", models.ForeignKey("Kind", models.CASCADE, null=True))'
    )
    parts.second(f'migrations.CreateModel("Slip", [{slip}])')
    parts.deploy()
    parts.query("CREATE TABLE heir () INHERITS (shop_slip)")
    parts.query("INSERT INTO heir SELECT n, 1 FROM generate_series(1, 1000) AS n")
    wider = 'migrations.AlterField("kind", "id", models.BigAutoField(primary_key=True))'
    parts.migration("shop", "0003_third", wider, after="0002_second")
    assert steps(parts) == [[]]
    parts.deploy()
    assert parts.query("SELECT count(kind_id) FROM shop_slip") == [(1000,)]


def test_a_publication_of_what_the_role_may_not_see_is_in_nobodys_way(parts: Shop) -> None:
    parts.query("CREATE SCHEMA secret")
    parts.query("CREATE TABLE secret.t (id int PRIMARY KEY)")
    parts.query("CREATE PUBLICATION secret_ones FOR TABLE secret.t")
    role = f"r{parts.url.rpartition('/')[2]}"
    parts.query(f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
    parts.query(f"GRANT CREATE ON SCHEMA public TO {role}")
    for (table,) in parts.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        parts.query(f"ALTER TABLE {table} OWNER TO {role}")
    parts.settings(ENGINES={"default": {"USER": role, "PASSWORD": "x"}})
    parts.second('migrations.AlterField("part", "size", models.BigIntegerField(null=True))')
    assert len(steps(parts)[0]) > 1
    parts.deploy()


@pytest.mark.parametrize(
    "obstacle",
    [
        "ALTER TABLE shop_part ALTER id SET INCREMENT 2",
        "COMMENT ON SEQUENCE shop_part_id_seq IS 'odd numbers'",
        "CREATE TABLE other (n int DEFAULT nextval('shop_part_id_seq'))",
    ],
)
def test_numbers_that_come_in_a_way_of_their_own_leave_the_key_as_it_is_written(parts: Shop, obstacle: str) -> None:
    parts.query(obstacle)
    parts.second('migrations.AlterField("part", "id", models.BigAutoField(primary_key=True))')
    assert steps(parts) == [[]]


@pytest.mark.parametrize(
    "grants",
    [
        (
            "GRANT USAGE, SELECT ON SEQUENCE shop_part_id_seq TO reader WITH GRANT OPTION;"
            "GRANT SELECT ON SEQUENCE shop_part_id_seq TO PUBLIC;"
            "REVOKE UPDATE ON SEQUENCE shop_part_id_seq FROM postgres"
        ),
        # Which a new sequence would be given, and the old one was not.
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON SEQUENCES TO reader",
    ],
)
def test_what_others_may_do_with_the_numbers_of_a_key_is_as_it_was(parts: Shop, grants: str) -> None:
    parts.query("DO $$ BEGIN CREATE ROLE reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    parts.query(grants)
    rights = (
        "SELECT DISTINCT grantee, privilege_type, is_grantable FROM pg_class,"
        " aclexplode(coalesce(relacl, acldefault('s', relowner))) WHERE relname = 'shop_part_id_seq' ORDER BY 1, 2, 3"
    )
    before = parts.query(rights)
    parts.second('migrations.AlterField("part", "id", models.BigAutoField(primary_key=True))')
    assert len(steps(parts)[0]) > 1
    parts.deploy()
    assert parts.query(rights) == before
    assert parts.query("INSERT INTO shop_part (kind_id, text) VALUES (1, 'x') RETURNING id") == [(301,)]


def test_an_index_with_a_condition_would_be_made_anew_for_any_new_type(parts: Shop) -> None:
    files = "SELECT relfilenode FROM pg_class WHERE relname IN ('part', 'both') ORDER BY relname"
    before = parts.query(files)
    parts.query("ALTER TABLE shop_part ALTER text TYPE varchar(25)")
    assert [one == other for one, other in zip(before, parts.query(files), strict=True)] == [True, False]
    parts.second('migrations.AlterField("part", "text", models.CharField(max_length=30, db_index=True))')
    assert len(steps(parts)[0]) > 1
    parts.deploy()
