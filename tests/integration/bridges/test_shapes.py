"""Bridges of every shape: what a default may be, what its table may be called, and what later migrations do to it."""

from __future__ import annotations

import uuid
from pathlib import Path

from tests.integration.bridges.releases import AT_ONCE, Release, bridges, query
from tests.integration.fallback.project import ID
from tests.snapshot import snapshot

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
TABLES = ('sales"."invoice', "Select", "t" * 60)
MODEL = """
class {name}(models.Model):
    note = models.CharField(max_length=50)
    {fields}

    class Meta:
        db_table = {table!r}
"""
NAMES = ("Order", "Select", "Long")


def models(columns: dict[str, str]) -> str:
    lines = "\n    ".join(f"{name} = {field}" for name, field in columns.items())
    named = zip(NAMES, TABLES, strict=True)
    return FIELDS + "\n".join(MODEL.format(name=name, table=table, fields=lines) for name, table in named)


def created() -> str:
    made = [
        f'migrations.CreateModel("{name}", [{ID}, ("note", models.CharField(max_length=50))], options={{"db_table": {table!r}}})'
        for name, table in zip(NAMES, TABLES, strict=True)
    ]
    return ", ".join(['migrations.RunSQL("CREATE SCHEMA IF NOT EXISTS sales")', *made])


def added() -> str:
    return ", ".join(
        f'migrations.AddField("{model}", "{name}", {field})' for model in NAMES for name, field in COLUMNS.items()
    )


WRITE = "for model in (Order, Select, Long):\n    for _ in range(2): model.objects.create(note='old')"


def test_every_kind_of_default_and_of_name(tmp_path: Path, database_url: str) -> None:
    head = f"from shop.models import *\nfrom shop.models import Celsius, words, colour, decimal, datetime, uuid, timezone, ArrayField"
    old = Release(tmp_path / "v1", database_url, "v1", models({}), {"0001_initial": created()})
    old.migrated()
    old.code(WRITE)
    plans = {"0001_initial": created(), "0002_columns": added()}
    new = Release(tmp_path / "v2", database_url, "v2", models(COLUMNS), plans, before=head)
    print(new.migrated())
    assert len(bridges(database_url)) == len(NAMES) * len(COLUMNS)
    old.code(WRITE)
    print(
        new.code(
            "for m in (Order, Select, Long):\n  for o in m.objects.all(): print({k: v for k, v in vars(o).items() if k[0] != '_' and k[0] != 'x'})"
        ).output
    )
    new.code("Select.objects.create(note='new')")
    print(new.migrated("--phase", "post_deploy"))
    assert bridges(database_url) == []
    left = query(
        database_url,
        "SELECT table_name, column_name, column_default FROM information_schema.columns WHERE column_default IS NOT NULL AND table_name IN ('invoice', 'Select', '"
        + "t" * 60
        + "')",
    )
    assert left == []
    new.code("Select.objects.create(note='new')")


CHANGED = {
    "renamed": ("models.IntegerField(default=1)", 'migrations.RenameField("Order", "renamed", "called")'),
    "moved": (
        "models.IntegerField(default=2)",
        'migrations.AlterField("Order", "moved", models.IntegerField(default=2, db_column="Elsewhere"))',
    ),
    "typed": (
        "models.CharField(max_length=9, default='a')",
        'migrations.AlterField("Order", "typed", models.IntegerField(default=3))',
    ),
    "wider": (
        "models.CharField(max_length=9, default='b')",
        'migrations.AlterField("Order", "wider", models.CharField(max_length=20))',
    ),
    "bigger": ("models.IntegerField(default=4)", 'migrations.AlterField("Order", "bigger", models.BigIntegerField())'),
    "loose": (
        "models.IntegerField(default=5)",
        'migrations.AlterField("Order", "loose", models.IntegerField(null=True))',
    ),
    "kept": (
        "models.IntegerField(default=6)",
        'migrations.AlterField("Order", "kept", models.IntegerField(db_default=6))',
    ),
    "gone": ("models.IntegerField(default=7)", 'migrations.RemoveField("Order", "gone")'),
    "filled": (
        "models.IntegerField(null=True)",
        'migrations.AlterField("Order", "filled", models.IntegerField(default=8))',
    ),
    "unique": (
        "models.UUIDField(null=True)",
        'migrations.AlterField("Order", "unique", models.UUIDField(default=uuid.uuid4, unique=True))',
    ),
}
FIRST = f'migrations.CreateModel("Order", [{ID}, ("note", models.CharField(max_length=50)), ("late", models.IntegerField(null=True))])'


def test_what_a_later_migration_does_to_a_column_is_done_to_its_bridge(tmp_path, postgresql):
    urls = [postgresql.create_database(f"bridged_{uuid.uuid4().hex[:8]}") for _ in range(2)]
    plain = "class Order(models.Model):\n    note = models.CharField(max_length=50)\n    late = models.IntegerField(null=True)\n"
    plans = {
        "0001_initial": FIRST,
        "0002_add": ", ".join(
            f'migrations.AddField("Order", "{name}", {field})' for name, (field, _then) in CHANGED.items()
        ),
        "0003_change": ", ".join(
            [then for _field, then in CHANGED.values()]
            + ['migrations.AlterField("Order", "late", models.IntegerField(default=9))']
        ),
    }
    for url, command in zip(urls, ("auto_migrate", "migrate"), strict=True):
        old = Release(tmp_path / f"v1{command}", url, "v1", plain, {"0001_initial": FIRST})
        old.migrated()
        new = Release(tmp_path / f"v2{command}", url, "v2", plain, plans, before="import uuid")
        print(new.run(command).output)
        if command == "auto_migrate":
            print(bridges(url))
            old.code(
                "for late in (None, 1): Order.objects.create(note='old', late=late)\nOrder.objects.update(late=None)\nprint(list(Order.objects.values()))"
            )
            print(query(url, "SELECT * FROM shop_order"))
            print(new.migrated("--phase", "post_deploy"))
    assert bridges(urls[0]) == []
    found, wanted = (snapshot(postgresql, url.rpartition("/")[2]) for url in urls)
    assert found.schema == wanted.schema
