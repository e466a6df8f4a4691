"""Which operations are carried out only to be looked at."""

from __future__ import annotations

import functools
from typing import Any

from django.db import migrations, models

from auto_migrate.changes.stock_operations import is_of_own_kind

FIELD = models.IntegerField(null=True)


class Kept(migrations.AddField):
    """Does what Django's does."""


class Wrapping(migrations.AddField):
    """Does more, by the name of Django's."""

    @functools.wraps(migrations.AddField.database_forwards)
    def database_forwards(self, *args: Any) -> None:  # type: ignore[override] # as the stubs see what is wrapped
        super().database_forwards(*args)


def test_what_django_wrote_is_looked_at_and_nothing_that_goes_by_its_name() -> None:
    assert not is_of_own_kind(Kept("Book", "pages", FIELD))
    assert is_of_own_kind(Wrapping("Book", "pages", FIELD))
