"""What a hazard is: a rule over the changes of a migration, with what to write instead."""

from __future__ import annotations

import abc
import dataclasses
import enum
from collections.abc import Iterator
from typing import ClassVar

from django.utils.translation import gettext_noop

from auto_migrate.changes.change import (
    AddColumn,
    Change,
    CreateTable,
    DropColumn,
    DropTable,
    RenameColumn,
    RenameTable,
)
from auto_migrate.changes.reading import OperationChanges
from auto_migrate.phases.classify import ClassifiedMigration

EVERYWHERE = frozenset({"postgresql", "mysql", "sqlite"})
POSTGRESQL = frozenset({"postgresql"})


class Harm(enum.StrEnum):
    """What a hazard does to a live service; the level of its findings follows from it."""

    LOSES_DATA = gettext_noop("loses data")
    BLOCKS = gettext_noop("blocks")
    """Reads or writes wait behind it, the longer the larger the table is."""
    BREAKS = gettext_noop("breaks the running release")
    FAILS = gettext_noop("fails the deploy")
    """The database will refuse it, whatever is in the table."""
    RISKS = gettext_noop("risks")
    """It makes an accident likelier or its mending harder."""


@dataclasses.dataclass(frozen=True)
class ServerFacts:
    """What carries out the plan: the vendor as Django names it, and its version, `(15, 4)`."""

    vendor: str
    version: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Site:
    """Where a change stands: its operation and migration, the server, and what is known of the plan before it."""

    server: ServerFacts
    migration: ClassifiedMigration
    operation: OperationChanges
    new_tables: frozenset[str]

    def is_new(self, table: str) -> bool:
        """Return whether the plan itself makes the table, so that nobody uses it yet."""
        return table in self.new_tables

    def is_new_column(self, table: str, column: str) -> bool:
        """Return whether the plan itself makes the column, so that nobody has anything in it yet."""
        return of_column(table, column) in self.new_tables


@dataclasses.dataclass(frozen=True)
class Found:
    """What a hazard says of one change; `instead` is code to write, with the project's own names, or empty.

    `operation` is filled in by `Hazard.look`; None is left where that is overridden and the migration as a whole is
    meant. `others` are more tables that suffer.
    """

    table: str
    problem: str
    instead: str = ""
    operation: int | None = None
    others: tuple[str, ...] = ()


class Hazard(abc.ABC):
    """One hazard. A subclass tells its code, a title, the harm, where it holds, and where it is explained."""

    code: ClassVar[str]
    slug: ClassVar[str] = ""
    """A few words with hyphens that name it in reports; the name of its class where empty."""
    page: ClassVar[str] = ""
    """Where a project's own hazard is explained, a URL or a path; those of the package are in `docs/hazards/`."""
    title: ClassVar[str]
    """One short sentence without a full stop, marked with `gettext_noop`."""
    harm: ClassVar[Harm]
    vendors: ClassVar[frozenset[str]] = POSTGRESQL
    on_new_tables: ClassVar[bool] = False
    """Whether it matters on a table that the plan itself makes."""

    def look(self, migration: ClassifiedMigration, server: ServerFacts, new_tables: frozenset[str]) -> Iterator[Found]:
        """Return what the hazard finds in a migration; override where more than one change has to be seen."""
        made = set(new_tables)
        for operation, change in migration.changes():
            if self.on_new_tables or change.table not in made:
                for found in self.found(change, Site(server, migration, operation, frozenset(made))):
                    yield dataclasses.replace(found, operation=operation.index)
            note_new(made, change)

    @abc.abstractmethod
    def found(self, change: Change, site: Site) -> Iterator[Found]:
        """Return what the hazard finds in one change."""


def note_new(made: set[str], change: Change) -> None:
    """Keep the set of tables and columns (`of_column`) that the plan itself makes true after a change."""
    match change:
        case CreateTable(unsure=False):
            made.add(change.table)
        case DropTable():
            _forget(made, change.table)
        case RenameTable():
            _rename_table(made, change)
        case AddColumn(unsure=False):
            made.add(of_column(change.table, change.column))
        case DropColumn():
            made.discard(of_column(change.table, change.column))
        case RenameColumn():
            _rename_column(made, change)


def of_column(table: str, column: str) -> str:
    """Return the name under which a column stands among the tables that the plan makes."""
    return f"{table}({column})"


def _forget(made: set[str], table: str) -> set[str]:
    """Take a table and its columns out of what the plan makes, and give them."""
    found = {name for name in made if name == table or name.startswith(of_column(table, "")[:-1])}
    made -= found
    return found


def _rename_table(made: set[str], change: RenameTable) -> None:
    # The name that it gives up may become an older table's, and the one that it takes may have been a newer one's.
    found = _forget(made, change.table)
    _forget(made, change.to)
    if not change.unsure:
        made |= {change.to + name.removeprefix(change.table) for name in found}


def _rename_column(made: set[str], change: RenameColumn) -> None:
    old, new = of_column(change.table, change.column), of_column(change.table, change.to)
    is_new = old in made and not change.unsure
    made -= {old, new}
    if is_new:
        made.add(new)
