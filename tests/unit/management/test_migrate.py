"""Django's `migrate` with another executor in it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.db.migrations.executor import MigrationExecutor

from auto_migrate.applying.lazy_executor import LazyExecutor
from auto_migrate.management.commands import migrate


class Asked(Exception):
    """Somebody wanted an executor."""


class Executor(MigrationExecutor):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise Asked


@pytest.mark.django_db
def test_what_djangos_command_does_it_does_with_the_executor_that_it_is_given() -> None:
    with pytest.raises(Asked):
        migrate.carried_out_by(Executor)(migrate.Command(), database="default", verbosity=0, interactive=False)


@pytest.mark.django_db(transaction=True)
def test_ours_is_the_lazy_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_args: Any) -> None:
        raise Asked

    monkeypatch.setattr(LazyExecutor, "migration_plan", asked)
    with pytest.raises(Asked):
        call_command("migrate", verbosity=0)


def test_djangos_own_module_is_as_it_was() -> None:
    from django.core.management.commands import migrate as djangos

    assert vars(djangos)["MigrationExecutor"] is MigrationExecutor
