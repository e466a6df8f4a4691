"""Bridges of every shape: what a default may be, what its table may be called, and what later migrations do to it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.bridges.conftest import OLD
from tests.integration.bridges.releases import ID, Release, Twins, releases

FIELDS = """
import datetime, decimal, uuid
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone


class Celsius(models.Field):
    def db_type(self, connection):
        return "numeric(5,2)"

    def get_db_prep_save(self, value, connection):
        return decimal.Decimal(value) / 10


def words():
    return ["a", 'b"c', "it's 100%"]


def colour():
    return {"red": [1, None], "text": "it's 100% $fill$"}
"""
COLUMNS = {
    "order": "models.IntegerField(default=7)",
    "amount": "models.DecimalField(max_digits=8, decimal_places=2, default=decimal.Decimal('1.50'))",
    "open": "models.BooleanField(default=True)",
    "text": 'models.TextField(default="it\'s 100% $fill$ \\\\ \\"x\\"")',
    "empty": "models.CharField(max_length=9, blank=True)",
    "made": "models.DateTimeField(default=timezone.now)",
    "seen": "models.DateTimeField(auto_now=True)",
    "day": "models.DateField(default=datetime.date(2024, 2, 29))",
    "token": "models.UUIDField(default=uuid.uuid4)",
    "names": "ArrayField(models.TextField(), default=words)",
    "data": "models.JSONField(default=colour)",
    "heat": "Celsius(default=215)",
    "kind": "models.IntegerField(default=2, db_column='Kind of It')",
    "parent": "models.ForeignKey('shop.Order', models.CASCADE, default=1, related_name='+')",
    "x" * 60: "models.SmallIntegerField(default=-3)",
}
WRITTEN = {
    "order": 7,
    "amount": "1.50",
    "open": True,
    "text": 'it\'s 100% $fill$ \\ "x"',
    "empty": "",
    "day": "2024-02-29",
    "names": ["a", 'b"c', "it's 100%"],
    "data": {"red": [1, None], "text": "it's 100% $fill$"},
    "heat": "21.50",
    "kind": 2,
    "parent_id": 1,
    "x" * 60: -3,
}
TABLES = {"Order": 'sales"."invoice', "Select": "Select", "Long": "t" * 60}
MODEL = """
class {name}(models.Model):
    note = models.CharField(max_length=50)
    {fields}

    class Meta:
        db_table = {table!r}
"""
MADE = 'migrations.CreateModel("{name}", [{id}, {note}], options={{"db_table": {table!r}}})'
NOTE = '("note", models.CharField(max_length=50))'
SCHEMA = 'migrations.RunSQL("CREATE SCHEMA IF NOT EXISTS sales")'
IMPORTS = "from shop.models import ArrayField, Celsius, colour, datetime, decimal, timezone, uuid, words"
LEFT = "SELECT count(*) FROM information_schema.columns WHERE column_default IS NOT NULL AND table_name IN {tables}"
ROWS = """
import json
rows = [row for model in (Order, Select, Long) for row in model.objects.filter(note="old").values()]
print("rows", json.dumps(rows, default=str))
"""


def code(columns: dict[str, str]) -> str:
    lines = "\n    ".join(f"{name} = {field}" for name, field in columns.items())
    return FIELDS + "".join(MODEL.format(name=name, table=table, fields=lines) for name, table in TABLES.items())


def test_every_kind_of_default_and_of_name(tmp_path: Path, database_url: str) -> None:
    made = [SCHEMA, *(MADE.format(name=name, id=ID, note=NOTE, table=table) for name, table in TABLES.items())]
    added = [
        f'migrations.AddField("{model}", "{name}", {field})' for model in TABLES for name, field in COLUMNS.items()
    ]
    first = {"0001_initial": ", ".join(made)}
    second = {**first, "0002_columns": ", ".join(added)}
    write = "for model in (Order, Select, Long): model.objects.bulk_create([model(note={!r}) for _ in range(2)])"
    with releases(
        Release(tmp_path / "1", database_url, code({}), first),
        Release(tmp_path / "2", database_url, code(COLUMNS), second, before=IMPORTS),
    ) as (old, new):
        old.migrated("v1")
        old.code(write.format("before"))
        new.migrated("v2")
        assert len(new.bridges) == len(TABLES) * len(COLUMNS)
        old.code(write.format("old"))
        rows = json.loads(new.code(ROWS).partition("rows ")[2])
        assert len({row["token"] for row in rows}) == len(rows) == 2 * len(TABLES)
        assert [{name: row[name] for name in WRITTEN} for row in rows] == [WRITTEN] * len(rows)
        new.migrated("v2", "--phase", "post_deploy")
        tables = ("invoice", "Select", "t" * 60)
        assert (new.bridges, new.query(LEFT.format(tables=tables))) == ([], [(0,)])
        new.code("for model in (Select, Long): model.objects.create(note='new')")


def field(column: str, text: str) -> str:
    return f'migrations.AlterField("Order", "{column}", models.{text})'


# A column as it is added, and what the next migration does to it.
CHANGED = {
    "renamed": ("IntegerField(default=1)", 'migrations.RenameField("Order", "renamed", "called")'),
    "moved": ("IntegerField(default=2)", field("moved", 'IntegerField(default=2, db_column="OtherDatabases")')),
    "typed": ("CharField(max_length=9, default='12')", field("typed", "IntegerField(default=3)")),
    "wider": ("CharField(max_length=9, default='b')", field("wider", "CharField(max_length=20)")),
    "bigger": ("IntegerField(default=4)", field("bigger", "BigIntegerField()")),
    "loose": ("IntegerField(default=5)", field("loose", "IntegerField(null=True)")),
    "kept": ("IntegerField(default=6)", field("kept", "IntegerField(db_default=6)")),
    "gone": ("IntegerField(default=7)", 'migrations.RemoveField("Order", "gone")'),
    "filled": ("IntegerField(null=True)", field("filled", "IntegerField(default=8)")),
    "token": ("UUIDField(null=True)", field("token", "UUIDField(default=uuid.uuid4, unique=True)")),
}
LATE = [
    field("late", 'IntegerField(default=9, db_column="Late \' $fill$")'),
    'migrations.AlterModelTable("Order", "Sale")',
    'migrations.AlterModelTable("Order", "shop_order")',
    field("tail", "BigIntegerField()"),
    field("late", 'BigIntegerField(db_column="Late \' $fill$")'),
]
WRITES = """
for late in (None, 1): Order.objects.create(note="old")
Order.objects.update(note="changed")
"""
FOUND = ["called", "OtherDatabases", "typed", "wider", "bigger", "filled", "token", "tail", "Late ' $fill$"]


def test_what_later_migrations_do_to_a_column_is_done_to_its_bridge(tmp_path: Path, twins: Twins) -> None:
    """The same plan by Django's own `migrate` ends with the same schema, once the bridges are down."""
    first = {
        "0001_initial": f"""migrations.CreateModel("Order", [{ID}, {NOTE},
            ("late", models.IntegerField(null=True)), ("tail", models.IntegerField(db_default=4))])"""
    }
    added = [f'migrations.AddField("Order", "{name}", models.{begun})' for name, (begun, _then) in CHANGED.items()]
    changed = [*(then for _begun, then in CHANGED.values()), *LATE]
    second = {**first, "0002_add": ", ".join(added), "0003_change": ", ".join(changed)}
    with releases(
        Release(tmp_path / "1", twins.ours, OLD, first),
        Release(tmp_path / "2", twins.ours, OLD, second, before="import uuid"),
    ) as (old, new):
        for url in (twins.ours, twins.djangos):
            old.on(url).migrated("v1")
            old.on(url).code('Order.objects.create(note="before")')
        new.on(twins.djangos).run("migrate")
        new.migrated("v2", AUTO_MIGRATE_BLOCK="never")
        assert [column for _kind, _table, column in new.bridges] == FOUND
        old.code(WRITES)
        columns = 'called, "OtherDatabases", typed, wider, bigger, loose, kept, filled'
        assert new.query(f"SELECT {columns} FROM shop_order WHERE id > 1") == [(1, 2, 3, "b", 4, None, 6, 8)] * 2
        new.query('UPDATE shop_order SET "Late \' $fill$" = NULL, filled = NULL')
        assert new.query('SELECT DISTINCT "Late \' $fill$", filled FROM shop_order') == [(9, 8)]
        new.migrated("v2", "--phase", "post_deploy")
        assert new.bridges == []
    found, wanted = twins.ends()
    assert found.schema == wanted.schema
