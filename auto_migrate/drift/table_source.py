"""What each vendor's half of a comparison is: the tables as they are, and as models would make them."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self

from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.databases.base import Database
from auto_migrate.databases.faults import first_line
from auto_migrate.drift.differences import Difference
from auto_migrate.drift.state_tables import Model, explicit_names, references_of, simplify, table_name, tables_of
from auto_migrate.drift.table_shape import TableShape

# How many models are made at a time.
BATCH = 40


@dataclasses.dataclass(frozen=True)
class ExpectedTables:
    """The shapes that tables should have by their names, and why some could not be had."""

    shapes: Mapping[str, TableShape]
    unknown: Mapping[str, str]


class TableSource(abc.ABC):
    """The tables of one database, and those that Django itself makes of models where nobody sees them.

    Both are read by the same reader. What is made stands for as long as the block of this context manager, at most.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    @property
    def connection(self) -> BaseDatabaseWrapper:
        """The connection to the tables that there are."""
        return self.database.connection

    @abc.abstractmethod
    def __enter__(self) -> Self:
        """Make the place for scratch; raise `AutoMigrateError` where the role may not."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing behind."""
        return

    @abc.abstractmethod
    def read(self, names: Mapping[str, str]) -> dict[str, TableShape]:
        """Return those of the tables that are there; `names` maps what each is called here to its quoted name."""

    @abc.abstractmethod
    def make(self, batch: Sequence[Model], own: Sequence[Model]) -> dict[str, TableShape]:
        """Make the tables of models, read them and take them back; raise where one cannot be made.

        `own` are these models with those of their automatic tables, all simplified.
        """

    @abc.abstractmethod
    def names(self) -> list[str]:
        """Name all tables that there are, those of extensions left out."""

    def sequences_behind(self, shapes: Iterable[TableShape], names: Mapping[str, str]) -> Iterable[Difference]:
        """Return the sequences that will give a number which a row has; elsewhere than on PostgreSQL none can."""
        return ()

    def extensions(self) -> Collection[str] | None:
        """Name the extensions that are there; None where Django's operations make none."""
        return None

    def expected(self, wanted: Sequence[Model]) -> ExpectedTables:
        """Return what the models of a state would make, their automatic tables included."""
        shapes: dict[str, TableShape] = {}
        unknown: dict[str, str] = {}
        for start in range(0, len(wanted), BATCH):
            batch = wanted[start : start + BATCH]
            try:
                shapes |= self._made(batch)
            except Exception:  # noqa: BLE001 # the database's, or Django's own of a state whose constraint names no field
                # One of them cannot be made: the others can.
                for model in batch:
                    try:
                        shapes |= self._made([model])
                    except Exception as error:  # noqa: BLE001 # the same
                        unknown[table_name(model)] = first_line(error)
        return ExpectedTables(shapes, unknown)

    def _made(self, batch: Sequence[Model]) -> dict[str, TableShape]:
        own = list(tables_of(batch))
        for model in own:
            simplify(model)
        named, shapes = {table_name(model): model for model in own}, self.make(batch, own)
        return {name: self.as_expected(shapes[name], model) for name, model in named.items() if name in shapes}

    def as_expected(self, shape: TableShape, model: Model) -> TableShape:
        """Leave out names that Django makes up, and say what the keys of a model point to."""
        explicit, references = explicit_names(model), references_of(model)
        columns = {
            name: dataclasses.replace(column, references=references.get(name)) for name, column in shape.columns.items()
        }
        rules = tuple(rule.expected(is_named=rule.name in explicit) for rule in shape.rules)
        return dataclasses.replace(shape, columns=columns, rules=rules)
