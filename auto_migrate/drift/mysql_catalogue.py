"""The reader of the catalogue of MySQL and MariaDB: tables as they are, with their columns, keys and checks."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.databases.mysql.table_parts import folding
from auto_migrate.drift.table_shape import Column, TableConstraint, TableShape

TABLES = """
    SELECT table_name, table_type, table_comment FROM information_schema.tables
    WHERE table_schema = DATABASE() ORDER BY table_name
"""
COLUMNS = """
    SELECT table_name, column_name, column_type, is_nullable, {default}, extra, collation_name, column_comment,
           generation_expression, @@collation_database
    FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position
"""
# MariaDB has the SQL of a default there; MySQL its text, be it a literal or an expression.
DEFAULT_OF_MYSQL = "IF(extra LIKE '%DEFAULT_GENERATED%', CONCAT('(', column_default, ')'), QUOTE(column_default))"
INDEXES = """
    SELECT table_name, index_name, non_unique, index_type, {hidden}, column_name, {expression}, collation, sub_part
    FROM information_schema.statistics WHERE table_schema = DATABASE() ORDER BY table_name, index_name, seq_in_index
"""
FOREIGN_KEYS = """
    SELECT used.table_name, used.constraint_name, used.column_name,
           IF(used.referenced_table_schema = DATABASE(), used.referenced_table_name,
              CONCAT(used.referenced_table_schema, '.', used.referenced_table_name)),
           used.referenced_column_name, rules.delete_rule, rules.update_rule
    FROM information_schema.key_column_usage AS used JOIN information_schema.referential_constraints AS rules
      ON rules.constraint_schema = used.constraint_schema AND rules.constraint_name = used.constraint_name
      AND rules.table_name = used.table_name
    WHERE used.table_schema = DATABASE() AND used.referenced_table_name IS NOT NULL
    ORDER BY used.table_name, used.constraint_name, used.ordinal_position
"""
CHECKS_OF_MARIADB = """
    SELECT table_name, constraint_name, check_clause, 'YES' FROM information_schema.check_constraints
    WHERE constraint_schema = DATABASE() ORDER BY table_name, constraint_name
"""
CHECKS_OF_MYSQL = """
    SELECT used.table_name, used.constraint_name, checks.check_clause, used.enforced
    FROM information_schema.table_constraints AS used JOIN information_schema.check_constraints AS checks
      ON checks.constraint_schema = used.constraint_schema AND checks.constraint_name = used.constraint_name
    WHERE used.table_schema = DATABASE() AND used.constraint_type = 'CHECK'
    ORDER BY used.table_name, used.constraint_name
"""
NAMED = re.compile(r"`((?:[^`]|``)+)`")
# How wide an integer is printed, which other releases write or leave out; one digit wide are Django's booleans.
WIDTH = re.compile(r"\b((?:small|medium|big)?int)\(\d+\)")
# In `extra`, what a column says elsewhere: that it is numbered, how it is generated, that its default is an expression.
TOLD = re.compile(r"auto_increment|(?:stored|virtual) generated|default_generated", re.IGNORECASE)
KINDS = {"VIEW": "v", "SYSTEM VIEW": "v", "SEQUENCE": "S"}
# No action of its own: the same to the server.
NO_ACTIONS = {"RESTRICT", "NO ACTION"}

Rows = dict[str, list[tuple[Any, ...]]]


def read_tables(connection: BaseDatabaseWrapper, names: Iterable[str]) -> dict[str, TableShape]:
    """Return those of the tables that are there, whose names are compared as the server does."""
    fold = folding(connection)
    wanted = {fold(name): name for name in names}
    with connection.cursor() as cursor:
        tables, columns, indexes, keys, checks = (
            _by_table(cursor, question, wanted, fold)
            for question in questions(is_mariadb=connection.mysql_is_mariadb)  # type: ignore[attr-defined]
        )
    return {
        name: TableShape(
            name,
            (of_table := {column.name: column for column in map(_column, columns[name])}),
            (*_foreign_keys(keys[name]), *_checks(checks[name], of_table), *_indexes(indexes[name], keys[name])),
            KINDS.get(kind, "r"),
            "" if kind in KINDS else comment,
        )
        for name, [(kind, comment)] in tables.items()
    }


def questions(*, is_mariadb: bool) -> tuple[str, ...]:
    """Return what is asked of the catalogue: tables, columns, indexes, foreign keys, checks; a table's name first."""
    if is_mariadb:
        columns, indexes = COLUMNS.format(default="column_default"), INDEXES.format(hidden="ignored", expression="NULL")
        return TABLES, columns, indexes, FOREIGN_KEYS, CHECKS_OF_MARIADB
    hidden = "IF(is_visible = 'YES', 'NO', 'YES')"
    columns = COLUMNS.format(default=DEFAULT_OF_MYSQL)
    return TABLES, columns, INDEXES.format(hidden=hidden, expression="expression"), FOREIGN_KEYS, CHECKS_OF_MYSQL


def _by_table(cursor: Any, question: str, wanted: Mapping[str, str], fold: Callable[[str], str]) -> Rows:
    cursor.execute(question)
    found: Rows = defaultdict(list)
    for table, *rest in cursor.fetchall():
        if (name := wanted.get(fold(table))) is not None:
            found[name].append(tuple(rest))
    return found


def _column(row: tuple[Any, ...]) -> Column:
    name, kind, nullable, default, extra, collation, comment, generated, usual = row
    told = {word.lower() for word in TOLD.findall(extra)}
    # ON UPDATE, INVISIBLE, and whatever a later release adds.
    rest = TOLD.sub("", extra).strip()
    return Column(
        name,
        " ".join(filter(None, (WIDTH.sub(r"\1", kind), rest))),
        not_null=nullable == "NO",
        default="" if generated or default in {None, "NULL"} else str(default),
        identity="AUTO_INCREMENT" if "auto_increment" in told else "",
        generated=f"({generated}) {'STORED' if 'stored generated' in told else 'VIRTUAL'}" if generated else "",
        collation=collation if collation and collation != usual else "",
        comment=comment,
    )


def _foreign_keys(rows: Iterable[tuple[Any, ...]]) -> Iterator[TableConstraint]:
    for name, group in _grouped(rows):
        columns, targets = tuple(row[1] for row in group), tuple(row[3] for row in group)
        _name, _column, table, _target, delete, update = group[0]
        definition = f"FOREIGN KEY ({_listed(columns)}) REFERENCES `{table}` ({_listed(targets)})"
        for event, action in (("DELETE", delete), ("UPDATE", update)):
            definition += "" if action in NO_ACTIONS else f" ON {event} {action}"
        yield TableConstraint("f", name, definition, columns)


def _checks(rows: Iterable[tuple[Any, ...]], columns: Mapping[str, Column]) -> Iterator[TableConstraint]:
    """Return checks; that a number is not negative is what an unsigned one says already.

    MariaDB drops the check of a column with each MODIFY, which Django does not know of this one.
    """
    for name, clause, enforced in rows:
        named = tuple(dict.fromkeys(NAMED.findall(clause)))
        definition = f"CHECK ({clause})" + ("" if enforced == "YES" else " NOT ENFORCED")
        unsigned = {f"CHECK (`{one}` >= 0)" for one in named if one in columns and "unsigned" in columns[one].type}
        yield TableConstraint("c", name, definition, named, is_implied=definition in unsigned)


def _indexes(rows: Iterable[tuple[Any, ...]], keys: Iterable[tuple[Any, ...]]) -> Iterator[TableConstraint]:
    """Return keys and indexes; one that serves a foreign key comes and goes with it, and with others that serve it."""
    served = {f"USING BTREE ({_listed(row[1] for row in group)})" for _name, group in _grouped(keys)}
    for name, group in _grouped(rows):
        _name, non_unique, method, hidden, *_place = group[0]
        parts = []
        for *_index, column, expression, order, length in group:
            part = f"({expression})" if column is None else f"`{column}`"
            parts.append(part + (f"({length})" if length else "") + (" DESC" if order == "D" else ""))
        definition = f"USING {method} ({', '.join(parts)})" + (" IGNORED" if hidden == "YES" else "")
        columns = tuple(row[4] for row in group if row[4] is not None)
        if non_unique:
            yield TableConstraint("i", name, definition, columns, is_implied=definition in served)
        elif name == "PRIMARY":
            yield TableConstraint("p", name, f"PRIMARY KEY {definition}", columns)
        else:
            yield TableConstraint("u", name, f"UNIQUE {definition}", columns)


def _grouped(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    for name, group in groupby(rows, key=itemgetter(0)):
        yield name, list(group)


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(f"`{column}`" for column in columns)
