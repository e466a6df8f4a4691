"""Queries are known by what they are made of, whatever ways they come by."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from auto_migrate.changes.python.functions import read_function
from auto_migrate.changes.python.row_access import Pass, RowAccess

TABLES = {"shop.order": "shop_order"}
ONE = Pass(RowAccess.ONE_STATEMENT, "shop.Order")
LOOP = Pass(RowAccess.LOOP, "shop.Order")


def orders_of(apps: Any) -> Any:
    return model_of(apps).objects.all()


def model_of(apps: Any) -> Any:
    return apps.get_model("shop", "Order")


def settle(order: Any) -> None:
    order.total = 0
    order.save()


def from_a_helper(apps: Any, _editor: Any) -> None:
    orders_of(apps).update(total=0)


def from_a_helper_in_a_loop(apps: Any, _editor: Any) -> None:
    for order in orders_of(apps):
        order.save()


def of_a_model_from_a_helper(apps: Any, _editor: Any) -> None:
    Order = model_of(apps)  # noqa: N806
    Order.objects.filter(total=None).delete()


def of_two_queries(apps: Any, _editor: Any) -> None:
    Order = apps.get_model("shop", "Order")
    (Order.objects.filter(total=None) | Order.objects.filter(note="")).update(total=0)


def of_one_query_or_another(apps: Any, _editor: Any) -> None:
    Order = apps.get_model("shop", "Order")
    rows = Order.objects.filter(total=None) if input() else Order.objects.all()
    rows.update(total=0)


def of_a_manager_of_its_own(apps: Any, _editor: Any) -> None:
    apps.get_model("shop", "Order").all_objects.filter(total=None).update(total=0)


def of_the_default_manager(apps: Any, _editor: Any) -> None:
    apps.get_model("shop", "Order")._meta.default_manager.filter(total=None).delete()


def without_signals(apps: Any, _editor: Any) -> None:
    apps.get_model("shop", "Order").objects.all()._raw_delete("default")


def by_the_name_of_a_method(apps: Any, _editor: Any) -> None:
    update = apps.get_model("shop", "Order").objects.update
    update(total=0)


def by_getattr(apps: Any, _editor: Any) -> None:
    getattr(apps.get_model("shop", "Order").objects, "update")(total=0)  # noqa: B009


def of_two_models(apps: Any, _editor: Any) -> None:
    Order, _Item = apps.get_model("shop", "Order"), apps.get_model("shop", "Item")  # noqa: N806
    rows, total = Order.objects.filter(total=None), 0
    rows.update(total=total)


def by_the_keys_of_all(apps: Any, _editor: Any) -> None:
    Order = apps.get_model("shop", "Order")
    keys = list(Order.objects.filter(total=None).values_list("pk", flat=True))
    Order.objects.filter(pk__in=keys).update(total=0)


def by_a_query_of_keys(apps: Any, _editor: Any) -> None:
    Order = apps.get_model("shop", "Order")
    Order.objects.filter(pk__in=Order.objects.filter(total=None)).delete()


def of_each_ones_own(apps: Any, _editor: Any) -> None:
    for order in apps.get_model("shop", "Order").objects.all():
        order.line_set.filter(total=None).update(total=0)


def by_map(apps: Any, _editor: Any) -> None:
    list(map(settle, apps.get_model("shop", "Order").objects.all()))


def by_map_and_lambda(apps: Any, _editor: Any) -> None:
    list(map(lambda order: order.save(), apps.get_model("shop", "Order").objects.all()))  # noqa: C417


def in_a_comprehension(apps: Any, _editor: Any) -> None:
    {order.pk: order.delete() for order in apps.get_model("shop", "Order").objects.all()}


def made_by_map(apps: Any, _editor: Any) -> None:
    Order = apps.get_model("shop", "Order")
    Order.objects.bulk_create(map(lambda order: Order(total=order.total), Order.objects.all()))  # noqa: C417


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        *((function, ONE) for function in (
            from_a_helper, of_a_model_from_a_helper, of_two_queries, of_one_query_or_another, of_a_manager_of_its_own,
            of_the_default_manager, without_signals, by_the_name_of_a_method, by_getattr, of_two_models,
            by_the_keys_of_all, by_a_query_of_keys,
        )),
        *((function, LOOP) for function in (
            from_a_helper_in_a_loop, of_each_ones_own, by_map, by_map_and_lambda, in_a_comprehension, made_by_map,
        )),
    ],
)  # fmt: skip
def test_what_a_query_is_made_of(function: Callable[..., None], expected: Pass) -> None:
    found = read_function(function, TABLES)
    assert found.passes == (expected,)
    assert not found.unfollowed


# fmt: off
IN_ONE_LINE = (lambda _apps, _se: None, lambda apps, _se: [order.save() for order in orders_of(apps)], lambda: 1)
# fmt: on


def test_functions_that_begin_in_one_line_are_told_apart() -> None:
    nothing, saving, number = IN_ONE_LINE
    assert [read_function(one, TABLES).passes for one in (nothing, saving, number)] == [(), (LOOP,), ()]


def by_some_keys(apps: Any, _editor: Any) -> None:
    Order = apps.get_model("shop", "Order")
    keys = list(Order.objects.values_list("pk", flat=True)[:100])
    Order.objects.filter(pk__in=keys).update(total=0)
    Order.objects.filter(pk__in=[1, 2]).update(total=0)


def of_one_rows_own(apps: Any, _editor: Any) -> None:
    order = apps.get_model("shop", "Order").objects.get(pk=1)
    order.line_set.filter(total=None).update(total=0)


def of_other_things(apps: Any, _editor: Any) -> None:
    Order = apps.get_model("shop", "Order")
    names = dict(map(lambda choice: choice, Order.CHOICES))
    names.update(a=1)
    seen = {order.pk for order in Order.objects.all()} | set(names)
    seen.clear()


@pytest.mark.parametrize("function", [by_some_keys, of_one_rows_own, of_other_things])
def test_few_rows_are_none_that_matter(function: Callable[..., None]) -> None:
    found = read_function(function, TABLES)
    assert not found.passes
    assert not found.unfollowed


def deferred(_apps: Any, se: Any) -> None:
    se.deferred_sql.append("DELETE FROM shop_order")


def by_a_procedure(_apps: Any, se: Any) -> None:
    with se.connection.cursor() as cursor:
        cursor.callproc("tidy_up", [])


def by_a_methods_name(_apps: Any, se: Any) -> None:
    run = se.execute
    run("DELETE FROM shop_order")


@pytest.mark.parametrize(
    ("function", "statement"),
    [
        (deferred, "DELETE FROM shop_order"),
        (by_a_procedure, "SELECT tidy_up()"),
        (by_a_methods_name, "DELETE FROM shop_order"),
    ],
)
def test_statements_come_by_many_ways(function: Callable[..., None], statement: str) -> None:
    assert read_function(function, TABLES).statements == (statement,)


def of_a_file(_apps: Any, se: Any) -> None:
    with open("fill.sql") as file:
        se.execute(file.read())


@pytest.mark.parametrize("function", [of_a_file, functools.partial(of_a_file)])
def test_an_editor_is_known_by_its_place_and_not_its_name(function: Callable[..., None]) -> None:
    [said] = read_function(function, TABLES).unfollowed
    assert "file.read()" in said
