"""What SQL that somebody wrote does to the database, told by PostgreSQL's own parser.

pglast is that parser, and optional: without it, and on other databases, a statement is one that nobody reads, save the
few that every database says alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import sqlparse
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext as _
from sqlparse.exceptions import SQLParseError

from auto_migrate.changes.change import (
    NAMES,
    Change,
    CreateIndex,
    DataChange,
    DropIndex,
    LockTable,
    OpaqueChange,
    Reindex,
    RewriteTable,
)
from auto_migrate.changes.plain_statements import change_of_plain
from auto_migrate.changes.sql import (
    dml as rows,
)
from auto_migrate.changes.sql import (
    index_statements as indexes,
)
from auto_migrate.changes.sql import (
    object_statements as objects,
)
from auto_migrate.changes.sql import (
    other_statements as others,
)
from auto_migrate.changes.sql import (
    table_statements as tables,
)
from auto_migrate.changes.sql.alter_table import alter_table
from auto_migrate.changes.sql.blocks import texts_in_block
from auto_migrate.changes.sql.catalog import Catalog
from auto_migrate.changes.sql.folding import folded
from auto_migrate.changes.sql.masking import masked, without_values
from auto_migrate.changes.sql.names import spelled_out
from auto_migrate.changes.sql.nodes import dotted, kind, name_of, option
from auto_migrate.changes.sql.parsing import TooDeep, parse
from auto_migrate.changes.verbs import ObjectKind, Rewrite
from auto_migrate.databases.lock_modes import LockMode

LONGEST = 200

Rule = Callable[[Any, Catalog], Iterable[Change]]

RULES: Mapping[str, Rule] = {
    "AlterDomainStmt": others.alter_domain,
    "AlterEnumStmt": others.alter_enum,
    "AlterOwnerStmt": objects.owned,
    "AlterRoleStmt": objects.role_altered,
    "DropRoleStmt": objects.roles_dropped,
    "AlterObjectSchemaStmt": tables.set_schema,
    "AlterPolicyStmt": others.locks(LockMode.ACCESS_EXCLUSIVE, "ALTER POLICY", "table"),
    "AlterTableStmt": alter_table,
    "CallStmt": rows.call,
    "ClusterStmt": indexes.cluster,
    "CopyStmt": rows.copy,
    "CreateForeignTableStmt": tables.create_foreign_table,
    "CreatePolicyStmt": others.locks(LockMode.ACCESS_EXCLUSIVE, "CREATE POLICY", "table"),
    "CreateStmt": tables.create_table,
    "CreateTableAsStmt": tables.create_table_as,
    "CreateTrigStmt": others.locks(LockMode.SHARE_ROW_EXCLUSIVE, "CREATE TRIGGER", "relation"),
    "DropOwnedStmt": tables.drop_owned,
    "DropdbStmt": tables.drop_owned,
    "DropStmt": tables.drop,
    "IndexStmt": indexes.create_index,
    "LockStmt": others.lock,
    "RefreshMatViewStmt": indexes.refresh,
    "ReindexStmt": indexes.reindex,
    "RenameStmt": tables.rename,
    "RuleStmt": others.locks(LockMode.ACCESS_EXCLUSIVE, "CREATE RULE", "relation"),
    "TransactionStmt": others.transaction,
    "TruncateStmt": rows.truncate,
    "VacuumStmt": indexes.vacuum,
    "CompositeTypeStmt": objects.made(ObjectKind.TYPE, lambda made: name_of(made.typevar)),
    "CreateDomainStmt": objects.made(ObjectKind.DOMAIN, lambda made: dotted(made.domainname)),
    "CreateEnumStmt": objects.made(ObjectKind.TYPE, lambda made: dotted(made.typeName)),
    "CreateExtensionStmt": objects.made(ObjectKind.EXTENSION, lambda made: str(made.extname), perhaps="if_not_exists"),
    "CreateFunctionStmt": objects.made(ObjectKind.FUNCTION, lambda made: dotted(made.funcname), perhaps="replace"),
    "CreateRangeStmt": objects.made(ObjectKind.TYPE, lambda made: dotted(made.typeName)),
    "CreateSeqStmt": objects.made(ObjectKind.SEQUENCE, lambda made: name_of(made.sequence), perhaps="if_not_exists"),
    "DefineStmt": objects.defined,
    "GrantRoleStmt": objects.membership,
    "GrantStmt": objects.granted,
    "ViewStmt": objects.made(ObjectKind.VIEW, lambda made: name_of(made.view), perhaps="replace"),
    **dict.fromkeys(("DeleteStmt", "InsertStmt", "MergeStmt", "SelectStmt", "UpdateStmt"), rows.write),
}


def changes_of_sql(sql: str, connection: BaseDatabaseWrapper, tables: Mapping[str, str]) -> Iterator[Change]:
    """Return what a text of statements does, in order; `tables` are the models', table → `app_label.ModelName`.

    Never raises for what the text says: what nobody can read is a change of its own, `OpaqueChange`.
    """
    if connection.vendor != "postgresql":
        reason = _("only the SQL of PostgreSQL is read, not that of {name}").format(name=connection.display_name)
        return _unread(sql, reason, tables)
    try:
        import pglast  # noqa: F401 - only asked whether it is there
    except ImportError:
        return _unread(sql, _("install django-auto-migrate[sql] to have it read"), tables)
    known = Catalog(connection, tables)
    statements = list(parsed(sql))
    changes = [change for text, found in statements for change in _changes(text, found, known)]
    return iter(folded(map(_sent_together, changes) if len(statements) > 1 else changes))


def parsed(sql: str) -> Iterator[tuple[str, Any]]:
    """Return the statements of a text, each with its node, or with the reason why it cannot be read."""
    from pglast.parser import ParseError

    try:
        # The parser is C's, for which a text ends there.
        reason = _("it has a NUL character") if "\0" in sql else ""
        found = () if reason else parse(sql)
    except (ParseError, TooDeep, UnicodeError, RecursionError) as error:
        found, reason = (), str(error)
    if not reason:
        yield from ((sql[raw.stmt_location :][: raw.stmt_len or None], raw.stmt) for raw in found)
        return
    apart = statements_in(sql)
    if len(apart) > 1:
        for one in apart:
            yield from parsed(one)
    elif apart:
        yield sql, reason


def statements_in(sql: str) -> list[str]:
    """Split a text that no parser has to understand; what has only comments is left out."""
    try:
        return [one for one in sqlparse.split(sql) if sqlparse.format(one, strip_comments=True).strip(" \t\r\n;")]
    except SQLParseError:
        # It refuses what is long or deep, lest it take for ever.
        return [sql]


def _unread(sql: str, reason: str, tables: Mapping[str, str]) -> Iterator[Change]:
    for one in statements_in(sql):
        yield change_of_plain(one, tables) or OpaqueChange(table="", text=masked_line(one), reason=reason)


def masked_line(text: str) -> str:
    """Return the beginning of a statement in one line, without the values in it: a password may be among them."""
    line = " ".join(masked(text).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _changes(text: str, found: Any, known: Catalog) -> Iterator[Change]:
    if isinstance(found, str):
        yield OpaqueChange(table="", text=masked_line(text), reason=without_values(found))
    elif kind(found) == "DoStmt":
        yield from _changes_of_block(text, found, known)
    elif kind(found) == "ExplainStmt":
        yield from _changes(text, found.query, known) if option(found.options, "analyze") else ()
    elif kind(found) == "CreateSchemaStmt":
        for inner in found.schemaElts or ():
            yield from _changes(text, inner, known)
    elif rule := RULES.get(kind(found)):
        yield from (with_text(change, text) for change in spelled_out(rule(found, known), text))
    elif kind(found) not in others.NOTHING:
        reason = _("no rule tells what a statement of this kind does: {name}").format(name=kind(found))
        yield OpaqueChange(table="", text=masked_line(text), reason=reason)


def with_text(change: Change, text: str) -> Change:
    """Return a new index with the statement that builds it."""
    return dataclasses.replace(change, sql=text.strip().rstrip(";")) if isinstance(change, CreateIndex) else change


def _changes_of_block(text: str, block: Any, known: Catalog) -> Iterator[Change]:
    from pglast.parser import ParseError

    try:
        within = list(texts_in_block(block, text))
    except (ParseError, TooDeep) as error:
        yield OpaqueChange(table="", text=masked_line(text), reason=without_values(str(error)))
        return
    for one in within:
        if isinstance(one, Change):
            yield one
            continue
        for inner, found in parsed(one.text):
            changes = map(_perhaps, _changes(inner, found, known))
            yield from map(_of_all_rows, changes) if one.repeated else changes


def _perhaps(change: Change) -> Change:
    """Mark what a condition of the block may keep from being made."""
    return dataclasses.replace(change, unsure=True) if isinstance(change, NAMES) else change


def _of_all_rows(change: Change) -> Change:
    """Mark what writes some rows at a time in a loop, and all of them before others see one."""
    return dataclasses.replace(change, bounded=False) if isinstance(change, DataChange) else change


def _sent_together(change: Change) -> Change:
    """Mark what cannot work inside of the transaction that PostgreSQL makes of several statements in one text."""
    alone = isinstance(change, CreateIndex | DropIndex | Reindex | LockTable) and change.concurrently
    if alone or (isinstance(change, RewriteTable) and change.command is Rewrite.VACUUM_FULL):
        return dataclasses.replace(change, together=True)
    return change
