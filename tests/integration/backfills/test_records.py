"""The table of backfills, as this version finds and keeps it."""

from __future__ import annotations

import pytest
from django.db import connections
from django.db.models import UniqueConstraint

from auto_migrate.active_schema import within_schema
from auto_migrate.backfills.backfill_spec import BackfillSpec
from auto_migrate.backfills.keys import KeyedTable
from auto_migrate.backfills.records import Backfills
from auto_migrate.history.models import OF_SCHEMA, BackfillRecord, ensure_tables
from auto_migrate.values import BackfillKey

TASK = BackfillSpec(BackfillKey("shop", "totals"), KeyedTable("shop_order", ("id",)), lambda _rows: None)


@pytest.mark.django_db
def test_a_table_of_before_has_room_for_the_schemas_of_tenants_once_it_is_read() -> None:
    connection = connections["default"]
    ensure_tables(connection, [BackfillRecord])
    BackfillRecord.objects.all().delete()
    former = UniqueConstraint(fields=["app_label", "name"], name="auto_migrate_backfill_name")
    with connection.schema_editor() as editor:
        editor.remove_constraint(BackfillRecord, OF_SCHEMA)
        editor.execute("ALTER TABLE auto_migrate_backfill DROP COLUMN schema")
        editor.add_constraint(BackfillRecord, former)
    store = Backfills()
    assert list(store.all()) == []
    of_all = store.ensure(TASK)
    with within_schema("acme"):
        of_acme = store.ensure(TASK)
        assert store.get(TASK.key) == of_acme
    assert (of_acme != of_all, store.get(TASK.key)) == (True, of_all)
    assert store.find("totals") == [of_all, of_acme]
    assert store.find("totals", ["acme"]) == [of_acme]
    # Whose schema is gone needs nothing.
    assert store.forget_gone() == {"acme"}
    assert list(store.all()) == [of_all]
