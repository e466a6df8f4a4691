"""What the source of a function tells of how it goes through rows."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from auto_migrate.safety.functions import Pass, Way, passes


def update_all(apps: Any, _editor: Any) -> None:
    Order = apps.get_model("shop", "Order")
    Order.objects.all().update(total=0)


def update_some(apps: Any, _editor: Any) -> None:
    apps.get_model("shop.Order").objects.using("default").filter(total=None).update(total=0)


def delete_through_a_variable(apps: Any, _editor: Any) -> None:
    manager = apps.get_model("shop", "Order")._default_manager
    old = manager.exclude(total=None)
    old.delete()


def save_each(apps: Any, _editor: Any) -> None:
    Order = apps.get_model("shop", "Order")
    for _number, order in enumerate(Order.objects.iterator()):
        order.total = 0
        order.save()


def collect_all(apps: Any, _editor: Any) -> None:
    Order = apps.get_model("shop", "Order")
    changed = []
    for order in Order.objects.filter(total=None):
        order.total = 0
        changed.append(order)
    Order.objects.bulk_update(changed, ["total"])


def in_batches(apps: Any, _editor: Any) -> None:
    rows = apps.get_model("shop", "Order").objects
    while keys := list(rows.filter(total=None).values_list("pk", flat=True)[:1000]):
        rows.filter(pk__in=keys).update(total=0)


def only_read(apps: Any, _editor: Any) -> None:
    for order in apps.get_model("shop", "Order").objects.all():
        assert order.total is not None


def one_row(apps: Any, _editor: Any) -> None:
    Order = apps.get_model("shop", "Order")
    Order.objects.filter(pk=1).update(total=0)
    order = Order.objects.get(note="first")
    order.delete()
    Order.objects.create(total=1)


def something_else(_apps: Any, _editor: Any) -> None:
    found = {"a": 1}
    found.update(b=2)
    for _key in found:
        found.copy()


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (update_all, [Way.ONE_STATEMENT]),
        (update_some, [Way.ONE_STATEMENT]),
        (delete_through_a_variable, [Way.ONE_STATEMENT]),
        (save_each, [Way.LOOP]),
        (collect_all, [Way.LOOP]),
        (in_batches, [Way.BATCHES]),
        (functools.partial(in_batches), [Way.BATCHES]),
        (only_read, []),
        (one_row, []),
        (something_else, []),
    ],
)
def test_the_ways_through_rows(function: Callable[..., None], expected: list[Way]) -> None:
    assert passes(function) == [Pass(way, "shop.Order") for way in expected]


def test_a_function_without_source_tells_nothing() -> None:
    names: dict[str, Any] = {}
    exec("def update_all(apps, editor): apps.get_model('a', 'B').objects.update(c=1)", names)
    assert passes(names["update_all"]) == []
    assert passes(len) == []
