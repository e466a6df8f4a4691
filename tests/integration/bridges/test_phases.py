"""Where phases are on: what waits for the deploy is loosened before it, so that the new code can write and delete."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.bridges.releases import AT_ONCE, Release, bridges, query
from tests.integration.fallback.project import ID
from tests.servers import PostgreSQL
from tests.snapshot import snapshot

PHASED = {"AUTO_MIGRATE_PHASES": "true", "AUTO_MIGRATE_SMALL_TABLE": "0"}
OLD = """
class Customer(models.Model):
    name = models.CharField(max_length=9)


class Tag(models.Model):
    pass


class Order(models.Model):
    number = models.IntegerField()
    total = models.IntegerField(default=1)
    customer = models.ForeignKey(Customer, models.CASCADE)
    tags = models.ManyToManyField(Tag)


class Item(models.Model):
    order = models.ForeignKey(Order, models.CASCADE)
"""
NEW = """
class Customer(models.Model):
    name = models.CharField(max_length=9)


class Tag(models.Model):
    pass


class Order(models.Model):
    place = models.IntegerField(default=3)
"""
FIRST = f"""
migrations.CreateModel("Customer", [{ID}, ("name", models.CharField(max_length=9))]),
migrations.CreateModel("Tag", [{ID}]),
migrations.CreateModel("Order", [{ID}, ("number", models.IntegerField()), ("total", models.IntegerField(default=1)),
    ("customer", models.ForeignKey("shop.Customer", models.CASCADE)), ("tags", models.ManyToManyField("shop.Tag"))]),
migrations.CreateModel("Item", [{ID}, ("order", models.ForeignKey("shop.Order", models.CASCADE))]),
"""
ADD = 'migrations.AddField("Order", "place", models.IntegerField(default=3))'
DROP = """migrations.RemoveField("Order", "number"), migrations.RemoveField("Order", "total"),
migrations.RemoveField("Order", "customer"), migrations.RemoveField("Order", "tags"), migrations.DeleteModel("Item"), | phase = "post_deploy"
"""
LATE = "    import auto_migrate\\n"
PLANS = {"0001_initial": FIRST, "0002_place": ADD, "0003_drop": DROP}
OLD_WRITES = """
order = Order.objects.create(number=1, customer=Customer.objects.create(name="a"))
order.tags.add(Tag.objects.create())
Item.objects.create(order=order)
order.number = 2
order.save()
print(list(Order.objects.values_list("number", flat=True)))
if {delete}: order.delete()
"""
NEW_WRITES = """
order = Order.objects.create()
order.place = 4
order.save()
Order.objects.all().delete()
Customer.objects.all().delete()
Tag.objects.all().delete()
"""


def test_the_new_code_can_write_and_delete_before_what_it_forgot_is_gone(tmp_path: Path, database_url: str) -> None:
    old = Release(tmp_path / "v1", database_url, "v1", OLD, {"0001_initial": FIRST}, **PHASED)
    old.migrated()
    old.code(OLD_WRITES.format(delete=False))
    new = Release(tmp_path / "v2", database_url, "v2", NEW, PLANS, before="import auto_migrate", **PHASED)
    new.project.run
    print(new.run("auto_migrate", "--plan").output)
    print(new.migrated())
    print(bridges(database_url))
    old.code(OLD_WRITES.format(delete=True))
    new.code(NEW_WRITES)
    old.code(OLD_WRITES.format(delete=False))
    new.migrated()
    later = Release(tmp_path / "v3", database_url, "v3", NEW, PLANS, **PHASED)
    later.migrated(**AT_ONCE)
    print(bridges(database_url))
    print(later.migrated("--phase", "post_deploy"))
    assert bridges(database_url) == []
    new.code(NEW_WRITES)
