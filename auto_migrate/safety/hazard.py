"""What a hazard is: a rule over the changes of a migration, with what to write instead."""

from __future__ import annotations

import abc
import dataclasses
import enum
from collections.abc import Iterator
from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change
from auto_migrate.changes.new_objects import NewObjects
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
    """What carries out the plan: the vendor as Django names it, and its version, `(15, 4)`.

    `has_tenants` tells whether the plan is carried out in the schemas of many.
    """

    vendor: str
    version: tuple[int, ...]
    has_tenants: bool = False


@dataclasses.dataclass(frozen=True)
class Site:
    """Where a change stands: its operation and migration, the server, and what is known of the plan before it."""

    server: ServerFacts
    migration: ClassifiedMigration
    operation: OperationChanges
    new: NewObjects

    def is_new(self, table: str) -> bool:
        """Return whether the plan itself makes the table, so that nobody uses it yet."""
        return table in self.new.tables

    def is_new_column(self, table: str, column: str) -> bool:
        """Return whether the plan itself makes the column, so that nobody has anything in it yet."""
        return (table, column) in self.new.columns


@dataclasses.dataclass(frozen=True)
class Found:
    """What a hazard says of one change; `instead` is code to write, with the project's own names, or empty.

    `operation` and `change` are filled in by `Hazard.look`; None is left where that is overridden and the migration as
    a whole is meant. `others` are more tables that suffer.
    """

    table: str
    problem: str
    instead: str = ""
    operation: int | None = None
    others: tuple[str, ...] = ()
    change: Change | None = None


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
    while_waiting: ClassVar[bool] = False
    """Whether it hurts for as long as its migration is left for after the deploy, and no more when that runs."""
    on_new_tables: ClassVar[bool] = False
    """Whether it matters on a table that the plan itself makes."""

    def holds_on(self, vendor: str) -> bool:
        """Return whether it is a hazard on a vendor; on one that nobody here knows, what is one everywhere is."""
        return vendor in self.vendors or (vendor not in EVERYWHERE and EVERYWHERE.issubset(self.vendors))

    def look(self, migration: ClassifiedMigration, server: ServerFacts, new: NewObjects) -> Iterator[Found]:
        """Return what the hazard finds in a migration; override where more than one change has to be seen."""
        new = new.copy()
        for operation, change in migration.changes():
            if self.on_new_tables or change.table not in new.tables:
                for found in self.found(change, Site(server, migration, operation, new)):
                    yield dataclasses.replace(found, operation=operation.index, change=change)
            new.follow(change)

    @abc.abstractmethod
    def found(self, change: Change, site: Site) -> Iterator[Found]:
        """Return what the hazard finds in one change."""


def page_name(code: str) -> str:
    """Return which file of `docs/hazards/` explains a hazard of the package, in the reader's language."""
    return _("{code}.md").format(code=code)
