"""Django's constraints as changes: of what kind one is, on which columns, and whether it is an index in truth."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models.constraints import BaseConstraint


class ConstraintKind(enum.StrEnum):
    """The constraints that tables have."""

    CHECK = "check"
    UNIQUE = "unique"
    PRIMARY_KEY = "primary key"
    FOREIGN_KEY = "foreign key"
    EXCLUSION = "exclusion"


def kind_of(constraint: BaseConstraint) -> ConstraintKind | None:
    """Return the kind of a constraint, None for one of the project's own making."""
    if isinstance(constraint, models.CheckConstraint):
        return ConstraintKind.CHECK
    if isinstance(constraint, models.UniqueConstraint):
        return ConstraintKind.UNIQUE
    # Told by name: importing django.contrib.postgres takes a driver that a project on another database does not have.
    names = {
        kind.__name__ for kind in type(constraint).__mro__ if kind.__module__.startswith("django.contrib.postgres")
    }
    return ConstraintKind.EXCLUSION if "ExclusionConstraint" in names else None


def as_unique_index(constraint: BaseConstraint) -> bool:
    """Return whether Django makes a unique index, because SQL has no constraint that says the same."""
    return isinstance(constraint, models.UniqueConstraint) and any(
        getattr(constraint, part) for part in ("condition", "include", "opclasses", "expressions")
    )


def columns_of(constraint: Any, model: Any) -> tuple[str, ...]:
    """Return the columns that a constraint speaks of, as far as it names them."""
    if isinstance(constraint, models.UniqueConstraint):
        return columns_named(model, constraint.fields)
    condition = getattr(constraint, "condition", None)
    named = condition.referenced_base_fields if isinstance(condition, models.Q) else ()
    return columns_named(model, sorted(name for name in named if name != "pk"))


def columns_named(model: Any, fields: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of some fields, by their names."""
    return tuple(model._meta.get_field(name.removeprefix("-")).column for name in fields)
