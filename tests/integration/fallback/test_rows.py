"""What rows of the database make fail is refused before it is begun, and is not promised where nobody looked."""

from __future__ import annotations

import psycopg

from tests.integration.fallback.project import ID, Project

FIRST = f"""
    migrations.CreateModel("Maker", [{ID}]),
    migrations.CreateModel(
        "Item",
        [
            {ID},
            ("a", models.IntegerField(null=True)),
            ("b", models.IntegerField()),
            ("maker_number", models.BigIntegerField(null=True)),
        ],
    ),
    migrations.CreateModel("Empty", [{ID}, ("a", models.IntegerField(null=True))]),
"""
MODEL = 'models.ForeignKey("shop.Maker", models.PROTECT, null=True, db_column="maker_number")'
FORBIDDEN = [
    'migrations.AddField("item", "c", models.IntegerField())',
    'migrations.AddField("item", "d", models.IntegerField(unique=True, default=1))',
    'migrations.AlterField("item", "a", models.IntegerField())',
    'migrations.AlterField("item", "b", models.IntegerField(unique=True))',
    f'migrations.AlterField("item", "maker_number", {MODEL})',
    'migrations.AddConstraint("item", models.CheckConstraint(condition=models.Q(b__gt=1), name="large"))',
]
REASONS = [
    "shop_item has rows, for which there is no value of c: it takes no NULL",
    "all rows of shop_item would have the same d, which is to be unique",
    "shop_item.a is NULL in some rows",
    "some rows of shop_item have the same b",
    "some maker_number of shop_item point to no row of shop_maker",
    "some rows of shop_item do not meet large",
]
LET_PASS = [
    'migrations.AddField("empty", "c", models.IntegerField())',
    'migrations.AlterField("empty", "a", models.IntegerField())',
    'migrations.AddField("item", "c", models.IntegerField(default=1))',
    'migrations.AlterField("item", "a", models.IntegerField(default=1))',
    'migrations.AddConstraint("item", models.UniqueConstraint(fields=["b", "id"], name="both"))',
    'migrations.RunSQL("UPDATE shop_item SET b = id")',
    'migrations.AlterField("item", "b", models.IntegerField(unique=True))',
]


def with_rows(project: Project, operations: list[str]) -> None:
    """Apply the first migration, and write rows and the second."""
    project.app("shop")
    project.migration("shop", "0001_initial", FIRST, head="initial = True")
    assert project.run("auto_migrate").code == 0
    project.query("INSERT INTO shop_item (b, maker_number) VALUES (1, 7), (1, NULL)")
    project.migration("shop", "0002_work", ", ".join(operations), after="0001_initial")


def test_what_rows_forbid_is_refused_before_anything_is_done(on_postgresql: Project) -> None:
    with_rows(on_postgresql, FORBIDDEN)
    said = on_postgresql.run("auto_migrate", "--plan")
    assert said.code == 6, said.text
    words = " ".join(said.text.split())
    assert [reason for reason in REASONS if reason not in words] == [], said.text
    refused = on_postgresql.run("auto_migrate")
    assert refused.code == 6, refused.text
    assert on_postgresql.recorded == ["shop.0001_initial"]


def test_what_no_row_forbids_or_the_plan_mends_is_let_pass(on_postgresql: Project) -> None:
    with_rows(on_postgresql, LET_PASS)
    said = on_postgresql.run("auto_migrate", "--plan")
    assert "AM205" not in said.text
    assert "Nobody could look" not in said.text


def test_what_nobody_could_look_at_is_not_promised(on_postgresql: Project) -> None:
    with_rows(on_postgresql, ['migrations.AlterField("item", "a", models.IntegerField())'])
    with psycopg.connect(on_postgresql.url) as other:
        other.execute("LOCK TABLE shop_item")
        said = on_postgresql.run("auto_migrate", "--plan")
    assert "Nothing stops this plan." not in said.text
    assert "whether rows forbid: ALTER TABLE shop_item ALTER COLUMN a SET NOT NULL" in said.text
