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
from collections.abc import Iterator

# ER_ALTER_OPERATION_NOT_SUPPORTED and ER_ALTER_OPERATION_NOT_SUPPORTED_REASON; then of MySQL ER_INNODB_MAX_ROW_VERSION
# and ER_INNODB_INSTANT_ADD_NOT_SUPPORTED_MAX_SIZE, with which InnoDB has enough of instant columns in one table.
REFUSED = frozenset({1845, 1846, 4092, 4093})
# ER_PARSE_ERROR, ER_WRONG_USAGE, ER_NOT_SUPPORTED_YET, ER_UNKNOWN_ALTER_ALGORITHM, ER_UNKNOWN_ALTER_LOCK: a server, or
# something before it, that does not know the clauses, or not in this statement.
NOT_UNDERSTOOD = frozenset({1064, 1221, 1235, 1800, 1801})

# From here on MariaDB lets others write while it copies a table, wherever it can (MDEV-16329).
COPIES_ONLINE = (11, 2)

NAME = r"(?:`(?:[^`]|``)+`|[\w$]+)"
TEXT = re.compile(r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`(?:[^`]|``)*`", re.DOTALL)
# What says already how it is to be done, more than one statement, and comments, which a clause could end up in.
OWN_WORDS = re.compile(r"\b(?:ALGORITHM|LOCK)\b|;|--|#|/\*", re.IGNORECASE)
ALTER_TABLE = re.compile(rf"\s*ALTER\s+TABLE\s+(?P<table>{NAME})\s", re.IGNORECASE)
CREATE_INDEX = re.compile(rf"\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s+{NAME}\s+ON\s+(?P<table>{NAME})[\s(]", re.IGNORECASE)
# MariaDB takes no clause here, and both take the same as an ALTER TABLE.
DROP_INDEX = re.compile(rf"\s*DROP\s+INDEX\s+(?P<index>{NAME})\s+ON\s+(?P<table>{NAME})\s*", re.IGNORECASE)
# A foreign key with its column, which is a number and empty in every row; of texts the collations would have to agree.
EMPTY_KEY = re.compile(
    rf"\s*ALTER\s+TABLE\s+{NAME}\s+ADD\s+COLUMN\s+(?P<column>{NAME})\s+"
    rf"(?:tiny|small|medium|big)?int(?:eger)?(?:\s+unsigned)?\s+NULL(?:\s+UNIQUE)?\s*,"
    rf"\s*ADD\s+CONSTRAINT\s+{NAME}\s+FOREIGN\s+KEY\s*\(\s*(?P=column)\s*\)"
    rf"\s*REFERENCES\s+(?P<target>{NAME})\s*\(\s*{NAME}\s*\)\s*",
    re.IGNORECASE,
)

INSTANT = "ALGORITHM=INSTANT"
IN_PLACE = "ALGORITHM=INPLACE, LOCK=NONE"
ANYHOW = "LOCK=NONE"


@dataclasses.dataclass(frozen=True)
class AskedStatement:
    """A statement that says how it may be done; `checks_keys` is false where the server is not to look keys up."""

    sql: str
    checks_keys: bool = True


@dataclasses.dataclass(frozen=True)
class TableStatement:
    """A statement that changes one table, as clauses can follow it; of an index they come without commas."""

    table: str
    sql: str
    is_index: bool = False

    @classmethod
    def of(cls, sql: str) -> TableStatement | None:
        """Read a statement; None for one that changes no table, or says itself how it is to be done."""
        text = sql.strip().removesuffix(";").rstrip()
        if OWN_WORDS.search(TEXT.sub("", text)):
            return None
        if found := ALTER_TABLE.match(text):
            return cls(unquoted(found["table"]), text)
        if found := CREATE_INDEX.match(text):
            return cls(unquoted(found["table"]), text, is_index=True)
        if found := DROP_INDEX.fullmatch(text):
            return cls(unquoted(found["table"]), f"ALTER TABLE {found['table']} DROP INDEX {found['index']}")
        return None

    @property
    def target(self) -> str:
        """The table that a new and empty key points to; empty where the statement adds none.

        Where all rows hold NULL there is nothing to look up, and nobody can have written anything else before the
        statement ends. With its checks off the server knows that, and does in place what it would copy the table for.
        """
        found = EMPTY_KEY.fullmatch(self.sql)
        return unquoted(found["target"]) if found else ""

    def ways(self, *, copies_online: bool, checks_keys: bool = True) -> Iterator[AskedStatement]:
        """Return the ways to ask for, the lightest first; `copies_online` as `COPIES_ONLINE` says.

        `checks_keys` is false where the statement has a `target` to which a key may point. A server that copies online
        takes the lightest way by itself; MySQL, asked for LOCK=NONE alone, does nothing in an instant.
        """
        if not checks_keys:
            yield AskedStatement(self._with(IN_PLACE), checks_keys=False)
        if copies_online:
            yield AskedStatement(self._with(ANYHOW))
        elif checks_keys:
            if not self.is_index:
                yield AskedStatement(self._with(INSTANT))
            yield AskedStatement(self._with(IN_PLACE))

    def _with(self, clauses: str) -> str:
        return f"{self.sql} {clauses.replace(',', '')}" if self.is_index else f"{self.sql}, {clauses}"


def unquoted(name: str) -> str:
    """Return a name without its quotes."""
    return name[1:-1].replace("``", "`") if name.startswith("`") else name
