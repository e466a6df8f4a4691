"""What the clauses of a statement make of its table: which parts are there afterwards, gone, or not as they were.

A statement is carried out whole or not at all, but half of it may have been done by hand. So each clause says what has
to be seen for it; a clause that says nothing that can be seen leaves a statement of several in doubt.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence

from auto_migrate.databases.mysql.tokens import PERHAPS, MySQLToken, Statement, Verb

# A table's name, the kind of a part of it and that one's name, empty for the table as such. The names of all but the
# tables are in lower case.
Part = tuple[str, str, str]

OPENING, CLOSING = frozenset("(["), frozenset(")]")
# What stands before a key instead of a column.
KEYS = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "FULLTEXT", "SPATIAL", "INDEX", "KEY", "FOREIGN", "CHECK"})
# What is made of a table however often it is said, or is no part of it: how a statement is to be carried out.
INDIFFERENT = frozenset({"ALGORITHM", "LOCK", "WAIT", "NOWAIT"})


@dataclasses.dataclass
class Expected:
    """What has to be seen of a statement that was carried out.

    `indexes` and `constraints` are how many there are more at the least, those included that are named among what it
    `makes`; `columns` are those of indexes that it makes. `is_told` is false where no part tells of something in it.
    """

    makes: list[Part] = dataclasses.field(default_factory=list)
    drops: list[Part] = dataclasses.field(default_factory=list)
    changes: list[Part] = dataclasses.field(default_factory=list)
    columns: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    indexes: int = 0
    constraints: int = 0
    is_told: bool = True
    # The name that the table has afterwards, if it is another one.
    renamed: str = ""


def expected(statement: Statement) -> Expected:
    """Return what has to be seen of a statement about tables of the session's own database."""
    seen = Expected()
    table, rest = statement.tables[0].name, statement.rest
    clauses = Clauses(table, seen)
    if statement.verb is Verb.CREATE_TABLE:
        seen.makes.append((table, "table", ""))
        # What follows the brackets, or stands in their place, are options and rows, which came at once.
        for item in items_of(rest[1:]) if rest and rest[0].text == "(" else ():
            clauses.add(item)
    elif statement.verb is Verb.DROP_TABLE:
        seen.drops.append((table, "table", ""))
    elif statement.verb is Verb.CREATE_INDEX and statement.index is not None:
        clauses.make_index(statement.index, rest)
    elif statement.verb is Verb.DROP_INDEX and statement.index is not None:
        clauses.drop("index", statement.index)
    elif statement.verb is Verb.ALTER_TABLE:
        for item in items_of(rest):
            clauses.read(item)
    return seen


class Clauses:
    """Reads clauses of statements about one table, and keeps what has to be seen of them."""

    def __init__(self, table: str, seen: Expected) -> None:
        self.table = table
        self.seen = seen
        self.readers: dict[str, Callable[[list[MySQLToken]], None]] = {
            "ADD": self._added,
            "DROP": self._dropped,
            "MODIFY": self._modified,
            "CHANGE": self._changed,
            "ALTER": self._altered,
            "RENAME": self._renamed,
            "COMMENT": lambda _rest: self.seen.changes.append((self.table, "table", "")),
            **dict.fromkeys(INDIFFERENT, lambda _rest: None),
        }

    def read(self, clause: list[MySQLToken]) -> None:
        """Read one clause of an `ALTER TABLE`."""
        reader = self.readers.get(clause[0].word, self._untold) if clause else self._untold
        reader(clause[1:])

    def add(self, item: list[MySQLToken]) -> None:
        """Read a column, an index or a constraint that is made."""
        words = [token.word for token in item]
        if words[0] not in KEYS:
            self._add_column(item)
            return
        name = None
        if words[0] == "CONSTRAINT":
            item = without(item[1:], PERHAPS)
            name = item[0] if item and item[0].word not in KEYS else None
            item = item[1:] if name is not None else item
        kind = item[0].word if item else ""
        if kind == "PRIMARY":
            self._make("index", "primary")
        elif kind in {"FOREIGN", "CHECK"}:
            self._constrain(name)
        elif kind:
            self._add_index(kind, name, item)

    def make_index(self, name: MySQLToken, rest: Sequence[MySQLToken]) -> None:
        """Expect an index of some columns."""
        self._make("index", name.name)
        self.seen.indexes += 1
        columns = [part[0].name.lower() for part in items_of(bracketed(rest)) if part]
        if columns and all(columns):
            self.seen.columns[name.name.lower()] = columns

    def drop(self, kind: str, name: MySQLToken) -> None:
        """Expect a part to be gone."""
        self.seen.drops.append((self.table, kind, name.name.lower()))

    def _make(self, kind: str, name: str) -> None:
        self.seen.makes.append((self.table, kind, name.lower()))

    def _constrain(self, name: MySQLToken | None) -> None:
        self.seen.constraints += 1
        if name is not None:
            self._make("constraint", name.name)

    def _add_column(self, item: list[MySQLToken]) -> None:
        self._make("column", item[0].name)
        words = [token.word for token in item[1:]]
        self.seen.indexes += "UNIQUE" in words or "PRIMARY" in words
        self.seen.constraints += "CHECK" in words
        # What one server makes of it, another passes over.
        self.seen.is_told &= "REFERENCES" not in words

    def _add_index(self, kind: str, name: MySQLToken | None, item: list[MySQLToken]) -> None:
        item = without(item, {"UNIQUE", "FULLTEXT", "SPATIAL", "INDEX", "KEY"} | PERHAPS)
        if item and item[0].text != "(" and item[0].word != "USING":
            name, item = item[0], item[1:]
        if name is None:
            self.seen.indexes += 1
        else:
            self.make_index(name, item)
        self.seen.constraints += kind == "UNIQUE"

    def _added(self, rest: list[MySQLToken]) -> None:
        words = [token.word for token in rest]
        if words[:1] in (["PARTITION"], ["PERIOD"], ["SYSTEM"]):
            self._untold(rest)
            return
        rest = without(without(rest, {"COLUMN"}), PERHAPS)
        items = items_of(bracketed(rest)) if rest and rest[0].text == "(" else [rest]
        for item in filter(None, items):
            self.add(item)

    def _dropped(self, rest: list[MySQLToken]) -> None:
        word = rest[0].word if rest else ""
        named = without(rest[1:], {"KEY"} | PERHAPS)
        if word == "PRIMARY":
            self.seen.drops.append((self.table, "index", "primary"))
        elif word in {"PARTITION", "PERIOD", "SYSTEM"}:
            self._untold(rest)
        elif word in {"INDEX", "KEY"} and named:
            self.drop("index", named[0])
        elif word in {"FOREIGN", "CONSTRAINT", "CHECK"} and named:
            self.drop("constraint", named[0])
        elif column := without(rest, {"COLUMN"} | PERHAPS):
            self.drop("column", column[0])

    def _modified(self, rest: list[MySQLToken]) -> None:
        for name in without(rest, {"COLUMN"} | PERHAPS)[:1]:
            self.seen.changes.append((self.table, "column", name.name.lower()))

    def _changed(self, rest: list[MySQLToken]) -> None:
        names = without(rest, {"COLUMN"} | PERHAPS)[:2]
        if len(names) < 2 or names[0].name.lower() == names[1].name.lower():
            self._modified(rest)
        else:
            self.drop("column", names[0])
            self._make("column", names[1].name)

    def _altered(self, rest: list[MySQLToken]) -> None:
        if rest and rest[0].word in {"INDEX", "KEY", "CHECK", "CONSTRAINT"}:
            # Whether an index is used, or a check is enforced, is no part.
            self._untold(rest)
        else:
            self._modified(rest)

    def _renamed(self, rest: list[MySQLToken]) -> None:
        word = rest[0].word if rest else ""
        names = [token for token in rest[1:] if token.word not in {"TO", *PERHAPS}]
        if word in {"COLUMN", "INDEX", "KEY"} and len(names) == 2:
            kind = "column" if word == "COLUMN" else "index"
            self.drop(kind, names[0])
            self._make(kind, names[1].name)
        elif table := without(rest, {"TO", "AS"}):
            self.seen.renamed = table[-1].name if len(table) == 1 else ""
            # In another database nobody looks for it.
            self.seen.is_told &= len(table) == 1

    def _untold(self, _rest: list[MySQLToken]) -> None:
        self.seen.is_told = False


def items_of(tokens: Iterable[MySQLToken]) -> list[list[MySQLToken]]:
    """Return what commas part, up to a bracket that was open before."""
    found, depth = [list[MySQLToken]()], 0
    for token in tokens:
        depth += (token.text in OPENING) - (token.text in CLOSING)
        if depth < 0:
            break
        if token.text == "," and not depth:
            found.append([])
        else:
            found[-1].append(token)
    return found


def bracketed(tokens: Sequence[MySQLToken]) -> Sequence[MySQLToken]:
    """Return what follows the first bracket."""
    at = next((at for at, token in enumerate(tokens) if token.text == "("), len(tokens))
    return tokens[at + 1 :]


def without(tokens: Sequence[MySQLToken], words: Iterable[str]) -> list[MySQLToken]:
    """Return tokens without the words of a kind that come first."""
    words = frozenset(words)
    at = next((at for at, token in enumerate(tokens) if token.word not in words), len(tokens))
    return list(tokens[at:])
