"""The running release's code goes on through what is told to be harmless, and fails where a break is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.db import DatabaseError, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Q

from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.reading import read_plan
from auto_migrate.phases.classify import ClassifiedMigration, classify_plan
from auto_migrate.phases.phase import Phase
from auto_migrate.safety.hazard import Harm, ServerFacts
from auto_migrate.safety.hazards import hazards

APP = "shop"


class StatusField(models.CharField):  # type: ignore[type-arg]
    """A column of an enum type."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "shop_status"


def key() -> Any:
    return models.BigAutoField(primary_key=True)


def char(length: int = 50, **options: Any) -> Any:
    return models.CharField(max_length=length, **options)


def shop_of_release_1() -> list[Operation]:
    """Return the operations that make what the old code knows."""
    return [
        ops.RunSQL("CREATE TYPE shop_status AS ENUM ('new', 'paid')"),
        ops.CreateModel("Customer", [("id", key()), ("name", char())]),
        ops.CreateModel("Tag", [("id", key())]),
        ops.CreateModel(
            "Order",
            [
                ("id", key()),
                ("customer", models.ForeignKey("shop.Customer", models.CASCADE)),
                ("note", char()),
                ("remark", char(null=True)),
                ("amount", models.IntegerField()),
                ("place", models.IntegerField(default=1)),
                ("priority", models.IntegerField(db_default=0)),
                ("status", StatusField(max_length=9, default="paid")),
                ("tags", models.ManyToManyField("shop.Tag")),
            ],
            options={
                "indexes": [models.Index(fields=["note"], name="order_by_note")],
                "constraints": [
                    models.CheckConstraint(condition=Q(amount__lt=9000), name="order_small"),
                    models.UniqueConstraint(fields=["customer", "place"], name="order_place"),
                ],
            },
        ),
    ]


class OldCode:
    """What the running release does all day, with its own models and within its own rules."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        state = ProjectState()
        for operation in shop_of_release_1():
            operation.state_forwards(APP, state)
        self.alias = connection.alias
        self.customers = state.apps.get_model(APP, "Customer")._default_manager.using(self.alias)
        self.tags = state.apps.get_model(APP, "Tag")._default_manager.using(self.alias)
        self.orders = state.apps.get_model(APP, "Order")._default_manager.using(self.alias)

    def insert(self) -> None:
        """Write rows as different as the old schema allows, and as alike."""
        customer = self.customers.create(name="Ada")
        for place in range(2):
            order = self.orders.create(
                customer=customer, note="x" * 50, remark=None, amount=-5, place=place, status="paid"
            )
            order.tags.add(self.tags.create())
            order.refresh_from_db()
            assert order.priority == 0

    def select(self) -> None:
        """Read all columns, follow relations, and ask by each kind of value."""
        for order in self.orders.select_related("customer").prefetch_related("tags"):
            assert order.customer.name
            assert list(order.tags.all())
        list(self.orders.filter(note__startswith="x", amount__lt=0, status="paid", remark=None, place=0))

    def update(self) -> None:
        """Save whole rows, and change some by a query."""
        for order in self.orders.all():
            order.note = "y" * 50
            order.save()
        self.orders.update(amount=-6, remark=None, status="paid")

    def delete(self) -> None:
        """Delete a row with what points to it, and one that is pointed to."""
        for order in self.orders.all()[:1]:
            order.delete()
        self.customers.all().delete()

    def failing(self) -> set[str]:
        """Do everything, each in a transaction of its own; name what the database refused."""
        return {act.__name__ for act in (self.insert, self.select, self.update, self.delete) if not self._does(act)}

    def _does(self, act: Callable[[], None]) -> bool:
        try:
            with transaction.atomic(using=self.alias):
                act()
        except DatabaseError:
            return False
        return True


def carried_out(connection: BaseDatabaseWrapper, state: ProjectState, operations: Iterable[Operation]) -> None:
    """Carry out operations, each in a transaction of its own where it can, and take the state along."""
    for operation in operations:
        before = state.clone()
        operation.state_forwards(APP, state)
        with connection.schema_editor(atomic=operation.atomic) as editor:
            operation.database_forwards(APP, editor, before, state)


@dataclasses.dataclass
class Upgrade:
    """A release's migration, what is told of it, and the old code after it."""

    read: ClassifiedMigration
    codes: set[str]
    failing: set[str]


def upgrade(connection: BaseDatabaseWrapper, *operations: Operation) -> Upgrade:
    """Bring release 1's schema and rows to release 2, told first, and let release 1 work on it."""
    old = ProjectState()
    carried_out(connection, old, shop_of_release_1())
    old_code = OldCode(connection)
    old_code.insert()
    atomic = all(operation.atomic for operation in operations)
    release_2 = type("Next", (Migration,), {"operations": list(operations), "atomic": atomic})
    [read] = classify_plan(read_plan(connection, [(release_2("0002_next", APP), False)], old.clone()))
    server = ServerFacts("postgresql", (connection.pg_version // 10000,))  # type: ignore[attr-defined]
    codes = {code for code, hazard in hazards().items() if list(hazard.look(read, server, NewObjects()))}
    carried_out(connection, old.clone(), operations)
    return Upgrade(read, codes, old_code.failing())


def is_break(code: str) -> bool:
    """Return whether a finding says that the running release fails, as it does without a column or table."""
    return hazards()[code].harm is Harm.BREAKS or code in {"AM301", "AM302", "AM303"}


def add(name: str, field: Any) -> Operation:
    return ops.AddField("order", name, field)


def alter(name: str, field: Any) -> Operation:
    return ops.AlterField("order", name, field)


def generated() -> Any:
    return models.GeneratedField(expression=models.F("amount") * 2, output_field=models.IntegerField(), db_persist=True)


SHORT = models.CheckConstraint(condition=Q(extra__lt=5), name="order_extra")

ADDITIVE: dict[str, list[Operation]] = {
    "a model": [ops.CreateModel("Coupon", [("id", key()), ("code", char(unique=True))])],
    "a model that points to an old one": [
        ops.CreateModel("Line", [("id", key()), ("order", models.ForeignKey("shop.Order", models.CASCADE))])
    ],
    "an optional column": [add("extra", models.IntegerField(null=True))],
    "a column with a database default": [add("extra", models.IntegerField(db_default=1))],
    "a column with a volatile database default": [add("extra", models.UUIDField(db_default=RandomUUID()))],
    "an optional unique column": [add("extra", char(null=True, unique=True))],
    "an optional checked column": [add("extra", models.PositiveIntegerField(null=True))],
    "an optional indexed column": [add("extra", char(null=True, db_index=True))],
    "an optional foreign key": [
        add("extra", models.ForeignKey("shop.Tag", models.CASCADE, null=True, related_name="+"))
    ],
    "a generated column": [add("extra", generated())],
    "a many-to-many field": [add("extra", models.ManyToManyField("shop.Tag", related_name="+"))],
    "a column and a constraint on it": [
        add("extra", models.IntegerField(null=True)),
        ops.AddConstraint("order", SHORT),
    ],
    "a column and a constraint on it, validated later": [
        add("extra", models.IntegerField(null=True)),
        AddConstraintNotValid("order", SHORT),
        ValidateConstraint("order", "order_extra"),
    ],
    "an index": [ops.AddIndex("order", models.Index(fields=["amount"], name="order_amount"))],
    "an index, concurrently": [AddIndexConcurrently("order", models.Index(fields=["amount"], name="order_amount"))],
    "an index under another name": [ops.RenameIndex("order", "order_note", old_name="order_by_note")],
    "longer text": [alter("note", char(80))],
    "text without a length": [alter("note", models.TextField())],
    "a larger integer": [alter("amount", models.BigIntegerField())],
    "NULL where there was none": [alter("note", char(null=True))],
    "a database default for an old column": [alter("amount", models.IntegerField(db_default=3))],
    "no check any more": [ops.RemoveConstraint("order", "order_small")],
    "no uniqueness any more": [ops.RemoveConstraint("order", "order_place")],
    "no constraint of a foreign key any more": [
        alter("customer", models.ForeignKey("shop.Customer", models.CASCADE, db_constraint=False))
    ],
    "a comment": [ops.AlterModelTableComment("order", "What people want.")],
    "another field on the same column": [
        alter("note", char(db_column="note")),
        ops.RenameField("order", "note", "remarks"),
    ],
    "another model on the same table": [
        ops.AlterModelTable("Customer", "shop_customer"),
        ops.RenameModel("Customer", "Person"),
    ],
    "a field forgotten": [
        ops.SeparateDatabaseAndState([alter("note", char(null=True))], [ops.RemoveField("order", "note")])
    ],
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", ADDITIVE)
def test_the_old_code_goes_on_with(shop: BaseDatabaseWrapper, name: str) -> None:
    upgraded = upgrade(shop, *ADDITIVE[name])
    assert upgraded.failing == set()
    assert {code for code in upgraded.codes if is_break(code)} == set()
    assert upgraded.read.decision.phase is Phase.PRE_DEPLOY
    assert not upgraded.read.decision.is_ambiguous


EMPTY = ops.RunSQL("DELETE FROM shop_order_tags; DELETE FROM shop_order")
EVERYTHING = {"insert", "select", "update", "delete"}
WRITES = {"insert", "update"}
ALONE = models.UniqueConstraint(fields=["note"], name="order_alone")

BREAKS: dict[str, tuple[str, set[str], list[Operation]]] = {
    "a column dropped": ("AM301", EVERYTHING, [ops.RemoveField("order", "note")]),
    "a column dropped by SQL": ("AM301", EVERYTHING, [ops.RunSQL("ALTER TABLE shop_order DROP COLUMN note")]),
    "a foreign key dropped": ("AM301", EVERYTHING, [ops.RemoveField("order", "customer")]),
    "a table dropped": ("AM302", EVERYTHING, [ops.DeleteModel("Order")]),
    "a table dropped by SQL": ("AM302", EVERYTHING, [ops.RunSQL("DROP TABLE shop_order CASCADE")]),
    "a many-to-many field dropped": ("AM302", {"insert", "select", "delete"}, [ops.RemoveField("order", "tags")]),
    "a longer text than fits": (
        "AM303",
        WRITES,
        [ops.RunSQL("UPDATE shop_order SET note = ''"), alter("note", char(20))],
    ),
    "a column renamed": ("AM401", EVERYTHING, [ops.RenameField("order", "note", "remarks")]),
    "a column renamed by db_column": ("AM401", EVERYTHING, [alter("note", char(db_column="remarks"))]),
    "a column renamed by SQL": ("AM401", EVERYTHING, [ops.RunSQL("ALTER TABLE shop_order RENAME note TO remarks")]),
    "a table renamed": ("AM402", EVERYTHING, [ops.AlterModelTable("order", "orders")]),
    "a model renamed": ("AM402", EVERYTHING, [ops.RenameModel("Order", "Purchase")]),
    "a table renamed by SQL": ("AM402", EVERYTHING, [ops.RunSQL("ALTER TABLE shop_order RENAME TO orders")]),
    "a required column": ("AM403", {"insert"}, [add("extra", models.IntegerField(default=1))]),
    "a required column by SQL": (
        "AM403",
        {"insert"},
        [EMPTY, ops.RunSQL("ALTER TABLE shop_order ADD extra int NOT NULL")],
    ),
    "an order of rows": ("AM403", {"insert"}, [ops.AlterOrderWithRespectTo("order", "customer")]),
    "NULL refused": ("AM404", WRITES, [alter("remark", char(default=""))]),
    "NULL refused in spite of a default": ("AM404", WRITES, [alter("remark", char(db_default=""))]),
    "text refused that is there already": (
        "AM405",
        {"insert"},
        [EMPTY, ops.AddConstraint("order", ALONE)],
    ),
    "a number refused, new rows only": (
        "AM405",
        WRITES,
        [AddConstraintNotValid("order", models.CheckConstraint(condition=Q(amount__gte=0), name="order_amount"))],
    ),
    "a number refused by its type": (
        "AM405",
        WRITES,
        [ops.RunSQL("UPDATE shop_order SET amount = 1"), alter("amount", models.PositiveIntegerField())],
    ),
    "a number refused that no row has": (
        "AM405",
        {"insert"},
        [
            EMPTY,
            alter("amount", models.ForeignKey("shop.Tag", models.CASCADE, db_column="amount", related_name="+")),
        ],
    ),
    "a unique index": (
        "AM405",
        {"insert"},
        [
            EMPTY,
            ops.RunSQL("CREATE UNIQUE INDEX order_note ON shop_order (note)"),
        ],
    ),
    "a value of an enum renamed": (
        "AM406",
        {"insert", "select", "update"},
        [ops.RunSQL("ALTER TYPE shop_status RENAME VALUE 'paid' TO 'settled'")],
    ),
    "a default dropped": ("AM407", {"insert"}, [alter("priority", models.IntegerField())]),
    "a number as text": ("AM408", {"select"}, [alter("place", char(20))]),
    "a default dropped by SQL": (
        "AM407",
        {"insert"},
        [ops.RunSQL("ALTER TABLE shop_order ALTER priority DROP DEFAULT")],
    ),
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", BREAKS)
def test_the_old_code_fails_as_told_with(shop: BaseDatabaseWrapper, name: str) -> None:
    code, failing, operations = BREAKS[name]
    upgraded = upgrade(shop, *operations)
    assert {found for found in upgraded.codes if is_break(found)} == {code}
    assert upgraded.failing == failing


def test_rows_deleted_by_sql_are_gone_as_told(shop: BaseDatabaseWrapper) -> None:
    upgraded = upgrade(shop, ops.RunSQL("TRUNCATE shop_order CASCADE"))
    assert "AM304" in upgraded.codes
    # The old code finds nothing to delete, and there were two.
    assert "delete" not in upgraded.failing
