"""What a migration does to the database, said once for Django's operations and for SQL that somebody wrote.

A change tells of one table, in the database's own names; `model` and `field` are Django's names for the same, empty
where none is known. Readers make changes (`reading` from operations, `sql` from statements); phases and hazards judge
them and look at nothing else, so that a rule holds for `AddIndex` and for `CREATE INDEX` alike.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any

from auto_migrate.changes.constraints import ConstraintKind
from auto_migrate.changes.python.row_access import Pass
from auto_migrate.changes.verbs import DataVerb, Ending, EnumVerb, Rewrite
from auto_migrate.databases.lock_modes import LockMode
from auto_migrate.values import ValueObject


class Default(enum.StrEnum):
    """What fills a new column in the rows that are there already."""

    NONE = "none"
    CONSTANT = "constant"
    """A value that is the same for all rows, `now()` included: PostgreSQL keeps it beside the table."""
    VOLATILE = "volatile"
    """A value of its own for each row: a volatile function, a sequence, an identity."""
    GENERATED = "generated"
    """A column that is computed from others and stored."""


class Change(ValueObject, kw_only=True):
    """Something that is done to one table (schema-qualified where the SQL was)."""

    table: str
    model: str = ""
    """`app_label.ModelName`."""
    together: bool = False
    """Sent in one text with others, which PostgreSQL then runs in a transaction; only told of what cannot be in one."""
    unsure: bool = False
    """Whether it may do nothing, or nothing that lasts: `IF NOT EXISTS`, a temporary table, within a `DO` block.

    Only told of what makes or renames something, which then is not surely new.
    """


class CreateTable(Change, kw_only=True):
    """A new table, and the other tables that its foreign keys point to; `names` are those within it.

    `is_there` tells that the database has one of its name already, where that was asked.
    """

    references: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    is_there: bool = dataclasses.field(default=False, compare=False, repr=False)


class DropTable(Change, kw_only=True):
    """A table that goes, and the other tables that its foreign keys point to.

    `kept` are those of them to which only the keys of its partitioned table point, which stays.
    `definition` is Django's model, or the many-to-many field that the table is of, where there is one. `present` is the
    name that the database has for it now, where that was asked.
    """

    references: tuple[str, ...] = ()
    kept: tuple[str, ...] = dataclasses.field(default=(), compare=False, repr=False)
    cascades: bool = False
    definition: Any = None
    present: str = dataclasses.field(default="", compare=False, repr=False)

    @property
    def own_references(self) -> tuple[str, ...]:
        """The tables of which rows cannot be deleted as long as it is there."""
        return tuple(table for table in self.references if table not in self.kept)


class RenameTable(Change, kw_only=True):
    """Another name for a table; `model` is the model as it was, `new_model` as it is then."""

    to: str
    new_model: str = ""


class ColumnChange(Change, kw_only=True):
    """Something that is done to one column."""

    column: str
    field: str = ""


class AddColumn(ColumnChange, kw_only=True):
    """A new column; `definition` is the Django field where there is one.

    `default` is what the statement fills old rows with; `keeps_default` tells whether the database goes on filling
    the column for writers that do not know it, as `db_default` does and Django's own defaults do not.
    `constrained_domain` is true where the type is a domain that refuses some values, so that each row is looked at.
    `obstacle` is why no bridge can fill the column for such writers, empty where one can, None where none is asked for.
    `is_there` tells that the table has one of its name already, where that was asked.
    """

    type: str
    null: bool
    default: Default = Default.NONE
    keeps_default: bool = False
    unique: bool = False
    checked: bool = False
    primary_key: bool = False
    references: str = ""
    constrained_domain: bool = False
    definition: Any = None
    obstacle: str | None = dataclasses.field(default=None, compare=False, repr=False)
    is_there: bool = dataclasses.field(default=False, compare=False, repr=False)


class DropColumn(ColumnChange, kw_only=True):
    """A column that goes; `references` is the table that its foreign key pointed to.

    `required` tells whether writers that leave the column out fail: it takes no NULL, and the database fills in
    nothing, or what a unique column has only once.
    `held` tells whether the database will not let it take NULL, because a key, a parent table, a domain or a CHECK
    refuses it, or that it would not help. `definition` is the Django field where there is one. `present` are the names
    that the database has for its table and itself now, where that was asked.
    """

    references: str = ""
    required: bool = False
    held: bool = False
    cascades: bool = False
    definition: Any = None
    present: tuple[str, str] = dataclasses.field(default=("", ""), compare=False, repr=False)


class RenameColumn(ColumnChange, kw_only=True):
    """Another name for a column; `definition` is the Django field as it was, where there is one."""

    to: str
    definition: Any = None


class AlterType(ColumnChange, kw_only=True):
    """Another type or collation; `old` is empty where the reader cannot know it. Fields where there are some.

    `indexed` tells whether an index uses the column, None where only its field can tell.
    """

    old: str
    new: str
    old_collation: str = ""
    new_collation: str = ""
    using: bool = False
    """Whether the statement computes the values in an expression of its own (`USING`) that is more than a cast."""
    conversion: str = dataclasses.field(default="", compare=False, repr=False)
    """That expression in SQL, empty where it says nothing."""
    indexed: bool | None = None
    old_definition: Any = None
    definition: Any = None


class SetNotNull(ColumnChange, kw_only=True):
    """NULL is refused from now on; `definition` is the Django field where there is one.

    `fills` tells whether the operation first writes a default into the rows that hold NULL; `proven_by` names a
    constraint by which PostgreSQL knows already that there are none; `obstacle` is as with `AddColumn`.
    """

    keeps_default: bool = False
    fills: bool = False
    proven_by: str = ""
    definition: Any = None
    obstacle: str | None = dataclasses.field(default=None, compare=False, repr=False)


class DropNotNull(ColumnChange, kw_only=True):
    pass


class SetDefault(ColumnChange, kw_only=True):
    pass


class DropDefault(ColumnChange, kw_only=True):
    """The database fills the column no more for writers that leave it out; `null` where it takes NULL instead.

    `obstacle` is as with `AddColumn`.
    """

    null: bool = False
    obstacle: str | None = dataclasses.field(default=None, compare=False, repr=False)


class AddConstraint(Change, kw_only=True):
    """A new constraint; `valid` is false for NOT VALID, `using_index` true where it takes over an index.

    `definition` is Django's constraint, or the field that carries it, where there is one. `as_index` is true where
    Django makes a unique index, because no constraint can say the same; `again` where the same constraint was dropped
    just before, as Django does when something else about a foreign key changes, or one that refused more. `index` is
    the one that it takes over; `not_null` are columns of which a CHECK says that they are not NULL. What is unique
    takes any number of NULLs, unless `nulls_distinct` is false. `sql` is how SQL says it, where something does.
    """

    name: str
    kind: ConstraintKind
    columns: tuple[str, ...] = ()
    valid: bool = True
    using_index: bool = False
    index: str = ""
    as_index: bool = False
    again: bool = False
    references: str = ""
    not_null: tuple[str, ...] = ()
    nulls_distinct: bool = True
    sql: str = dataclasses.field(default="", compare=False, repr=False)
    definition: Any = None


class ValidateConstraint(Change, kw_only=True):
    """Old rows are held to a constraint; `references` is told of a foreign key that the plan itself adds."""

    name: str
    references: str = ""


class DropConstraint(Change, kw_only=True):
    """A constraint that goes; `kind` is None and `columns` are empty where SQL does not tell them.

    `as_index` is as with `AddConstraint`.
    `again` tells whether the same migration makes the same constraint again.
    """

    name: str
    kind: ConstraintKind | None = None
    columns: tuple[str, ...] = ()
    references: str = ""
    as_index: bool = False
    again: bool = False
    definition: Any = None


class CreateIndex(Change, kw_only=True):
    """A new index; `definition` is Django's index, or for a field with `db_index` the index that says the same.

    `companion` is true for the second index, for LIKE, that Django gives to text with an index or a unique constraint.
    """

    name: str
    columns: tuple[str, ...] = ()
    unique: bool = False
    nulls_distinct: bool = True
    concurrently: bool = False
    companion: bool = False
    sql: str = dataclasses.field(default="", compare=False, repr=False)
    definition: Any = None


class DropIndex(Change, kw_only=True):
    """An index that goes; `columns` are empty where SQL does not tell them, and so may be the table.

    `companion` is as with `CreateIndex`; `sql` is the statement that would build it again, where something tells.
    """

    name: str
    columns: tuple[str, ...] = ()
    concurrently: bool = False
    companion: bool = False
    sql: str = dataclasses.field(default="", compare=False, repr=False)


class Reindex(Change, kw_only=True):
    concurrently: bool = False


class RewriteTable(Change, kw_only=True):
    """A command that writes the whole table anew: `VACUUM FULL`, `CLUSTER`, `SET TABLESPACE`, `SET LOGGED`…

    On SQLite it is Django that does so, whatever it is that changes of a field: there is no command then.
    """

    command: Rewrite | None


class LockTable(Change, kw_only=True):
    """A lock that something else needs: `LOCK TABLE`, a trigger, a partition, a rule."""

    mode: LockMode
    reason: str
    concurrently: bool = False


class AlterEnum(Change, kw_only=True):
    """A value of an enum type is added or renamed (`table` is the type's name)."""

    verb: EnumVerb
    value: str


class DataChange(Change, kw_only=True):
    """Rows written by SQL, or locked as if they were: `UPDATE`, `TRUNCATE`, `SELECT … FOR UPDATE`.

    It is bounded if the statement says how many at most.

    `cascades` is true where the rows of other tables go along, and nobody can tell which; `reads` are the other tables
    that it reads.
    """

    verb: DataVerb
    bounded: bool = False
    cascades: bool = False
    reads: tuple[str, ...] = ()


class EndTransaction(Change, kw_only=True):
    """A statement that ends the transaction in which it stands (`table` is empty): `COMMIT`, `ROLLBACK`.

    `in_block` is true within `DO`, where PostgreSQL refuses it if a transaction is open already.
    """

    statement: Ending
    in_block: bool = False


class Refusal(Change, kw_only=True):
    """What the database is certain to refuse, as it is now, and why; said of what is done to its `table`."""

    statement: str
    reason: str


class RunFunction(Change, kw_only=True):
    """A function of the project's that may do anything (`table` is empty).

    `tables` are those of the models that it can ask for, `app_label.ModelName` in lower case → table; `passes` its ways
    through their rows, as far as its source tells. What SQL it sends is told by changes of their own; `writes` is false
    of one that was read whole and writes nothing.
    """

    function: str
    code: Any = None
    tables: Mapping[str, str] = dataclasses.field(default_factory=dict, compare=False, repr=False)
    passes: tuple[Pass, ...] = ()
    writes: bool = True


class WriteInBatches(Change, kw_only=True):
    """Rows written by `auto_migrate.operations`, batch by batch, each in a short transaction of its own."""

    name: str
    background: bool = False


class OpaqueChange(Change, kw_only=True):
    """A statement or operation that no reader understands (`table` is empty), and why."""

    text: str
    reason: str


DATA = (DataChange, RunFunction)
# What gives a name to something.
NAMES = (CreateTable, RenameTable, AddColumn, RenameColumn)
