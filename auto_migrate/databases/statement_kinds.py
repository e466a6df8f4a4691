"""What kind of statement a text is, told by its first words and without a parser; comments before them are passed over.

Where a text may be of several kinds, or of one that these words do not know, each question says which way it errs.
"""

from __future__ import annotations

import re

from django.utils.regex_helper import _lazy_re_compile

COMMENTS = r"(?:\s|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*"


def _begins(words: str, rest: str = "") -> re.Pattern[str]:
    return _lazy_re_compile(rf"{COMMENTS}(?:{words})\b{rest}", re.IGNORECASE | re.DOTALL)


_READ = "SELECT|SHOW|DESCRIBE|PRAGMA(?![^;]*=)"
_READS = _begins(_READ)
# MariaDB's `SET STATEMENT … FOR` carries out what comes last.
_LOOKS = _begins(rf"{_READ}|DESC|EXPLAIN|SET(?!\s+STATEMENT\b)|USE")
# Django asks some questions inside of a transaction, which what only reads may have.
_ONLY_READS = _begins(f"{_READ}|BEGIN|SAVEPOINT|RELEASE|ROLLBACK TO", r"[^;]*;?\s*")
_CONTROLS = _begins("BEGIN|START|SAVEPOINT|RELEASE|ROLLBACK")
_WRITES_ROWS = _begins("INSERT|UPDATE|DELETE|REPLACE")
_RUNS_CODE = _begins("DO|CALL")
# What may take more of a table than ROW EXCLUSIVE.
_WANTS_TABLES = _begins(
    "ALTER|CLUSTER|COMMENT|CREATE|DROP|LOCK|REFRESH|REINDEX|TRUNCATE|VACUUM", r"(?!.*\bCONCURRENTLY\b)"
)
_CHANGES_SCHEMA = _begins(r"(?:CREATE|ALTER|DROP)\s+(?:TABLE|(?:(?:UNIQUE|FULLTEXT|SPATIAL)\s+)?INDEX)|RENAME\s+TABLE")
_APART = _lazy_re_compile(r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_GOES_ON = _lazy_re_compile(r";\s*[^\s;]")
_TO_SAVEPOINT = r"(?!\s+(?:WORK\s+|TRANSACTION\s+)?TO\b)"
_ENDS = _lazy_re_compile(
    rf"\A{COMMENTS}(?:COMMIT|END|ABORT|CALL|PREPARE\s+TRANSACTION|ROLLBACK{_TO_SAVEPOINT})\b"
    rf"|;\s*(?:COMMIT|ABORT|ROLLBACK{_TO_SAVEPOINT})\b",
    re.IGNORECASE | re.DOTALL,
)
_COMMITS = _lazy_re_compile(rf"(?:\A|;){COMMENTS}(?:COMMIT|END|PREPARE\s+TRANSACTION)\b", re.IGNORECASE | re.DOTALL)

# What stands in a session and is not there in the next one: transactions, locks, variables and temporary tables. A
# comment that some servers carry out may hold any of them.
_LEANS_ON_SESSION = _lazy_re_compile(
    rf"(?:\A|[;\n]){COMMENTS}(?:BEGIN|START|COMMIT|ROLLBACK|SAVEPOINT|XA|LOCK|UNLOCK|FLUSH|PREPARE|EXECUTE|HANDLER|SET\s+STATEMENT)\b"
    r"|\b(?:AUTOCOMMIT|TEMPORARY|GET_LOCK)\b|\b(?:LAST_INSERT_ID|ROW_COUNT|FOUND_ROWS)\s*\("
    r"|(?<![@\w])@[\w`'\"$]|/\*M?!",
    re.IGNORECASE | re.DOTALL,
)

_SETTING = r"(?:(?:SET|RESET)\b[^;]*|SELECT\s+(?:pg_catalog\.)?set_config\s*\([^;()]*\)\s*)"
_ONLY_SETS = _lazy_re_compile(
    rf"{COMMENTS}(?:{_SETTING}(?:;{COMMENTS}{_SETTING})*;?{COMMENTS})", re.IGNORECASE | re.DOTALL
)
_OPENS = _begins(r"BEGIN|START\s+TRANSACTION", rf"[^;]*;?{COMMENTS}")
_CLOSES = _begins(
    "COMMIT|END|ROLLBACK|ABORT", rf"\s*(?:(?:WORK|TRANSACTION)\b\s*)?(?:AND\s+NO\s+CHAIN\b)?\s*;?{COMMENTS}"
)

# What PostgreSQL does not carry out within a transaction, what may end one, and what a session has. Anywhere in a text,
# so that no quotes have to be told apart: where it is something else, a text counts as one of them.
_WANTS_NO_TRANSACTION = _lazy_re_compile(
    rf"(?:\A|;){COMMENTS}(?:START|SET(?!\s+(?:LOCAL|CONSTRAINTS)\b)|RESET|DISCARD|LISTEN|LOAD|LOCK|EXECUTE"
    r"|BEGIN(?=\s*(?:;|\Z|TRANSACTION\b|WORK\b|ISOLATION\b|READ\b|NOT\b|DEFERRABLE\b)))\b"
    rf"|\A{COMMENTS}END\b|\b(?:COMMIT|ROLLBACK|ABORT|SAVEPOINT|PREPARE|CALL|CONCURRENTLY|VACUUM|TEMP|TEMPORARY)\b"
    r"|\b(?:WITH\s+HOLD|set_config|pg_(?:try_)?advisory_(?:un)?lock\w*)\b",
    re.IGNORECASE | re.DOTALL,
)


def reads(sql: str) -> bool:
    """Return whether a text begins by asking; what only looks like writing counts as writing."""
    return _READS.match(sql) is not None


def looks(sql: str) -> bool:
    """Return whether a text leaves the schema and the rows as they are, settings of the session aside."""
    return _LOOKS.match(sql) is not None


def only_reads(sql: str) -> bool:
    """Return whether a text is one statement that asks, or that opens and leaves what it asks in."""
    return _ONLY_READS.fullmatch(sql) is not None


def controls_transaction(sql: str) -> bool:
    """Return whether a text begins or leaves a transaction or a part of one."""
    return _CONTROLS.match(sql) is not None


def writes_rows(sql: str) -> bool:
    """Return whether a text writes rows, and says so in its first word."""
    return _WRITES_ROWS.match(sql) is not None


def only_writes_rows(sql: str) -> bool:
    """Return whether a text writes rows and does nothing else, which a statement behind it could."""
    return writes_rows(sql) and _GOES_ON.search(_APART.sub("", sql)) is None


def runs_code(sql: str) -> bool:
    """Return whether a text runs a block or a procedure, which may do anything."""
    return _RUNS_CODE.match(sql) is not None


def leans_on_session(sql: str) -> bool:
    """Return whether a text may make or use what goes with its session, so that another one cannot go on behind it."""
    return _LEANS_ON_SESSION.search(sql) is not None


def only_sets(sql: str) -> bool:
    """Return whether a text does nothing but to set the session or the transaction of whoever sends it."""
    return _ONLY_SETS.fullmatch(sql) is not None


def opens_transaction(sql: str) -> bool:
    """Return whether a text does nothing but to begin a transaction."""
    return _OPENS.fullmatch(sql) is not None


def closes_transaction(sql: str) -> bool:
    """Return whether a text does nothing but to end the transaction that is open, either way."""
    return _CLOSES.fullmatch(sql) is not None


def fits_own_transaction(sql: str) -> bool:
    """Return whether PostgreSQL does the same with a text in a transaction for itself as without one."""
    return _WANTS_NO_TRANSACTION.search(sql) is None


def wants_tables(sql: str) -> bool:
    """Return whether a text may take a lock on a table for which others would queue."""
    return _WANTS_TABLES.match(sql) is not None


def changes_schema_visibly(sql: str) -> bool:
    """Return whether tables, columns and indexes show that a text was carried out; a trigger, for one, does not."""
    return _CHANGES_SCHEMA.match(sql) is not None


def ends_transaction(sql: str) -> bool:
    """Return whether a text ends a transaction, or may: after it nothing is rolled back that came before."""
    return _ENDS.search(sql) is not None


def may_commit_within(sql: str) -> bool:
    """Return whether of several statements in one text some may have been committed; `END` of a block counts too."""
    return _COMMITS.search(sql) is not None
