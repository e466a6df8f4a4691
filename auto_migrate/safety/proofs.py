"""What constraints of a model say of its columns, so that PostgreSQL need not read the rows to know it."""

from __future__ import annotations

from typing import Any

from django.db.models import CheckConstraint, Q

from auto_migrate.planning.changes import SetNotNull


def proof_of(change: SetNotNull) -> str:
    """Name the CHECK constraint that lets no NULL into the column, or nothing (`NotNullImpliedByRelConstraints`)."""
    if change.definition is None:
        return ""
    checks = (one for one in change.definition.model._meta.constraints if isinstance(one, CheckConstraint))
    return next((check.name for check in checks if refuses_null(check.condition, change.field)), "")


def refuses_null(condition: Any, field: str) -> bool:
    """Tell whether a condition says, among what it says, that a field is not NULL."""
    if not isinstance(condition, Q):
        return bool(condition == (f"{field}__isnull", False))
    if condition.negated:
        return condition.children in ([(f"{field}__isnull", True)], [(field, None)])
    if condition.connector != Q.AND and len(condition.children) > 1:
        return False
    return any(refuses_null(child, field) for child in condition.children)
