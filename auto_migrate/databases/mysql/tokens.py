"""The words and signs of a statement of MySQL or MariaDB, without its comments, and which tables it is about.

Nothing here knows a whole grammar: enough is read to say which table a statement changes and where its clauses begin.
What these servers take out of a comment (`/*! … */`, `/*M! … */`) counts as said, and is marked.
https://dev.mysql.com/doc/refman/8.4/en/comments.html
"""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Iterator, Sequence

from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.regex_helper import _lazy_re_compile

_REST = r"|(?P<name>`(?:[^`]|``)*`)|(?P<word>[\w$]+)|(?P<sign>\S)"
_COMMENTS = r"(?P<comment>--(?=\s|\Z)[^\n]*|\#[^\n]*|/\*(?!M?!).*?(?:\*/|\Z))|(?P<opens>/\*M?!\d*)|(?P<closes>\*/)"
_TOKEN = _lazy_re_compile(rf"{_COMMENTS}|(?P<string>'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"){_REST}", re.DOTALL)
# Under NO_BACKSLASH_ESCAPES a string ends at its mark, whatever stands before it.
_UNESCAPED = _lazy_re_compile(rf"{_COMMENTS}|(?P<string>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"){_REST}", re.DOTALL)


@dataclasses.dataclass(frozen=True, slots=True)
class MySQLToken:
    """A word, a name, a string or a sign; `conditional` where only some servers take it for one."""

    text: str
    start: int
    conditional: bool = False

    @property
    def end(self) -> int:
        """Where the text goes on behind it."""
        return self.start + len(self.text)

    @property
    def word(self) -> str:
        """The word in upper case, or the sign; empty for all that is quoted."""
        return "" if self.text[0] in "`'\"" else self.text.upper()

    @property
    def name(self) -> str:
        """The name that it is where one is due, empty where it can be none; ANSI_QUOTES has names in double quotes."""
        mark = self.text[0]
        if mark in '`"':
            return self.text[1:-1].replace(mark * 2, mark)
        return self.text if mark in {"_", "$"} or mark.isalnum() else ""

    @property
    def inner(self) -> str:
        """What stands between the marks of a string."""
        return self.text[1:-1] if self.text[0] in "'\"" else ""


def tokens_of(sql: str, *, escapes: bool = True) -> tuple[MySQLToken, ...]:
    """Return what a text consists of; `escapes` is false for a session whose strings know no backslash."""
    found, conditional = list[MySQLToken](), False
    for match in (_TOKEN if escapes else _UNESCAPED).finditer(sql):
        kind = match.lastgroup
        if kind in {"opens", "closes"}:
            conditional = kind == "opens"
        elif kind != "comment":
            found.append(MySQLToken(match[0], match.start(), conditional))
    return tuple(found)


def are_several(tokens: Sequence[MySQLToken]) -> bool:
    """Return whether tokens are those of several statements; a semicolon at their end begins none."""
    return any(token.text == ";" for token in tokens[:-1])


def strings_escape(connection: BaseDatabaseWrapper, sql: str) -> bool:
    """Return whether a backslash in the strings of a text means anything to the session; only one that has any asks."""
    if "\\" not in sql:
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@SESSION.sql_mode LIKE %s", ["%NO_BACKSLASH_ESCAPES%"])
        return not cursor.fetchone()[0]


class Verb(enum.StrEnum):
    """What is done to tables."""

    ALTER_TABLE = "ALTER TABLE"
    CREATE_TABLE = "CREATE TABLE"
    DROP_TABLE = "DROP TABLE"
    CREATE_INDEX = "CREATE INDEX"
    DROP_INDEX = "DROP INDEX"
    RENAME_TABLE = "RENAME TABLE"
    OPTIMIZE_TABLE = "OPTIMIZE TABLE"
    REPAIR_TABLE = "REPAIR TABLE"
    LOCK_TABLES = "LOCK TABLES"


# Words that may stand between the verb and what it is about.
_BETWEEN = frozenset(
    {"OR", "REPLACE", "ONLINE", "OFFLINE", "IGNORE", "UNIQUE", "FULLTEXT", "SPATIAL", "LOCAL", "NO_WRITE_TO_BINLOG"}
)
# What may come before a name.
PERHAPS = frozenset({"IF", "NOT", "EXISTS"})
_THINGS = {"TABLE": "TABLE", "TABLES": "TABLE", "INDEX": "INDEX"}
_OF_SEVERAL = frozenset(Verb) - {Verb.ALTER_TABLE, Verb.CREATE_TABLE, Verb.CREATE_INDEX, Verb.DROP_INDEX}
_VERBS = {tuple(verb.removesuffix("S").split()): verb for verb in Verb}


@dataclasses.dataclass(frozen=True)
class Table:
    """A table as a statement names it; `schema` is empty for that of the session."""

    name: str
    schema: str = ""

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name

    @property
    def quoted(self) -> str:
        """The name as statements take it."""
        return ".".join(f"`{part.replace('`', '``')}`" for part in (self.schema, self.name) if part)


@dataclasses.dataclass(frozen=True)
class Statement:
    """How a statement about tables begins: what it does, to which tables, and what of it follows them.

    `words` are those around its object (`ONLINE`, `UNIQUE`, `IF`), `index` is the name of one that is made or dropped,
    and `end` is where the head ends in the text, behind the table.
    """

    verb: Verb
    tables: tuple[Table, ...]
    rest: tuple[MySQLToken, ...]
    words: frozenset[str] = frozenset()
    index: MySQLToken | None = None
    end: int = 0


class _Reader:
    """Goes through tokens."""

    def __init__(self, tokens: Sequence[MySQLToken], at: int) -> None:
        self.tokens = tokens
        self.at = at

    @property
    def word(self) -> str:
        return self.tokens[self.at].word if self.at < len(self.tokens) else ""

    def pass_over(self, *words: str) -> bool:
        """Pass over words that come next, all of them or none."""
        after = self.tokens[self.at : self.at + len(words)]
        if [token.word for token in after] != list(words):
            return False
        self.at += len(words)
        return True

    def words_of(self, known: frozenset[str]) -> frozenset[str]:
        """Pass over all words of a kind that come next, and return them."""
        begun = self.at
        while self.word in known:
            self.at += 1
        return frozenset(token.word for token in self.tokens[begun : self.at])

    def index(self) -> MySQLToken | None:
        """Pass over the name of an index, and what leads from it to its table."""
        name = self.name()
        while self.at < len(self.tokens) and not self.pass_over("ON"):
            self.at += 1
        return name

    def pass_over_wait(self) -> None:
        """Pass over how long MariaDB is to wait for the table."""
        if not self.pass_over("NOWAIT") and self.pass_over("WAIT"):
            self.at += 1

    def name(self) -> MySQLToken | None:
        """Pass over a name."""
        if self.at >= len(self.tokens) or not self.tokens[self.at].name:
            return None
        self.at += 1
        return self.tokens[self.at - 1]

    def table(self) -> Table | None:
        """Pass over a table's name, with that of its database."""
        first = self.name()
        if first is None:
            return None
        if not self.pass_over("."):
            return Table(first.name)
        second = self.name()
        return None if second is None else Table(second.name, first.name)

    def tables(self) -> Iterator[Table]:
        """Pass over several, with what is said of each."""
        while (table := self.table()) is not None:
            yield table
            while self.at < len(self.tokens) and self.word not in {",", ";", "TO"}:
                self.at += 1
            if not (self.pass_over(",") or self.pass_over("TO")):
                return


def statement_at(tokens: Sequence[MySQLToken], at: int = 0) -> Statement | None:
    """Return the statement about tables that begins at a token, None where none does."""
    reader = _Reader(tokens, at)
    verb = reader.word
    reader.at += 1
    words = reader.words_of(_BETWEEN)
    thing = _THINGS.get(reader.word, "")
    kind = _VERBS.get((verb, thing))
    if kind is None:
        return None
    reader.at += 1
    words |= reader.words_of(PERHAPS)
    index = reader.index() if thing == "INDEX" else None
    tables = tuple(reader.tables() if kind in _OF_SEVERAL else filter(None, [reader.table()]))
    if not tables:
        return None
    if kind is Verb.ALTER_TABLE:
        reader.pass_over_wait()
    return Statement(kind, tables, tuple(tokens[reader.at :]), words, index, tokens[reader.at - 1].end)
