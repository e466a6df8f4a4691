"""The test database is left to the next test as Django's `flush` would leave it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import connection
from django.test import TransactionTestCase

from tests import flush

pytestmark = pytest.mark.django_db(transaction=True)


def rows() -> dict[str, list[Any]]:
    """Return the rows of all tables of models, without the numbers that a flush gives anew."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.django_table_names(only_existing=True, include_views=False):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            found[table] = sorted(row[1:] for row in cursor.fetchall())
    found["auth_permission"] = sorted((row[0], row[-1]) for row in found["auth_permission"])
    found["auth_group_permissions"] = sorted(Group.objects.values_list("name", "permissions__codename"))
    return found


@pytest.fixture
def flushed() -> dict[str, list[Any]]:
    """Return what Django's `flush` leaves."""
    call_command("flush", verbosity=0, interactive=False)
    flush.pristine[connection.settings_dict["NAME"]] = flush.made(connection)
    return rows()


def test_rows_are_gone_and_nothing_is_made_anew(flushed: dict[str, list[Any]]) -> None:
    ana = User.objects.create_user("ana")
    ana.groups.add(Group.objects.all()[0])
    ana.user_permissions.add(*Permission.objects.all()[:3])
    kept = flush.made(connection)
    flush.teardown(TransactionTestCase())
    assert rows() == flushed
    assert flush.made(connection) == kept


def test_what_post_migrate_makes_is_made_anew_where_it_was_changed(flushed: dict[str, list[Any]]) -> None:
    Permission.objects.all()[0].delete()
    Group.objects.create(name="A group of this test")
    flush.teardown(TransactionTestCase())
    assert rows() == flushed
