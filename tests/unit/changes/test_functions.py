"""What the source of a function tells of how it goes through rows, what it sends, and what cannot be followed."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models.expressions import RawSQL

from auto_migrate.changes.change import Change, DataChange, DropColumn, OpaqueChange
from auto_migrate.changes.python.functions import FunctionRead, read_function
from auto_migrate.changes.python.row_access import Pass, RowAccess
from auto_migrate.changes.verbs import DataVerb
from tests.unit.changes.sql_statements import read

TABLES = {"shop.order": "shop_order"}
DELETE = "DELETE FROM shop_order WHERE total IS NULL"


def chunks(rows: Any, size: int) -> Iterator[Any]:
    """Return some rows at a time."""
    for start in range(0, rows.count(), size):
        yield rows[start : start + size]


def update_all(apps: Any, _editor: Any) -> None:
    Order = apps.get_model("shop", "Order")
    Order.objects.all().update(total=0)


def update_some(apps: Any, _editor: Any) -> None:
    apps.get_model("shop.Order").objects.using("default").filter(total=None).update(total=0)


def delete_through_a_variable(apps: Any, _editor: Any) -> None:
    manager = apps.get_model("shop", "Order")._default_manager
    old = manager.exclude(total=None)
    old.delete()


def narrow_a_variable(apps: Any, _editor: Any) -> None:
    rows = apps.get_model("shop", "Order").objects.all()
    rows = rows.filter(total=None)
    rows.update(total=0)


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


def make_for_all(apps: Any, _editor: Any) -> None:
    Order = apps.get_model("shop", "Order")
    Order.objects.bulk_create([Order(total=order.total) for order in Order.objects.all()])


def change_in_bulk(apps: Any, _editor: Any) -> None:
    Order = apps.get_model("shop", "Order")
    rows = Order.objects.filter(total=None)
    Order.objects.bulk_update(list(rows), ["total"], batch_size=100)


def in_batches(apps: Any, _editor: Any) -> None:
    rows = apps.get_model("shop", "Order").objects
    while keys := list(rows.filter(total=None).values_list("pk", flat=True)[:1000]):
        rows.filter(pk__in=keys).update(total=0)


def in_slices(apps: Any, _editor: Any) -> None:
    Order = apps.get_model("shop", "Order")
    rows = Order.objects.order_by("pk")
    for start in range(0, rows.count(), 1000):
        batch = list(rows[start : start + 1000])
        Order.objects.bulk_update(batch, ["total"])


def in_chunks(apps: Any, _editor: Any) -> None:
    Order = apps.get_model("shop", "Order")
    for batch in chunks(Order.objects.order_by("pk"), 1000):
        Order.objects.bulk_update(batch, ["total"])


def in_batches_within_one_transaction(apps: Any, _editor: Any) -> None:
    rows = apps.get_model("shop", "Order").objects
    with transaction.atomic():
        while keys := list(rows.filter(total=None).values_list("pk", flat=True)[:1000]):
            rows.filter(pk__in=keys).update(total=0)


def in_batches_with_a_transaction_each(apps: Any, _editor: Any) -> None:
    rows = apps.get_model("shop", "Order").objects
    while keys := list(rows.filter(total=None).values_list("pk", flat=True)[:1000]):
        with transaction.atomic():
            rows.filter(pk__in=keys).update(total=0)


@transaction.atomic
def in_batches_under_a_decorator(apps: Any, _editor: Any) -> None:
    rows = apps.get_model("shop", "Order").objects
    while keys := list(rows.filter(total=None).values_list("pk", flat=True)[:1000]):
        rows.filter(pk__in=keys).update(total=0)


def zero(rows: Any) -> None:
    """Write all rows that it is given."""
    rows.update(total=0)


def by_a_helper(apps: Any, _editor: Any) -> None:
    Order = apps.get_model("shop", "Order")
    zero(Order.objects.all())


def by_a_helper_of_a_helper(apps: Any, editor: Any) -> None:
    by_a_helper(apps, editor)


def store(order: Any) -> None:
    """Write one row."""
    order.save()


def each_by_a_helper(apps: Any, _editor: Any) -> None:
    for order in apps.get_model("shop", "Order").objects.all():
        store(order)


def each_by_an_inner_function(apps: Any, _editor: Any) -> None:
    Order = apps.get_model("shop", "Order")

    def write(key: int) -> None:
        Order.objects.filter(pk=key).update(total=0)

    for order in Order.objects.all():
        write(order.pk)


class Filler:
    """An object that can be called."""

    def __call__(self, apps: Any, editor: Any) -> None:
        update_all(apps, editor)

    def fill(self, apps: Any, editor: Any) -> None:
        self(apps, editor)
        update_all(apps, editor)


def only_read(apps: Any, _editor: Any) -> None:
    for order in apps.get_model("shop", "Order").objects.all():
        assert order.total is not None


def one_row(apps: Any, _editor: Any) -> None:
    Order = apps.get_model("shop", "Order")
    Order.objects.filter(pk=1).update(total=0)
    order = Order.objects.get(note="first")
    order.delete()
    Order.objects.create(total=1)


def few_rows(apps: Any, _editor: Any) -> None:
    Order = apps.get_model("shop", "Order")
    for total in (1, 2, 3):
        Order.objects.get_or_create(total=total)


def something_else(_apps: Any, _editor: Any) -> None:
    found = {"a": 1}
    found.update(b=2)
    seen = set[str]()
    for _key in found:
        seen.add(_key)
        found.copy()


ONE, LOOP, BATCHES = (Pass(way, "shop.Order") for way in RowAccess)

IN_ONE = Pass(RowAccess.BATCHES, "shop.Order", atomic=True)


def read_of(function: Callable[..., None]) -> FunctionRead:
    return read_function(function, TABLES)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (update_all, [ONE]),
        (update_some, [ONE]),
        (delete_through_a_variable, [ONE]),
        (narrow_a_variable, [ONE]),
        (lambda apps, _editor: apps.get_model("shop", "Order").objects.update(total=0), [ONE]),
        (save_each, [LOOP]),
        (collect_all, [LOOP]),
        (make_for_all, [LOOP]),
        (change_in_bulk, [LOOP]),
        (in_batches, [BATCHES]),
        (functools.partial(in_batches), [BATCHES]),
        (in_slices, [BATCHES]),
        (in_chunks, [BATCHES]),
        (in_batches_within_one_transaction, [IN_ONE]),
        (in_batches_with_a_transaction_each, [BATCHES]),
        (in_batches_under_a_decorator, [IN_ONE]),
        (by_a_helper, [ONE]),
        (by_a_helper_of_a_helper, [ONE]),
        (each_by_a_helper, [LOOP]),
        (each_by_an_inner_function, [LOOP]),
        (Filler(), [ONE]),
        (Filler().fill, [ONE]),
        (only_read, []),
        (one_row, []),
        (few_rows, []),
        (something_else, []),
    ],
)
def test_the_ways_through_rows(function: Callable[..., None], expected: list[Pass]) -> None:
    found = read_of(function)
    assert list(found.passes) == expected
    assert not found.unfollowed
    assert found.writes is (bool(expected) or function in {one_row, few_rows})


def by_the_editor(_apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(DELETE)


def by_a_cursor(_apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("DELETE FROM shop_order " + "WHERE total IS NULL")


def by_a_cursor_with_parameters(_apps: Any, _editor: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM shop_order WHERE note = %s OR note LIKE '50%%'", ["old"])


def many_times(_apps: Any, _editor: Any) -> None:
    cursor = connection.cursor()
    cursor.executemany("DELETE FROM shop_order WHERE note = %(note)s", [{"note": "a"}])


def by_a_raw_query(apps: Any, _editor: Any) -> None:
    list(apps.get_model("shop", "Order").objects.raw(DELETE))


def by_a_table_name(apps: Any, schema_editor: Any) -> None:
    Order = apps.get_model("shop", "Order")
    table = schema_editor.quote_name(Order._meta.db_table)
    schema_editor.execute(f"DELETE FROM {table} WHERE total IS NULL")
    schema_editor.execute("DELETE FROM {} WHERE total IS NULL".format(Order._meta.db_table))  # noqa: UP032


def by_a_format(_apps: Any, schema_editor: Any) -> None:
    sql = textwrap.dedent(
        """
        DELETE FROM shop_order
        """
    )
    sql += " WHERE total IS NULL"
    schema_editor.execute(sql)


def send(editor: Any, sql: str) -> None:
    """Send what it is given."""
    editor.execute(sql)


def by_a_function_that_sends(_apps: Any, schema_editor: Any) -> None:
    send(schema_editor, DELETE)


def one_by_one(_apps: Any, schema_editor: Any) -> None:
    for sql in ["SELECT 1", DELETE]:
        schema_editor.execute(sql)


@pytest.mark.parametrize(
    "function",
    [
        by_the_editor,
        by_a_cursor,
        by_a_cursor_with_parameters,
        many_times,
        by_a_raw_query,
        by_a_table_name,
        by_a_format,
        by_a_function_that_sends,
        one_by_one,
    ],
)
def test_the_statements_that_are_sent(function: Callable[..., None]) -> None:
    found = read_of(function)
    assert not found.unfollowed
    changes = [change for sql in found.statements for change in read(sql)]
    assert set(changes) == {DataChange(table="shop_order", verb=DataVerb.DELETE)}


def of_any_table(_apps: Any, schema_editor: Any) -> None:
    for table in input().split():
        schema_editor.execute(f"ALTER TABLE {table} DROP COLUMN note")


def of_some_rows(_apps: Any, schema_editor: Any) -> None:
    key = input()
    schema_editor.execute(f"DELETE FROM shop_order WHERE id = {key}")
    schema_editor.execute(f"DELETE FROM shop_order WHERE id IN {key}")
    schema_editor.execute("DELETE FROM shop_order WHERE note = '%s' AND id = %s" % (key, key))  # noqa: UP031


def by_an_expression(apps: Any, _editor: Any) -> None:
    apps.get_model("shop", "Order").objects.filter(pk=1).update(total=RawSQL("tidy_up(%s)", [1]))


def changes_of(function: Callable[..., None]) -> list[Change]:
    return [change for sql in read_of(function).statements for change in read(sql)]


def test_what_is_known_only_when_it_runs_leaves_a_hole() -> None:
    assert changes_of(of_any_table) == [DropColumn(table="…", column="note")]
    assert set(changes_of(of_some_rows)) == {DataChange(table="shop_order", verb=DataVerb.DELETE, bounded=True)}


def test_an_expression_of_sql_is_read() -> None:
    [change] = changes_of(by_an_expression)
    assert isinstance(change, OpaqueChange)
    assert "tidy_up may do anything" in change.reason


def on_postgresql_alone(_apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor != "postgresql":
        schema_editor.execute("PRAGMA foreign_keys = OFF")
        return
    schema_editor.execute(DELETE)


def elsewhere_something_else(_apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor in ("sqlite", "oracle"):
        schema_editor.execute("PRAGMA foreign_keys = OFF")
    elif schema_editor.connection.vendor != "mysql":
        schema_editor.execute(DELETE)
    else:
        schema_editor.execute("SET foreign_key_checks = 0")


@pytest.mark.parametrize("function", [on_postgresql_alone, elsewhere_something_else])
def test_what_runs_on_another_database_is_left_out(function: Callable[..., None]) -> None:
    assert read_function(function, TABLES, "postgresql").statements == (DELETE,)
    assert read_function(function, TABLES, "sqlite").statements == ("PRAGMA foreign_keys = OFF",)


def each_row_by_sql(_apps: Any, _editor: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM shop_order")
        for (key,) in cursor.fetchall():
            cursor.execute("UPDATE shop_order SET total = 0 WHERE id = %s", [key])


def batches_by_sql(_apps: Any, _editor: Any) -> None:
    with connection.cursor() as cursor:
        while True:
            cursor.execute("DELETE FROM shop_order WHERE id IN (SELECT id FROM shop_order LIMIT 1000)")
            if not cursor.rowcount:
                break


def test_loops_around_statements_are_ways_too() -> None:
    assert read_of(each_row_by_sql).passes == (Pass(RowAccess.LOOP, ""),)
    assert read_of(batches_by_sql).passes == (Pass(RowAccess.BATCHES, ""),)


def runs_a_command(_apps: Any, _editor: Any) -> None:
    call_command("loaddata", "colours.json")


def sends_what_it_reads(_apps: Any, schema_editor: Any) -> None:
    with open("views.sql", encoding="utf-8") as file:
        schema_editor.execute(file.read())


def asks_another_package(apps: Any, schema_editor: Any) -> None:
    pytest.importorskip(apps, schema_editor)


def edits(apps: Any, schema_editor: Any) -> None:
    schema_editor.delete_model(apps.get_model("shop", "Order"))


def third(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(DELETE)


def second(apps: Any, schema_editor: Any) -> None:
    third(apps, schema_editor)


def first(apps: Any, schema_editor: Any) -> None:
    second(apps, schema_editor)


def too_deep(apps: Any, schema_editor: Any) -> None:
    first(apps, schema_editor)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (runs_a_command, "call_command runs a command"),
        (sends_what_it_reads, "made only when it runs: file.read()"),
        (asks_another_package, "pytest.importorskip of _pytest"),
        (edits, "changes tables by schema_editor.delete_model"),
        (too_deep, "third is called too deep"),
        (len, "no function of Python's"),
    ],
)
def test_what_cannot_be_followed_says_why(function: Callable[..., None], reason: str) -> None:
    found = read_of(function)
    [told] = found.unfollowed
    assert reason in told
    assert found.writes


def test_a_function_without_source_says_so() -> None:
    names: dict[str, Any] = {}
    exec("def update_all(apps, editor): apps.get_model('a', 'B').objects.update(c=1)", names)
    assert "source of update_all" in "".join(read_of(names["update_all"]).unfollowed)
