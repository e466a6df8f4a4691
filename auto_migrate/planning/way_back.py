"""A plan that unapplies, refused as a whole where something of it cannot be taken back."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import DEFAULT_DB_ALIAS
from django.db.migrations.migration import Migration
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from auto_migrate.changes.stock_operations import irreversible
from auto_migrate.exceptions import PlanRefused
from auto_migrate.planning.comparison import Comparison

Obstacle = tuple[Migration, int]


def refuse_irreversible(comparison: Comparison, database: str) -> None:
    """Raise `PlanRefused` for a plan that would come to what has no reverse, before anything of it is carried out."""
    found = list(_obstacles(comparison))
    if not found:
        return
    named = ", ".join(
        f"{migration}:{index} ({migration.operations[index - 1].describe()})" for migration, index in found
    )
    text = ngettext(
        "The plan is refused: {named} has no reverse and cannot be unapplied. Nothing was changed.",
        "The plan is refused: {named} have no reverse and cannot be unapplied. Nothing was changed.",
        len(found),
    )
    raise PlanRefused(text.format(named=named), hint="\n".join(_ways_out(comparison, found[0][0], database)))


def _obstacles(comparison: Comparison) -> Iterator[Obstacle]:
    for migration, backwards in comparison.plan:
        # What brings its own way of being unapplied knows how.
        if backwards and type(migration).unapply is Migration.unapply:
            for index in range(len(migration.operations), 0, -1):
                if irreversible(migration.operations[index - 1]) is not None:
                    yield migration, index


def _ways_out(comparison: Comparison, first: Migration, database: str) -> Iterator[str]:
    where = "" if database == DEFAULT_DB_ALIAS else f" --database {database}"
    plan = [migration for migration, _backwards in comparison.plan]
    # As Django has it, going back to a migration unapplies those of its app that come after it, and what needs them.
    if any(migration.app_label == first.app_label for migration in plan[: plan.index(first)]):
        command = f"manage.py auto_migrate {first.app_label} {first.name}{where}"
        yield _("Unapply what comes after it, and no more: {command}").format(command=command)
    yield _("Give the operation a reverse, or noop where nothing has to be taken back; or restore a backup.")
