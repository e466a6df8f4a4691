"""The tables that a statement names, part by part: by them a run tells whether another one was cut before or after it.

A statement that changes the schema is carried out whole or not at all. It was not if its tables are what they were, and
it would be seen in them; columns that change places, or a partition that is emptied, leave no trace. It was if all that
differs is what it names, and each of its clauses is seen (`clauses.py`). Everything else is the work of somebody who
has changed these tables since, or put others in their place, and proves nothing.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.databases.mysql.clauses import Part, expected, items_of
from auto_migrate.databases.mysql.tokens import (
    MySQLToken,
    Statement,
    Table,
    Verb,
    are_several,
    statement_at,
    strings_escape,
    tokens_of,
)

# A part of a table → what it is like.
Parts = dict[Part, str]

# On MariaDB the moment is that of the last change of the definition or of the name, on MySQL that of the making.
TABLES = "SELECT table_name, UNIX_TIMESTAMP(create_time) FROM information_schema.tables WHERE table_schema = DATABASE()"
COLUMNS = """
    SELECT table_name, column_name, column_type, is_nullable, column_default, extra, collation_name, column_comment,
        generation_expression
    FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name IN %s
"""
INDEXES = """
    SELECT table_name, index_name, non_unique, collation, column_name FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name IN %s ORDER BY seq_in_index
"""
CONSTRAINTS = """
    SELECT table_name, constraint_name, constraint_type FROM information_schema.table_constraints
    WHERE table_schema = DATABASE() AND table_name IN %s
"""
COMMENTS = """
    SELECT table_name, table_comment FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_name IN %s
"""

UNPROTECTED = """
    SELECT table_name FROM information_schema.tables JOIN information_schema.engines USING (engine)
    WHERE table_schema = DATABASE() AND transactions <> 'YES'
"""

COLUMN = _lazy_re_compile(r"`([^`]*)`")
# Statements whose tables tell of them; on MariaDB each of several that are dropped goes by itself.
NOTED = frozenset(Verb) - {Verb.OPTIMIZE_TABLE, Verb.REPAIR_TABLE, Verb.LOCK_TABLES}
SEVERAL = frozenset({Verb.DROP_TABLE, Verb.RENAME_TABLE})
# Clauses that show, and those that make the same of a table however often they are sent; any other may be neither.
QUOTED = "`"
ADDED = frozenset(
    {"COLUMN", "CONSTRAINT", "INDEX", "KEY", "UNIQUE", "PRIMARY", "FOREIGN", "CHECK", "FULLTEXT", "SPATIAL", QUOTED}
)
DROPPED = ADDED - {"UNIQUE", "FULLTEXT", "SPATIAL"}
MOVES = frozenset({("RENAME", what) for what in ("COLUMN", "INDEX", "KEY", "TO")})
REPEATS = frozenset({"MODIFY", "COMMENT", "ALGORITHM", "LOCK"})
# What a statement leaves to be seen beside a new name of its table.
SEEN = ("makes", "drops", "changes", "indexes", "constraints")
# Names that servers give by themselves.
AUTOMATIC = _lazy_re_compile(r"(?:.*_(?:chk|ibfk)_|constraint_)\d+")
APPEARS, VANISHES = frozenset({"add", "create", "rename", "change"}), frozenset({"drop", "rename", "change"})


def note_of_rows(connection: BaseDatabaseWrapper, sql: str) -> dict[str, Any]:
    """Return what is kept, as JSON has it, of a statement that writes rows: which tables are meant."""
    words = words_of(tokens_of(sql, escapes=strings_escape(connection, sql)))
    return {"words": sorted(words), "tables": tables_among(connection, words)}


def note_of(connection: BaseDatabaseWrapper, sql: str) -> dict[str, Any] | None:
    """Return what has to be kept of a statement before it is sent, None of one whose tables would not tell of it."""
    tokens = tokens_of(sql, escapes=strings_escape(connection, sql))
    statement = statement_at(tokens)
    if statement is None or statement.verb not in NOTED:
        return None
    if statement.verb in SEVERAL and len(statement.tables) > 1 + (statement.verb is Verb.RENAME_TABLE):
        return None
    words = words_of(tokens)
    note = {"words": sorted(words), "tables": tables_among(connection, words)}
    seen = expected(statement)
    fold, is_here = folding(connection), all(is_own(connection, table) for table in statement.tables)
    names = [fold(table.name) for table in statement.tables]
    if seen.renamed:
        names = [names[0], fold(seen.renamed)]
    told = {
        kind: [[fold(table), *rest] for table, *rest in getattr(seen, kind)] for kind in ("makes", "drops", "changes")
    }
    return {
        **note,
        **dataclasses.asdict(seen),
        **told,
        "about": sorted({fold(table.name) for table in statement.tables}),
        "parts": [[*part, like] for part, like in sorted(parts_of(connection, note["tables"]).items())],
        "renames": names if len(names) > 1 else [],
        "is_told": seen.is_told and is_here and not are_several(tokens),
        "redoable": is_here and may_be_redone(statement),
    }


def folding(connection: BaseDatabaseWrapper) -> Callable[[str], str]:
    """Return what makes names of tables equal that the server takes for one (`lower_case_table_names`)."""
    return str.lower if connection.features.ignores_table_name_case else str


def is_own(connection: BaseDatabaseWrapper, table: Table) -> bool:
    """Return whether a table is one of the session's own database, whose tables are compared."""
    fold = folding(connection)
    return not table.schema or fold(table.schema) == fold(str(connection.settings_dict["NAME"]))


def are_the_same(connection: BaseDatabaseWrapper, note: Mapping[str, Any]) -> bool:
    """Return whether the tables of a statement are the very ones that they were, and nobody has changed them since."""
    return bool(tables_among(connection, note["words"]) == note["tables"])


def was_carried_out(connection: BaseDatabaseWrapper, note: Mapping[str, Any]) -> bool | None:
    """Return whether a statement that was noted was carried out; None where its tables do not tell."""
    words = frozenset(note["words"])
    before = {(table, kind, name): like for table, kind, name, like in note["parts"]}
    now = parts_of(connection, tables_among(connection, words))
    differing = {part for part in before.keys() | now.keys() if before.get(part) != now.get(part)}
    if not differing:
        return False if note.get("redoable") else None
    if not note.get("is_told", True):
        return None
    if note["renames"] and not any(note.get(kind) for kind in SEEN):
        return True if is_moved(before, now, *note["renames"]) else None
    named = frozenset(map(folding(connection), words))
    explained = all(is_explained(part, before, now, named) for part in differing)
    return True if is_seen(note, before, now) and explained else None


def is_seen(note: Mapping[str, Any], before: Parts, now: Parts) -> bool:
    """Return whether each clause of a statement is seen; an earlier version kept less of them."""
    made, new = [tuple(part) for part in note["makes"]], now.keys() - before.keys()
    counted = {kind: sum(part[1] == kind for part in new) for kind in ("index", "constraint")}
    return (
        all(part in now for part in made)
        and not any(tuple(part) in now for part in note["drops"])
        and all(before.get(tuple(part)) != now.get(tuple(part)) for part in note.get("changes", ()))
        and counted["index"] >= note.get("indexes", 0)
        and counted["constraint"] >= note.get("constraints", 0)
        and all(
            COLUMN.findall(now[table, kind, name]) == note["columns"][name]
            for table, kind, name in made
            if kind == "index" and name in note.get("columns", {})
        )
    )


def may_be_redone(statement: Statement) -> bool:
    """Return whether a statement may be sent again where no part differs: it would be seen, or it changes nothing more.

    Two clauses together may undo each other: only what adds, or what drops, is seen beside another one.
    """
    if are_several(statement.rest) or any(token.conditional for token in statement.rest):
        return False
    if statement.verb is not Verb.ALTER_TABLE:
        return True
    clauses = [(clause[0].word, second(clause)) for clause in items_of(statement.rest) if clause]
    if len(clauses) == 1 and (clauses[0][0] == "CHANGE" or clauses[0] in MOVES):
        return True
    return any(
        all((verb == kind and what in whats) or repeats(verb, what) for verb, what in clauses)
        for kind, whats in (("ADD", ADDED), ("DROP", DROPPED))
    )


def repeats(verb: str, what: str) -> bool:
    """Return whether a clause makes the same of a table however often it is sent."""
    return verb in REPEATS or (verb == "ALTER" and what in {"COLUMN", QUOTED})


def second(clause: list[MySQLToken]) -> str:
    """Return the second word of a clause, a mark for a name in quotes."""
    return clause[1].word or QUOTED if len(clause) > 1 else ""


def is_moved(before: Parts, now: Parts, old: str, new: str) -> bool:
    """Return whether all of a table, and nothing else, is there under another name."""
    was = {part[1:]: like for part, like in before.items() if part[0] == old}
    there = {part[1:]: like for part, like in now.items() if part[0] == new}
    return was == there and not any(part[0] == old for part in now)


def is_explained(part: Part, before: Parts, now: Parts, named: frozenset[str]) -> bool:
    """Return whether a statement of such words, as tables are told apart by them, may have made that difference."""
    (table, kind, name), words = part, frozenset(map(str.lower, named))
    if "drop" in words and (table, "table", "") not in now:
        return table in named
    if kind in {"table", "column"}:
        allowed = APPEARS if part not in before else VANISHES if part not in now else words
        return (name in words if name else table in named) and not allowed.isdisjoint(words)
    # What is indexed goes with its columns, and so does what is checked; a server names some things itself.
    if kind == "constraint" and part not in now and {"drop", "column"} <= words:
        return True
    index = (table, "index", name)
    columns = frozenset(COLUMN.findall(f"{before.get(index, '')}{now.get(index, '')}"))
    return name in words or bool(AUTOMATIC.fullmatch(name)) or not columns.isdisjoint(words)


def words_of(tokens: Iterable[MySQLToken]) -> frozenset[str]:
    """Return all names and words of a statement, as they are written."""
    return frozenset(token.name for token in tokens) - {""}


def tables_among(connection: BaseDatabaseWrapper, words: Iterable[str]) -> dict[str, str]:
    """Return the tables that have one of these names, and when each was made, renamed or changed last."""
    fold = folding(connection)
    named = frozenset(map(fold, words))
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        return {table: str(made) for table, made in cursor.fetchall() if fold(table) in named}


def without_transactions(connection: BaseDatabaseWrapper, names: Iterable[str]) -> frozenset[str]:
    """Return the tables of these names whose engine knows no transactions, such as MyISAM and Aria."""
    fold = folding(connection)
    named = frozenset(map(fold, names))
    with connection.cursor() as cursor:
        cursor.execute(UNPROTECTED)
        return frozenset(table for (table,) in cursor.fetchall() if fold(table) in named)


def parts_of(connection: BaseDatabaseWrapper, tables: Iterable[str]) -> Parts:
    """Return what tables consist of."""
    names, fold = frozenset(tables), folding(connection)
    parts: Parts = {}
    if not names:
        return parts

    def rows(query: str) -> Iterator[Any]:
        cursor.execute(query, [sorted(names)])
        # The server may compare the names otherwise than it tells tables apart.
        return (row for row in cursor.fetchall() if row[0] in names)

    with connection.cursor() as cursor:
        for kind, query in (("table", COMMENTS), ("column", COLUMNS), ("constraint", CONSTRAINTS)):
            for table, *rest in rows(query):
                name = "" if kind == "table" else rest.pop(0)
                parts[fold(table), kind, name.lower()] = digest(rest)
        for table, index, repeated, order, column in rows(INDEXES):
            part = (fold(table), "index", index.lower())
            parts[part] = f"{parts.get(part, repeated)} `{str(column).lower()}` {order}"
    return parts


def digest(values: Iterable[Any]) -> str:
    """Return a short hash."""
    return hashlib.blake2b(repr(list(values)).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
