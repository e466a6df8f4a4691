"""What the observer sees of a statement is what the statement is known to take, on both servers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic

from auto_migrate.rehearsal.contradictions import Toll, observed
from auto_migrate.rehearsal.observer import Observer, shown
from auto_migrate.rehearsal.rehearsal_events import StatementObserved
from auto_migrate.rehearsal.relations import strength
from auto_migrate.rehearsal.watcher import Watcher
from auto_migrate.values import MigrationKey

# All of it is `make sweep`.
pytestmark = pytest.mark.sampled(5)

SCHEMA = """
    CREATE TABLE author (id bigint PRIMARY KEY, name varchar(20) NOT NULL, age int, born timestamp, pay numeric(8, 2));
    CREATE TABLE book (
        id bigint PRIMARY KEY, title varchar(20), pages int, editor bigint,
        author bigint NOT NULL CONSTRAINT book_author REFERENCES author DEFERRABLE INITIALLY DEFERRED
    );
    CREATE TABLE unmarked (id bigint);
    CREATE TABLE era (year int) PARTITION BY LIST (year);
    CREATE TABLE era_2025 PARTITION OF era FOR VALUES IN (2025);
    CREATE INDEX book_title ON book (title);
    CREATE UNIQUE INDEX book_once ON book (title, pages);
    CREATE DOMAIN short AS text CHECK (length(value) < 9);
    CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
    CREATE TRIGGER nothing BEFORE UPDATE ON author FOR EACH ROW EXECUTE FUNCTION nothing();
    ALTER TABLE author ADD CONSTRAINT author_young CHECK (age < 200) NOT VALID;
    ALTER TABLE author ADD CONSTRAINT author_born CHECK (born IS NOT NULL);
    INSERT INTO author SELECT n, 'a' || n, n, '2000-01-01', n FROM generate_series(1, 50) AS n;
    INSERT INTO book SELECT n, 't' || n, n, n, n FROM generate_series(1, 50) AS n;
"""
EXCLUSIVE = "ACCESS EXCLUSIVE"


@dataclasses.dataclass(frozen=True)
class Fact:
    """A statement, and what it takes: table → lock, tables rewritten, tables read through."""

    statement: str
    locks: dict[str, str]
    rewrites: tuple[str, ...] = ()
    scans: tuple[str, ...] = ()


def book(change: str, mode: str = EXCLUSIVE, *, rewrites: tuple[str, ...] = (), scans: tuple[str, ...] = ()) -> Fact:
    return Fact(f"ALTER TABLE book {change}", {"book": mode}, rewrites, scans)


def author(change: str, **others: tuple[str, ...]) -> Fact:
    return Fact(f"ALTER TABLE author {change}", {"author": EXCLUSIVE}, **others)


BOOK = ("book",)
BOTH = {"book": "SHARE ROW EXCLUSIVE", "author": "SHARE ROW EXCLUSIVE"}
FACTS = [
    book("ADD notes text"),
    book("ADD notes text DEFAULT 'none' NOT NULL"),
    book("ADD added timestamptz DEFAULT now()"),
    book("ADD luck float DEFAULT random()", rewrites=BOOK, scans=BOOK),
    book("ADD number serial", rewrites=BOOK, scans=BOOK),
    book("ADD number int GENERATED ALWAYS AS IDENTITY", rewrites=BOOK, scans=BOOK),
    book("ADD twice int GENERATED ALWAYS AS (pages * 2) STORED", rewrites=BOOK, scans=BOOK),
    book("ADD nick short", rewrites=BOOK, scans=BOOK),
    book("ADD rank int CHECK (rank > 0)", scans=("book",)),
    book("ADD isbn text UNIQUE", scans=("book",)),
    Fact("ALTER TABLE book ADD twin bigint REFERENCES author", {"book": EXCLUSIVE, "author": "SHARE ROW EXCLUSIVE"}),
    Fact(
        "ALTER TABLE book ADD twin bigint DEFAULT 1 REFERENCES author",
        {"book": EXCLUSIVE, "author": "SHARE ROW EXCLUSIVE"},
        scans=("author", "book"),
    ),
    book("DROP COLUMN pages"),
    book("RENAME COLUMN pages TO leaves"),
    book("RENAME TO tome"),
    book("ALTER COLUMN pages SET DEFAULT 1"),
    book("ALTER COLUMN pages SET NOT NULL", scans=("book",)),
    author("ALTER COLUMN born SET NOT NULL"),
    book("ALTER COLUMN title TYPE varchar(40)"),
    book("ALTER COLUMN title TYPE text"),
    author("ALTER COLUMN pay TYPE numeric(12, 2)"),
    author("ALTER COLUMN pay TYPE numeric(12, 4)", rewrites=("author",), scans=("author",)),
    book("ALTER COLUMN pages TYPE bigint", rewrites=BOOK, scans=BOOK),
    book("ALTER COLUMN title TYPE varchar(10)", rewrites=BOOK, scans=BOOK),
    book("ADD CONSTRAINT thin CHECK (pages < 9000)", scans=("book",)),
    book("ADD CONSTRAINT thin CHECK (pages < 9000) NOT VALID"),
    Fact(
        "ALTER TABLE author VALIDATE CONSTRAINT author_young", {"author": "SHARE UPDATE EXCLUSIVE"}, scans=("author",)
    ),
    Fact("ALTER TABLE book ADD FOREIGN KEY (editor) REFERENCES author", BOTH, scans=("author", "book")),
    Fact("ALTER TABLE book ADD FOREIGN KEY (editor) REFERENCES author NOT VALID", BOTH),
    Fact("ALTER TABLE book DROP CONSTRAINT book_author", {"book": EXCLUSIVE, "author": EXCLUSIVE}),
    book("ADD UNIQUE (pages)", scans=("book",)),
    book("ADD CONSTRAINT once UNIQUE USING INDEX book_once"),
    Fact("CREATE INDEX book_pages ON book (pages)", {"book": "SHARE"}, scans=("book",)),
    Fact("REINDEX TABLE book", {"book": "SHARE"}, scans=("book",)),
    Fact("DROP INDEX book_title", {"book": EXCLUSIVE}),
    Fact("CREATE TABLE page (id int, author bigint REFERENCES author)", {"author": "SHARE ROW EXCLUSIVE"}),
    Fact("DROP TABLE book", {"book": EXCLUSIVE, "author": EXCLUSIVE}),
    Fact("ALTER INDEX book_title RENAME TO book_name", {"book": "SHARE UPDATE EXCLUSIVE"}),
    book("ALTER COLUMN pages SET STATISTICS 50", "SHARE UPDATE EXCLUSIVE"),
    book("SET (fillfactor = 80)", "SHARE UPDATE EXCLUSIVE"),
    Fact("COMMENT ON TABLE book IS 'Tomes.'", {"book": "SHARE UPDATE EXCLUSIVE"}),
    Fact(
        "CREATE TRIGGER other BEFORE UPDATE ON book FOR EACH ROW EXECUTE FUNCTION nothing()",
        {"book": "SHARE ROW EXCLUSIVE"},
    ),
    Fact("DROP TRIGGER nothing ON author", {"author": EXCLUSIVE}),
    Fact("UPDATE book SET pages = 1", {"book": "ROW EXCLUSIVE"}, scans=("book",)),
    Fact("TRUNCATE unmarked", {"unmarked": EXCLUSIVE}),
    Fact("CLUSTER book USING book_title", {"book": EXCLUSIVE}, rewrites=BOOK, scans=BOOK),
]
# What no transaction can be put around: a second session looks on.
ALONE = [
    Fact("CREATE INDEX CONCURRENTLY book_pages ON book (pages)", {"book": "SHARE UPDATE EXCLUSIVE"}, scans=("book",)),
    Fact("DROP INDEX CONCURRENTLY book_title", {"book": "SHARE UPDATE EXCLUSIVE"}),
    Fact("REINDEX INDEX CONCURRENTLY book_title", {"book": "SHARE UPDATE EXCLUSIVE"}, scans=("book",)),
    Fact("VACUUM FULL book", {"book": EXCLUSIVE}, rewrites=BOOK, scans=BOOK),
]


@pytest.fixture
def observer(shop: BaseDatabaseWrapper) -> Iterator[Observer]:
    """Return an observer of the tables, which are made anew for each test."""
    with shop.cursor() as cursor:
        cursor.execute(SCHEMA)
        cursor.execute("SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace")
        existing = frozenset(oid for (oid,) in cursor.fetchall())
    watcher = Watcher(shop.copy())
    observer = Observer(shop, watcher, existing)
    observer.begin(MigrationKey("shop", "0002_change"))
    with shop.execute_wrapper(observer):
        yield observer
    watcher.close()


def tolls(fact: Fact) -> dict[str, Toll]:
    return {
        table: Toll(strength(fact.locks.get(table, "")), table in fact.rewrites, table in fact.scans)
        for table in {*fact.locks, *fact.rewrites, *fact.scans}
    }


def blocking(seen: list[StatementObserved]) -> dict[str, Toll]:
    """Leave out tables that were only read, as the catalogue's own questions are."""
    return {table: toll for table, toll in observed(seen).items() if toll != Toll(strength("ACCESS SHARE"))}


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.statement)
def test_what_is_seen_inside_a_transaction_is_what_the_statement_takes(
    shop: BaseDatabaseWrapper, observer: Observer, fact: Fact
) -> None:
    with atomic(using=shop.alias), shop.cursor() as cursor:
        cursor.execute(fact.statement)
    assert blocking(observer.seen) == tolls(fact)
    assert [one.in_transaction for one in observer.seen] == [True]


@pytest.mark.parametrize("fact", [*FACTS, *ALONE], ids=lambda fact: fact.statement)
def test_what_is_seen_of_a_statement_by_itself_is_what_it_takes(
    shop: BaseDatabaseWrapper, observer: Observer, fact: Fact
) -> None:
    with shop.cursor() as cursor:
        cursor.execute(fact.statement)
    assert blocking(observer.seen) == tolls(fact)
    assert [one.in_transaction for one in observer.seen] == [False]


def test_a_detached_partitions_table_lets_writes_pass(shop: BaseDatabaseWrapper, observer: Observer) -> None:
    with shop.cursor() as cursor:
        cursor.execute("ALTER TABLE era DETACH PARTITION era_2025 CONCURRENTLY")
    # The partition itself is locked for an instant at the end, which may be seen or not.
    assert observed(observer.seen)["era"] == Toll(strength("SHARE UPDATE EXCLUSIVE"))


def test_a_lock_is_told_with_the_statement_that_took_it_first(shop: BaseDatabaseWrapper, observer: Observer) -> None:
    with atomic(using=shop.alias), shop.cursor() as cursor:
        for statement in ("LOCK TABLE book IN SHARE MODE", "ALTER TABLE book ADD x int", "ALTER TABLE book ADD y int"):
            cursor.execute(statement)
    assert [[lock.mode for lock in one.locks if lock.table == "book"] for one in observer.seen] == [
        ["SHARE"],
        ["ACCESS EXCLUSIVE"],
        [],
    ]


def test_the_rows_that_are_read_are_counted(shop: BaseDatabaseWrapper, observer: Observer) -> None:
    with shop.cursor() as cursor:
        cursor.execute("CREATE INDEX CONCURRENTLY book_pages ON book (pages)")
        cursor.execute("CREATE INDEX book_editor ON book (editor)")
    assert [[(scan.table, scan.rows) for scan in one.scans] for one in observer.seen] == [
        # Built concurrently, an index takes two readings.
        [("book", 100)],
        [("book", 50)],
    ]


def test_a_table_that_was_not_there_before_is_nobodys(shop: BaseDatabaseWrapper, observer: Observer) -> None:
    with atomic(using=shop.alias), shop.cursor() as cursor:
        cursor.execute("CREATE TABLE fresh (id int)")
        cursor.execute("ALTER TABLE fresh ADD luck float DEFAULT random()")
    assert observed(observer.seen) == {}


def test_indexes_that_are_rebuilt_are_named(shop: BaseDatabaseWrapper, observer: Observer) -> None:
    with shop.cursor() as cursor:
        cursor.execute("REINDEX INDEX book_title")
    [seen] = observer.seen
    assert seen.rebuilds == ("book_title",)
    assert ("book_title", "ACCESS EXCLUSIVE") in [(lock.index, lock.mode) for lock in seen.locks]


def test_a_statement_of_a_loop_is_told_once(shop: BaseDatabaseWrapper, observer: Observer) -> None:
    with shop.cursor() as cursor:
        for number in range(3):
            cursor.execute("UPDATE book SET pages = %s", [number])
    [seen] = observer.seen
    assert (seen.times, seen.statement, [scan.rows for scan in seen.scans]) == (3, "UPDATE book SET pages = %s", [150])


def test_a_statement_that_fails_raises_what_it_raises_without_an_observer(
    shop: BaseDatabaseWrapper, observer: Observer
) -> None:
    with shop.cursor() as cursor, pytest.raises(DatabaseError, match="does not exist"):
        cursor.execute("ALTER TABLE missing ADD x int")
    assert observer.seen == []


def test_a_statement_sets_the_session_for_those_after_it(shop: BaseDatabaseWrapper, observer: Observer) -> None:
    with shop.cursor() as cursor:
        cursor.execute("SET lock_timeout = '7s'")
        cursor.execute("SELECT current_setting('lock_timeout')")
        assert cursor.fetchone() == ("7s",)


def test_a_password_in_a_statement_is_not_shown() -> None:
    assert shown("ALTER ROLE reader\n  PASSWORD 'it''s secret' LOGIN") == "ALTER ROLE reader PASSWORD '…' LOGIN"
