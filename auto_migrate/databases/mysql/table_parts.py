"""The tables that a statement names, part by part: by them a run tells whether another one was cut before or after it.

A statement that changes the schema is carried out whole or not at all. It was not if its tables are what they were, and
it would be seen in them; columns that change places, or a partition that is emptied, leave no trace. It was if all that
differs is what it names, what it makes is there, and what it drops is gone. Everything else is the work of somebody who
has changed these tables since, or put others in their place, and proves nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.databases.mysql.online_ddl import NAME, TEXT, unquoted

# A table's name, the kind of a part of it and that one's name, empty for the table as such → what it is like. All names
# are in lower case.
Part = tuple[str, str, str]
Parts = dict[Part, str]

# On MariaDB the moment is that of the last change of the definition or of the name, on MySQL that of the making.
TABLES = "SELECT table_name, UNIX_TIMESTAMP(create_time) FROM information_schema.tables WHERE table_schema = DATABASE()"
COLUMNS = """
    SELECT table_name, column_name, column_type, is_nullable, column_default, extra, collation_name, column_comment
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

STRING = re.compile(r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"", re.DOTALL)
WORD = re.compile(r"`((?:[^`]|``)+)`|([\w$]+)")
ABOUT = re.compile(
    rf"\s*(?:ALTER\s+TABLE|(?:CREATE|DROP)\s+TABLE(?:\s+IF\s+(?:NOT\s+)?EXISTS)?"
    rf"|(?:CREATE(?:\s+\w+)?|DROP)\s+INDEX\s+{NAME}\s+ON)\s+(?P<table>{NAME})",
    re.IGNORECASE,
)
RENAMED = re.compile(rf"\s*RENAME\s+TABLE\s+({NAME})\s+TO\s+({NAME})\s*;?\s*", re.IGNORECASE)
KINDS = {"column": "column", "constraint": "constraint", "check": "constraint", "key": "constraint", "index": "index"}
MADE = re.compile(rf"\b(?:ADD|CREATE)\s+(?:\w+\s+)?(COLUMN|CONSTRAINT|INDEX)\s+({NAME})\s+(?!PRIMARY)", re.IGNORECASE)
DROPPED = re.compile(
    rf"\bDROP\s+(?:FOREIGN\s+)?(COLUMN|CONSTRAINT|CHECK|KEY|INDEX)\s+(?:IF\s+EXISTS\s+)?({NAME})", re.IGNORECASE
)
MOVED = re.compile(rf"\bRENAME\s+(COLUMN|INDEX)\s+({NAME})\s+TO\s+({NAME})", re.IGNORECASE)
# On MariaDB each of them goes by itself.
SEVERAL_DROPPED = re.compile(r"\s*DROP\s+TABLE[^,]*,", re.IGNORECASE)
COLUMN = re.compile(r"[(,]\s*`((?:[^`]|``)+)`\s+\w")
# Clauses that show, and those that make the same of a table however often they are sent; any other may be neither.
ADDS = re.compile(
    r"ADD\s+(?:(?:COLUMN|CONSTRAINT|INDEX|KEY|UNIQUE|PRIMARY|FOREIGN|CHECK|FULLTEXT|SPATIAL)\b|`)", re.IGNORECASE
)
DROPS = re.compile(r"DROP\s+(?:(?:COLUMN|CONSTRAINT|INDEX|KEY|PRIMARY|FOREIGN|CHECK)\b|`)", re.IGNORECASE)
MOVES = re.compile(r"(?:CHANGE|RENAME\s+(?:COLUMN|INDEX|KEY|TO))\b", re.IGNORECASE)
REPEATS = re.compile(r"(?:MODIFY|ALTER\s+COLUMN|ALTER\s+`|(?:COMMENT|ALGORITHM|LOCK)\s*=)", re.IGNORECASE)
INNERMOST = re.compile(r"\([^()]*\)")
# More than one statement, and comments, which a server may read.
MORE = re.compile(r";|--|#|/\*")
# Names that servers give by themselves.
AUTOMATIC = re.compile(r"(?:.*_(?:chk|ibfk)_|constraint_)\d+")
APPEARS, VANISHES = frozenset({"add", "create", "rename", "change"}), frozenset({"drop", "rename", "change"})


def note_of_rows(connection: BaseDatabaseWrapper, sql: str) -> dict[str, Any]:
    """Return what is kept, as JSON has it, of a statement that writes rows: which tables are meant."""
    words = words_of(sql)
    return {"words": sorted(words), "tables": tables_among(connection, words)}


def note_of(connection: BaseDatabaseWrapper, sql: str) -> dict[str, Any] | None:
    """Return what has to be kept of a statement before it is sent, None of one whose tables would not tell of it."""
    renamed = RENAMED.fullmatch(sql)
    if renamed is None and (ABOUT.match(sql) is None or SEVERAL_DROPPED.match(sql)):
        return None
    note = note_of_rows(connection, sql)
    makes, drops = expected(sql)
    return {
        **note,
        "about": sorted({table for table, _kind, _name in (*makes, *drops)} or note["tables"]),
        "parts": [[*part, like] for part, like in sorted(parts_of(connection, note["tables"]).items())],
        "makes": makes,
        "drops": drops,
        "renames": [unquoted(name).lower() for name in renamed.groups()] if renamed else [],
        "redoable": renamed is not None or may_be_redone(sql),
    }


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
    if note["renames"]:
        return True if is_moved(before, now, *note["renames"]) else None
    is_made = all(tuple(part) in now for part in note["makes"])
    is_dropped = not any(tuple(part) in now for part in note["drops"])
    explained = all(is_explained(part, before, now, words) for part in differing)
    return True if is_made and is_dropped and explained else None


def may_be_redone(sql: str) -> bool:
    """Return whether a statement may be sent again where no part differs: it would be seen, or it changes nothing more.

    Two clauses together may undo each other: only what adds, or what drops, is seen beside another one.
    """
    found = ABOUT.match(sql)
    if found is None:
        return False
    rest = TEXT.sub("``", sql[found.end() :]).strip().removesuffix(";")
    if MORE.search(rest) or rest.startswith("."):
        # A table of another database is not among those that are compared.
        return False
    if sql.split(maxsplit=1)[0].upper() != "ALTER":
        return True
    clauses = split_clauses(rest)
    if len(clauses) == 1 and MOVES.match(clauses[0]):
        return True
    return any(all(kind.match(one) or REPEATS.match(one) for one in clauses) for kind in (ADDS, DROPS))


def split_clauses(text: str) -> list[str]:
    """Return the clauses of a statement, without what stands in brackets."""
    while (shorter := INNERMOST.sub("", text)) != text:
        text = shorter
    return [clause.strip() for clause in text.split(",")]


def is_moved(before: Parts, now: Parts, old: str, new: str) -> bool:
    """Return whether all of a table, and nothing else, is there under another name."""
    was = {part[1:]: like for part, like in before.items() if part[0] == old}
    there = {part[1:]: like for part, like in now.items() if part[0] == new}
    return was == there and not any(part[0] == old for part in now)


def is_explained(part: Part, before: Parts, now: Parts, words: frozenset[str]) -> bool:
    """Return whether a statement of such words may have made that difference."""
    table, kind, name = part[0], part[1], part[2] or part[0]
    if "drop" in words and (table, "table", "") not in now:
        return table in words
    if kind in {"table", "column"}:
        allowed = APPEARS if part not in before else VANISHES if part not in now else words
        return name in words and not allowed.isdisjoint(words)
    # What is indexed goes with its columns, and so does what is checked; a server names some things itself.
    if kind == "constraint" and part not in now and {"drop", "column"} <= words:
        return True
    index = (table, "index", name)
    columns = {column for column, _plain in WORD.findall(f"{before.get(index, '')}{now.get(index, '')}")} - {""}
    return name in words or bool(AUTOMATIC.fullmatch(name)) or not columns.isdisjoint(words)


def expected(sql: str) -> tuple[list[Part], list[Part]]:
    """Return the parts that are there after a statement, and those that are not any more."""
    found = ABOUT.match(sql)
    if found is None:
        return [], []
    text, table = STRING.sub("''", sql), unquoted(found["table"]).lower()
    moved = [(kind, old, new) for kind, old, new in MOVED.findall(text)]
    made = [*MADE.findall(text), *((kind, new) for kind, _old, new in moved)]
    dropped = [*DROPPED.findall(text), *((kind, old) for kind, old, _new in moved)]
    makes, drops = (
        [(table, KINDS[kind.lower()], unquoted(name).lower()) for kind, name in parts] for parts in (made, dropped)
    )
    words = text.split(maxsplit=2)
    if words[0].upper() == "CREATE" and words[1].upper() == "TABLE":
        makes += [(table, "table", ""), *((table, "column", name.lower()) for name in COLUMN.findall(text))]
    elif words[0].upper() == "DROP" and words[1].upper() == "TABLE":
        drops.append((table, "table", ""))
    return makes, drops


def words_of(sql: str) -> frozenset[str]:
    """Return all names and words of a statement, in lower case."""
    return frozenset((quoted or plain).lower() for quoted, plain in WORD.findall(STRING.sub("", sql)))


def tables_among(connection: BaseDatabaseWrapper, words: Iterable[str]) -> dict[str, str]:
    """Return the tables that have one of these names, and when each was made, renamed or changed last."""
    named = frozenset(words)
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        return {table: str(made) for table, made in cursor.fetchall() if table.lower() in named}


def parts_of(connection: BaseDatabaseWrapper, tables: Iterable[str]) -> Parts:
    """Return what tables consist of."""
    names = sorted(tables)
    parts: Parts = {}
    if not names:
        return parts
    with connection.cursor() as cursor:
        for kind, query in (("table", COMMENTS), ("column", COLUMNS), ("constraint", CONSTRAINTS)):
            cursor.execute(query, [names])
            for table, *rest in cursor.fetchall():
                name = "" if kind == "table" else rest.pop(0)
                parts[table.lower(), kind, name.lower()] = digest(rest)
        cursor.execute(INDEXES, [names])
        for table, index, repeats, order, column in cursor.fetchall():
            part = (table.lower(), "index", index.lower())
            parts[part] = f"{parts.get(part, repeats)} `{str(column).lower()}` {order}"
    return parts


def digest(values: Iterable[Any]) -> str:
    """Return a short hash."""
    return hashlib.blake2b(repr(list(values)).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
