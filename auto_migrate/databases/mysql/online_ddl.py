"""How MySQL and MariaDB are asked to change a table so that they refuse where they would copy it under a lock.

A statement that says nothing of it is done in the lightest way that the server knows, and the heaviest of these copies
the table while all writes wait. Which it will be depends on the statement, the table and the version, and only the
server knows all three. So the statement says how it may be done, the lightest way first, and a server that cannot do it
so answers before it has begun: nothing is read, and nobody waits. This is the one place that knows the clauses.
https://dev.mysql.com/doc/refman/8.4/en/innodb-online-ddl-operations.html
https://mariadb.com/kb/en/innodb-online-ddl-overview/
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from django.utils.regex_helper import _lazy_re_compile
from django.utils.translation import gettext as _

from auto_migrate.databases.mysql.tokens import MySQLToken, Statement, Verb, are_several, statement_at, tokens_of

# ER_ALTER_OPERATION_NOT_SUPPORTED and ER_ALTER_OPERATION_NOT_SUPPORTED_REASON; then of MySQL ER_INNODB_MAX_ROW_VERSION
# and ER_INNODB_INSTANT_ADD_NOT_SUPPORTED_MAX_SIZE, with which InnoDB has enough of instant columns in one table.
REFUSED = frozenset({1845, 1846, 4092, 4093})
# ER_PARSE_ERROR, ER_WRONG_USAGE, ER_NOT_SUPPORTED_YET, ER_UNKNOWN_ALTER_ALGORITHM, ER_UNKNOWN_ALTER_LOCK: a server, or
# something before it, that does not know the clauses, or not in this statement.
NOT_UNDERSTOOD = frozenset({1064, 1221, 1235, 1800, 1801})

# From here on MariaDB lets others write while it copies a table, wherever it can (MDEV-16329).
COPIES_ONLINE = (11, 2)

NAME = r"(?:`(?:[^`]|``)+`|[\w$]+)"
# Texts without any of these words change no table; a look at the text is cheaper than reading it.
MAY_CHANGE = _lazy_re_compile(r"\b(?:ALTER|INDEX|OPTIMIZE|REPAIR|LOCK)\b", re.IGNORECASE)
# A foreign key with its column, which is a number and empty in every row; of texts the collations would have to agree.
EMPTY_KEY = _lazy_re_compile(
    rf"\s*ALTER\s+TABLE\s+{NAME}\s+ADD\s+COLUMN\s+(?P<column>{NAME})\s+"
    rf"(?:tiny|small|medium|big)?int(?:eger)?(?:\s+unsigned)?\s+NULL(?:\s+UNIQUE)?\s*,"
    rf"\s*ADD\s+CONSTRAINT\s+{NAME}\s+FOREIGN\s+KEY\s*\(\s*(?P=column)\s*\)"
    rf"\s*REFERENCES\s+(?P<target>{NAME})\s*\(\s*{NAME}\s*\)\s*",
    re.IGNORECASE,
)
# What changes definitions alone, and takes no clauses on one server or the other. Partitions of ranges are added, not
# those of hashes, for which all rows are spread anew.
AT_ONCE = _lazy_re_compile(
    r"(?:DROP|TRUNCATE) PARTITION|ADD PARTITION (?:IF NOT EXISTS )?\( PARTITION \S+ VALUES|(?:DISCARD|IMPORT) "
    r"|RENAME (?:(?:TO|AS|=) )?(?!COLUMN|INDEX|KEY)\S+(?: \. \S+)?\Z"
)
# Parts of an ALTER TABLE before which no comma may stand.
UNSEPARATED = ("PARTITION BY", "REMOVE PARTITIONING")

INSTANT = "ALGORITHM=INSTANT"
# MariaDB copies a table without a word of it, asked for INSTANT alone, where it would have to be copied anyway: for its
# partitions, the order of its rows, another engine. MySQL takes INSTANT with no LOCK beside it.
INSTANT_ON_MARIADB = "ALGORITHM=INSTANT, LOCK=NONE"
IN_PLACE = "ALGORITHM=INPLACE, LOCK=NONE"
ANYHOW = "LOCK=NONE"
# What a statement may say itself, and lets the server refuse as we would; and what says nothing of those who write.
LIGHT = ("LOCK", "NONE")
ALGORITHMS = ("INSTANT", "INPLACE", "NOCOPY")
WAYS = {
    "ALGORITHM": frozenset({"DEFAULT", "INSTANT", "NOCOPY", "INPLACE", "COPY"}),
    "LOCK": frozenset({"DEFAULT", "NONE", "SHARED", "EXCLUSIVE"}),
}
# Statements that take no clauses, and hold others up for as long as they work.
UNASKABLE = frozenset({Verb.OPTIMIZE_TABLE, Verb.REPAIR_TABLE, Verb.LOCK_TABLES})
# What makes something that holds statements, and carries none of them out.
ROUTINES = frozenset({"PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE"})
# Statements that are looked for in texts that consist of several.
CHANGES = UNASKABLE | {Verb.ALTER_TABLE, Verb.CREATE_INDEX, Verb.DROP_INDEX}
CHANGING = frozenset(verb.split()[0] for verb in CHANGES)
MADE = ROUTINES | {"TABLE", "INDEX", "VIEW", "DATABASE", "SCHEMA", "USER", "ROLE", "SERVER", "SEQUENCE"}


@dataclasses.dataclass(frozen=True)
class AskedStatement:
    """A statement that says how it may be done; `checks_keys` is false where the server is not to look keys up."""

    sql: str
    checks_keys: bool = True


@dataclasses.dataclass(frozen=True)
class UnaskableStatement:
    """A text that may hold others up and cannot be asked not to, and why; of which tables, as far as it names them."""

    tables: tuple[str, ...]
    reason: str


@dataclasses.dataclass(frozen=True)
class TableStatement:
    """A statement that changes one table, and takes clauses behind its name; of an index at its end, without commas."""

    table: str
    sql: str
    at: int
    is_index: bool = False
    separator: str = ","
    # Which algorithm it asks for itself, without a word of those who write.
    algorithm: str = ""

    @classmethod
    def of(cls, sql: str) -> TableStatement | None:
        """Read a statement that can be asked; None for all else."""
        found = read_statement(sql)
        return found if isinstance(found, TableStatement) else None

    @property
    def target(self) -> str:
        """The table that a new and empty key points to; empty where the statement adds none.

        Where all rows hold NULL there is nothing to look up, and nobody can have written anything else before the
        statement ends. With its checks off the server knows that, and does in place what it would copy the table for.
        """
        found = EMPTY_KEY.fullmatch(self.sql)
        return unquoted(found["target"]) if found else ""

    def ways(
        self, *, copies_online: bool = False, is_mariadb: bool = False, checks_keys: bool = True
    ) -> Iterator[AskedStatement]:
        """Return the ways to ask for, the lightest first; `copies_online` as `COPIES_ONLINE` says.

        `checks_keys` is false where the statement has a `target` to which a key may point. A server that copies online
        takes the lightest way by itself; MySQL, asked for LOCK=NONE alone, does nothing in an instant.
        """
        if not checks_keys:
            yield AskedStatement(self._with(IN_PLACE), checks_keys=False)
        if self.algorithm == "INSTANT" and not is_mariadb:
            yield AskedStatement(self.sql)
        elif copies_online or self.algorithm:
            yield AskedStatement(self._with(ANYHOW))
        elif checks_keys:
            if not self.is_index:
                yield AskedStatement(self._with(INSTANT_ON_MARIADB if is_mariadb else INSTANT))
            yield AskedStatement(self._with(IN_PLACE))

    def _with(self, clauses: str) -> str:
        if self.is_index:
            return f"{self.sql[: self.at]} {clauses.replace(',', '')}"
        return f"{self.sql[: self.at]} {clauses}{self.separator}{self.sql[self.at :]}"


def read_statement(sql: str, *, escapes: bool = True) -> TableStatement | UnaskableStatement | None:
    """Return how a text can be asked to hold nobody up, or that it cannot; None for one that has nothing to be asked.

    `escapes` as in `tokens_of`.
    """
    text = sql.strip().removesuffix(";").rstrip()
    tokens = tokens_of(text, escapes=escapes)
    while tokens and tokens[-1].text == ";":
        tokens = tokens[:-1]
    if makes_routine(tokens):
        return None
    statement = statement_at(tokens)
    if statement is None or are_several(tokens):
        tables = changed_within(tokens)
        return UnaskableStatement(tables, _("It is one of several in one text.")) if tables else None
    if statement.verb in UNASKABLE:
        reason = _("{statement} cannot be asked for LOCK=NONE.").format(statement=statement.verb)
        return UnaskableStatement(tuple(map(str, statement.tables)), reason)
    if statement.verb is Verb.DROP_INDEX and statement.index is not None:
        # MariaDB takes no clause here, and both take the same as an ALTER TABLE.
        head, perhaps = f"ALTER TABLE {statement.tables[0].quoted}", "IF EXISTS " if "IF" in statement.words else ""
        table = str(statement.tables[0])
        return TableStatement(table, f"{head} DROP INDEX {perhaps}{statement.index.text}", len(head))
    return _altered(text, tokens, statement) if statement.verb in {Verb.ALTER_TABLE, Verb.CREATE_INDEX} else None


def _altered(
    text: str, tokens: Sequence[MySQLToken], statement: Statement
) -> TableStatement | UnaskableStatement | None:
    """Read a text that is one statement which changes a table, or makes an index on it."""
    table, rest = str(statement.tables[0]), " ".join(token.text.upper() for token in statement.rest)
    own = own_words(statement)
    if any(token.conditional for token in tokens):
        return UnaskableStatement((table,), _("What stands in its comments is carried out by some servers only."))
    if not rest or AT_ONCE.match(rest) or LIGHT in own:
        return None
    algorithm = next((name for name in ALGORITHMS if own == {("ALGORITHM", name)}), "")
    if own and not algorithm:
        said = ", ".join(f"{word}={value}" for word, value in sorted(own))
        return UnaskableStatement((table,), _("The statement itself asks for {clauses}.").format(clauses=said))
    if statement.verb is Verb.CREATE_INDEX:
        return TableStatement(table, text, tokens[-1].end, is_index=True, algorithm=algorithm)
    separator = "" if rest.startswith(UNSEPARATED) else ","
    return TableStatement(table, text, statement.end, separator=separator, algorithm=algorithm)


def own_words(statement: Statement) -> set[tuple[str, str]]:
    """Return what a statement says itself of the way in which it is to be done."""
    words = [token.word for token in statement.rest if token.word != "="]
    said = {pair for pair in pairwise(words) if pair[1] in WAYS.get(pair[0], ())}
    # MariaDB: ALTER ONLINE TABLE is LOCK=NONE.
    return said | {("LOCK", "NONE")} if "ONLINE" in statement.words else said


def makes_routine(tokens: Sequence[MySQLToken]) -> bool:
    """Return whether a text makes something that holds statements, and carries none of them out."""
    first = next((token.word for token in tokens[1:] if token.word in MADE), "")
    return bool(tokens) and tokens[0].word in {"CREATE", "ALTER"} and first in ROUTINES


def changed_within(tokens: Sequence[MySQLToken]) -> tuple[str, ...]:
    """Name the tables that statements anywhere in a text change in a way that may hold others up."""
    found = (statement_at(tokens, at) for at, token in enumerate(tokens) if token.word in CHANGING)
    tables = (table for one in found if one is not None and one.verb in CHANGES for table in one.tables)
    return tuple(dict.fromkeys(map(str, tables)))


def unquoted(name: str) -> str:
    """Return a name without its quotes."""
    return name[1:-1].replace("``", "`") if name.startswith("`") else name
