"""Whether a migration is applied operation by operation, or knows better itself."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from django.db.migrations.migration import Migration

from auto_migrate.applying.operation_loop import applies_itself


class Own(Migration):
    def apply(self, *args: Any, **kwargs: Any) -> Any:
        return super().apply(*args, **kwargs)


class Plain(Migration):
    pass


def test_what_overrides_nothing_does_not_apply_itself() -> None:
    assert not applies_itself(Plain("0001_initial", "shop"))


def test_what_overrides_apply_does_in_whatever_way(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Plain("0001_initial", "shop")
    given.apply = functools.partial(Migration.apply, given)  # type: ignore[method-assign]
    assert applies_itself(Own("0001_initial", "shop"))
    assert applies_itself(given)
    monkeypatch.setattr(Migration, "apply", Own.apply)
    assert applies_itself(Plain("0001_initial", "shop"))
