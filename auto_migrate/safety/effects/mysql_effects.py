"""What each change does to tables on MySQL 8 and MariaDB 10.6: InnoDB's INSTANT, INPLACE and COPY.

Copying a table stops all writes to it for as long as that takes, but for MariaDB from 11.2 on; reads go on. The rest
lets both go on, but for the instant in which the definition changes. It is held to what servers agree to do under
LOCK=NONE: MariaDB 10.11 and 11.8, MySQL 9.7.
https://dev.mysql.com/doc/refman/8.4/en/innodb-online-ddl-operations.html
https://mariadb.com/kb/en/innodb-online-ddl-operations-with-the-instant-alter-algorithm/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from auto_migrate.changes import change as changes
from auto_migrate.changes.change import Change, Default
from auto_migrate.changes.constraints import ConstraintKind
from auto_migrate.changes.types import read_type
from auto_migrate.changes.verbs import DataVerb
from auto_migrate.databases.mysql.online_ddl import COPIES_ONLINE
from auto_migrate.safety.effects.effect import Blocks, Effect

Version = tuple[int, ...]

# Columns are dropped in an instant from here on; MariaDB's versions are all higher.
INSTANT_DROP = (8, 0, 29)
# MariaDB's own versions begin here.
MARIADB = (10,)
# The longest VARCHAR whose length takes one byte, in characters of utf8mb4.
ONE_BYTE = 63


def effects_of(change: Change, version: Version) -> Iterator[Effect]:
    """Return the effect of a change on its own table."""
    rule = RULES.get(type(change))
    if rule and change.table:
        yield rule(change, version)


def copied(table: str) -> Effect:
    """Return that all rows are written to another table, while nobody else may write."""
    return Effect(table, rewrites=True, scans=True, blocks=Blocks.WRITES, copies=True)


def written_anew(table: str, version: Version) -> Effect:
    """Return that all rows are written to another table, as the server does if nobody tells it how."""
    return Effect(table, rewrites=True, scans=True, copies=True) if version >= COPIES_ONLINE else copied(table)


def at_once(change: Change, _version: Version) -> Effect:
    return Effect(change.table)


def read_in_place(change: Change, _version: Version) -> Effect:
    return Effect(change.table, scans=True, builds=True)


def rebuilt_in_place(change: Change, _version: Version) -> Effect:
    return Effect(change.table, rewrites=True, scans=True)


def add_column(change: changes.AddColumn, version: Version) -> Effect:
    by_row = change.default in {Default.VOLATILE, Default.GENERATED}
    checked = change.checked and version < MARIADB
    if by_row or change.references or checked or change.primary_key:
        return written_anew(change.table, version)
    return read_in_place(change, version) if change.unique else at_once(change, version)


def drop_column(change: changes.DropColumn, version: Version) -> Effect:
    return at_once(change, version) if version >= INSTANT_DROP else rebuilt_in_place(change, version)


def alter_type(change: changes.AlterType, version: Version) -> Effect:
    old, new = read_type(change.old), read_type(change.new)
    if change.old_collation == change.new_collation and old.name == new.name == "varchar" and old.size and new.size:
        same_head = (old.size > ONE_BYTE) == (new.size > ONE_BYTE)
        if old.size <= new.size and same_head:
            return at_once(change, version)
    is_other = (old, change.old_collation) != (new, change.new_collation)
    return written_anew(change.table, version) if is_other else at_once(change, version)


def add_constraint(change: changes.AddConstraint, version: Version) -> Effect:
    if change.kind in {ConstraintKind.CHECK, ConstraintKind.FOREIGN_KEY}:
        return written_anew(change.table, version)
    return read_in_place(change, version)


def write_rows(change: changes.DataChange, _version: Version) -> Effect:
    return Effect(change.table, scans=change.verb in {DataVerb.UPDATE, DataVerb.DELETE} and not change.bounded)


RULES: dict[type[Change], Callable[[Any, Version], Effect]] = {
    changes.DropTable: at_once,
    changes.RenameTable: at_once,
    changes.AddColumn: add_column,
    changes.DropColumn: drop_column,
    changes.RenameColumn: at_once,
    changes.AlterType: alter_type,
    changes.SetNotNull: rebuilt_in_place,
    changes.DropNotNull: rebuilt_in_place,
    changes.SetDefault: at_once,
    changes.DropDefault: at_once,
    changes.AddConstraint: add_constraint,
    changes.DropConstraint: at_once,
    changes.CreateIndex: read_in_place,
    changes.DropIndex: at_once,
    changes.RewriteTable: rebuilt_in_place,
    changes.DataChange: write_rows,
}
