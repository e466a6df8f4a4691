"""LOCK TABLE holds everybody up; locked rows do for what is about to be written."""

from typing import Any

from django.db import migrations

from tests.hazards import customers_and_orders, migration


def number_under_lock(apps: Any, editor: Any) -> None:
    orders = apps.get_model("shop", "Order").objects.using(editor.connection.alias)
    orders.filter(id__lt=1000).update(quantity=1)


def number_locked_rows(apps: Any, editor: Any) -> None:
    orders = apps.get_model("shop", "Order").objects.using(editor.connection.alias).filter(id__lt=1000)
    orders.filter(id__in=list(orders.select_for_update().values_list("id", flat=True))).update(quantity=1)


BEFORE = customers_and_orders()

HAZARD = [
    migration(
        migrations.RunSQL("LOCK TABLE shop_order IN SHARE MODE", migrations.RunSQL.noop),
        migrations.RunPython(number_under_lock, migrations.RunPython.noop),
    )
]

SAFE = [migration(migrations.RunPython(number_locked_rows, migrations.RunPython.noop))]
