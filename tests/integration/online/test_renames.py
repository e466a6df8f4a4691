"""Tables and columns that get another name, with the foreign keys that Django makes anew for it."""

from __future__ import annotations

import contextlib

import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker

from auto_migrate.applying.online.present_names import PresentNames
from auto_migrate.applying.online.renames import renamed
from auto_migrate.applying.online.step_context import NotOnline
from tests.integration.databases.aliases import alias
from tests.integration.fallback.project import ID
from tests.integration.online.shop import ALWAYS, Shop, handled, steps
from tests.servers import PostgreSQL
from tests.snapshot import snapshot

FIRST = f"""
    migrations.CreateModel("Kind", [{ID}, ("name", models.CharField(max_length=9))]),
    migrations.CreateModel("Part", [
        {ID},
        ("kind", models.ForeignKey("Kind", models.CASCADE)),
        ("parent", models.ForeignKey("self", models.CASCADE, null=True)),
        ("kinds", models.ManyToManyField("Kind", related_name="+")),
        ("near", models.ManyToManyField("self")),
    ]),
    migrations.CreateModel("Line", [
        {ID},
        ("part", models.ForeignKey("Part", models.CASCADE)),
        ("other", models.ForeignKey("Part", models.CASCADE, related_name="+")),
        ("third", models.ForeignKey("Part", models.CASCADE, related_name="+")),
    ]),
    migrations.CreateModel("TaskStateOfTheWorkflow", [
        {ID}, ("page_revision_of_the_state", models.ForeignKey("Part", models.CASCADE)),
    ]),
    migrations.RunSQL(
        "INSERT INTO shop_kind (name) VALUES ('one'), ('two');"
        "INSERT INTO shop_part (kind_id) SELECT 1 + n % 2 FROM generate_series(1, 300) AS n;"
        "INSERT INTO shop_part_near (from_part_id, to_part_id) SELECT id, id + 1 FROM shop_part WHERE id < 300;"
        "INSERT INTO shop_line (part_id, other_id, third_id) SELECT n, n, n FROM generate_series(1, 300) AS n"
    ),
"""
RENAMED = """
    migrations.RenameModel("Kind", "Sort"),
    migrations.RenameField("line", "part", "piece"),
    migrations.AlterField("line", "other", models.ForeignKey("Part", models.CASCADE, db_column="of", related_name="+")),
    migrations.AlterField("line", "third", models.ForeignKey("Part", models.CASCADE, null=True, related_name="+")),
"""
NOT_DEFERRABLE = (
    "DO $$ DECLARE name text; BEGIN FOR name IN SELECT conname FROM pg_constraint"
    " WHERE conrelid = 'shop_line'::regclass AND contype = 'f' LOOP"
    " EXECUTE format('ALTER TABLE shop_line ALTER CONSTRAINT %I NOT DEFERRABLE', name); END LOOP; END $$"
)
KEYS = "SELECT oid, conrelid FROM pg_constraint WHERE contype = 'f' ORDER BY oid"


@pytest.fixture
def parts(shop: Shop, postgresql: PostgreSQL) -> Shop:
    """Return a project of parts on a database of its own."""
    name = shop.url.rpartition("/")[2]
    postgresql.drop_database(name)
    postgresql.create_database(name)
    shop.migration("shop", "0001_initial", FIRST, head="initial = True")
    shop.deploy()
    return shop


# A table with a key to itself, and with many-to-many fields, one of them to itself.
AROUND = 'migrations.RenameModel("Part", "Piece")'
# What differs is cut off from the name of the key with a long one.
ALIKE = 'migrations.RenameModel("Part", "Partial")'


@pytest.mark.parametrize("operations", [RENAMED, AROUND, ALIKE])
def test_keys_stay_what_they_are_and_are_called_as_django_calls_them(
    parts: Shop, postgresql: PostgreSQL, operations: str
) -> None:
    name = parts.url.rpartition("/")[2]
    parts.second(operations)
    stock = postgresql.create_database(f"{name}_stock", name)
    assert handled(parts)["AM106"] == "online"
    before = parts.query(KEYS)
    parts.deploy()
    assert parts.query(KEYS) == before
    parts.databases["default"] = stock
    assert parts.run("migrate").code == 0
    assert parts.query(KEYS) != before
    assert snapshot(postgresql, name).difference(snapshot(postgresql, f"{name}_stock")) == ""
    postgresql.drop_database(f"{name}_stock")


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "operations",
    [
        'migrations.RenameField("line", "part", "piece"), migrations.RenameField("line", "piece", "bit")',
        'migrations.RenameModel("Line", "Row"), migrations.RenameField("row", "part", "piece")',
        'migrations.RenameModel("Part", "Piece"), migrations.RenameModel("Piece", "Bit")',
    ],
)
def test_what_the_plan_has_given_another_name_before_keeps_its_keys_too(parts: Shop, operations: str) -> None:
    parts.second(operations)
    before = parts.query(KEYS)
    assert steps(parts)[1] == ["change"]
    assert handled(parts)["AM106"] == "online"
    parts.deploy()
    assert parts.query(KEYS) == before


@pytest.mark.parametrize(
    ("before", "operation"),
    [
        # Which Django would not make again.
        (
            "ALTER TABLE shop_line ADD CONSTRAINT own_fk FOREIGN KEY (part_id) REFERENCES shop_part ON DELETE CASCADE",
            'migrations.RenameField("line", "part", "piece")',
        ),
        (NOT_DEFERRABLE, 'migrations.RenameField("line", "part", "piece")'),
    ],
)
def test_another_key_than_djangos_is_made_anew(parts: Shop, before: str, operation: str) -> None:
    parts.query(before)
    parts.second(operation)
    assert steps(parts) == [[]]


@pytest.mark.parametrize(("on_delete", "statements"), [("", 0), ("ON DELETE CASCADE", 2)])
def test_a_key_that_acts_otherwise_when_its_target_goes_is_made_anew(
    parts: Shop, django_db_blocker: DjangoDbBlocker, on_delete: str, statements: int
) -> None:
    key = 'FOREIGN KEY ("{}") REFERENCES "shop_part" ("id") {} DEFERRABLE INITIALLY DEFERRED'
    parts.query("ALTER TABLE shop_line ADD CONSTRAINT old " + key.format("part_id", on_delete))
    # As Django 6.1 writes it where the database does what is to be done.
    renaming = [
        'ALTER TABLE "shop_line" DROP CONSTRAINT "old"',
        'ALTER TABLE "shop_line" RENAME COLUMN "part_id" TO "piece_id"',
        'ALTER TABLE "shop_line" ADD CONSTRAINT "new" ' + key.format("piece_id", "ON DELETE CASCADE"),
    ]
    with django_db_blocker.unblock(), alias("parts", parts.url) as name:
        connections[name].ensure_connection()
        with contextlib.nullcontext() if statements else pytest.raises(NotOnline):
            (step,) = renamed(renaming, connections[name], PresentNames())
            assert len(step.sql) == statements


@pytest.mark.parametrize(
    "operations",
    [
        """
            migrations.AddField("line", "fourth", models.ForeignKey("Kind", models.CASCADE, null=True)),
            migrations.RenameField("line", "fourth", "last"),
        """,
        f"""
            migrations.CreateModel("Box", [{ID}, ("kind", models.ForeignKey("Kind", models.CASCADE))]),
            migrations.RenameModel("Box", "Crate"),
            migrations.RenameField("crate", "kind", "sort"),
        """,
    ],
)
@pytest.mark.parametrize("online", ["always", "auto"])
def test_what_the_same_migration_made_gets_another_name(parts: Shop, operations: str, online: str) -> None:
    parts.settings(AUTO_MIGRATE={**ALWAYS, "ONLINE": online})
    parts.second(operations)
    parts.deploy()
    assert parts.run("auto_migrate", "--check").code == 0


def test_bridges_go_along(parts: Shop) -> None:
    parts.settings(AUTO_MIGRATE={**ALWAYS, "BRIDGES": True})
    parts.second(
        'migrations.AddField("part", "place", models.ForeignKey("Kind", models.CASCADE, default=2, related_name="+"))'
    )
    parts.deploy()
    parts.migration("shop", "0003_third", 'migrations.RenameField("part", "place", "spot")', after="0002_second")
    assert steps(parts) == [["change"]]
    parts.deploy()
    assert parts.query("INSERT INTO shop_part (kind_id) VALUES (1) RETURNING spot_id") == [(2,)]
    assert parts.query("SELECT kind, column_name FROM auto_migrate_bridge") == [("default", "spot_id")]
