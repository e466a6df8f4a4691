"""AM501: rows are written and tables changed in one transaction."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import DATA, Change, CreateTable, DataChange, LockTable, RunFunction
from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.phases.classify import ClassifiedMigration
from auto_migrate.safety.effects import effects
from auto_migrate.safety.effects.effect import Blocks
from auto_migrate.safety.hazard import Found, Harm, Hazard, ServerFacts, Site
from auto_migrate.safety.suggestions import comment

SPLIT = """\
{first}class Migration(migrations.Migration):
    operations = [{schema}]

{then}class Migration(migrations.Migration):
    atomic = False
    operations = [{data}]"""


class DataAndSchema(Hazard):
    code = "AM501"
    slug = "data-and-schema"
    title = gettext_noop("Rows are written and tables changed in one transaction")
    harm = Harm.RISKS

    def look(self, migration: ClassifiedMigration, server: ServerFacts, new: NewObjects) -> Iterator[Found]:
        """Find a migration that does both to tables that were there before."""
        if not migration.migration.atomic:
            return
        new, data, schema = new.copy(), list[tuple[Change, set[str] | None]](), list[str]()
        for _operation, change in migration.changes():
            if isinstance(change, DATA) and getattr(change, "writes", True):
                data.append((change, set(schema) if change.table in new.tables else None))
            else:
                schema += [table for table in tables_held(change, server) if table not in new.tables]
            new.follow(change)
        tables = tuple(dict.fromkeys(schema))
        meeting = [change for change, held in data if meets(change, tables, held)]
        if meeting:
            # What else writes there stands in the same transaction, whether or not it would do alone.
            writers = [change for change, held in data if held is None or change in meeting]
            yield Found(tables[0], problem(writers, tables), instead(migration), others=tables[1:])

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        """Find nothing in a single change."""
        return iter(())


def tables_held(change: Change, server: ServerFacts) -> Iterator[str]:
    """Name the tables that a change keeps from others until the transaction ends.

    An explicit lock is on purpose, and what a new table points to is locked only at the end, with its foreign keys.
    """
    if not isinstance(change, LockTable | CreateTable) and not getattr(change, "concurrently", False):
        yield from (effect.table for effect in effects(change, server) if effect.blocks is not Blocks.NOTHING)


def meets(change: Change, tables: tuple[str, ...], held: set[str] | None) -> bool:
    """Return whether tables that are changed stay locked while a change writes rows.

    `held` are those that are locked when rows are written to a new table: nobody waits for that, but for what is read.
    """
    if held is not None:
        return not is_bounded(change) and not held.isdisjoint(getattr(change, "reads", ()))
    # A few rows are written at once; on the changed table itself they may still have triggers to run.
    return bool(tables) and (not is_bounded(change) or change.table in tables)


def is_bounded(change: Change) -> bool:
    """Return whether SQL says how many rows it writes."""
    return isinstance(change, DataChange) and change.bounded


def problem(data: list[Change], tables: tuple[str, ...]) -> str:
    """Say what meets in the transaction."""
    writers = [change.function if isinstance(change, RunFunction) else verb_of(change) for change in data]
    return _(
        "{writers} writes rows in the transaction that changes {tables}: their locks are kept until it is done, and "
        "the reverse order can fail with “pending trigger events”, since Django's foreign keys are checked at the end."
    ).format(writers=", ".join(dict.fromkeys(writers)), tables=", ".join(tables))


def verb_of(change: Change) -> str:
    """Return what SQL does, as SQL says it."""
    return f"{change.verb} {change.table}" if isinstance(change, DataChange) else ""


def instead(migration: ClassifiedMigration) -> str:
    """Return the operations apart, by what they are called."""
    writers = {operation.index for operation, change in migration.changes() if isinstance(change, DATA)}
    named = [(operation.index, type(operation.operation).__name__) for operation in migration.operations]
    data = ", ".join(f"{name}(...)" for index, name in named if index in writers)
    schema = ", ".join(f"{name}(...)" for index, name in named if index not in writers)
    first = comment(_("One migration changes the tables:"))
    then = comment(_("The next one writes the rows, outside of any transaction:"))
    return SPLIT.format(first=first, then=then, schema=schema or "...", data=data)
