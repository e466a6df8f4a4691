"""Whether a statement that was cut was carried out is told by its tables, and by nothing that somebody else did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import operations as ops
from django.db.migrations.state import ProjectState
from pytest_django import DjangoDbBlocker

from auto_migrate.databases import adapter_for
from auto_migrate.databases.mysql.table_parts import note_of, was_carried_out
from auto_migrate.databases.statement_kinds import changes_schema_visibly
from tests.integration.applying.library import APP, library, to
from tests.integration.applying.schema_cases import char
from tests.integration.databases.aliases import alias

STOCK = [
    *library(),
    ops.AddField("Tag", "author", to("Author", null=True)),
    ops.AddField("Tag", "only", models.OneToOneField(f"{APP}.Author", models.CASCADE, null=True, related_name="+")),
    ops.AddField("Tag", "level", models.PositiveIntegerField(default=1)),
    ops.AlterField("Tag", "level", models.BigIntegerField(null=True)),
    ops.AlterField("Tag", "level", models.PositiveIntegerField(default=1, unique=True)),
    ops.AlterField("Tag", "word", char(60, db_index=True)),
    ops.AddIndex("Tag", models.Index(fields=["-word"], name="by_word")),
    ops.RenameIndex("Tag", new_name="by_words", old_name="by_word"),
    ops.RemoveIndex("Tag", "by_words"),
    ops.AddConstraint("Tag", models.CheckConstraint(condition=models.Q(level__gte=0), name="leveled")),
    ops.RemoveConstraint("Tag", "leveled"),
    ops.AddConstraint("Tag", models.UniqueConstraint(fields=["word", "level"], name="once")),
    ops.RemoveConstraint("Tag", "once"),
    ops.RenameField("Tag", "word", "text"),
    ops.RenameModel("Tag", "Label"),
    ops.AlterModelTable("Label", "other_label"),
    ops.AlterModelTableComment("Label", "It has a comment."),
    ops.RemoveField("Label", "author"),
    ops.RemoveField("Label", "level"),
    ops.AlterField("Author", "id", models.AutoField(primary_key=True)),
    ops.AlterUniqueTogether("Chapter", set()),
    ops.DeleteModel("Chapter"),
]


@pytest.fixture
def connection(mariadb_url: str, django_db_blocker: DjangoDbBlocker) -> Iterator[BaseDatabaseWrapper]:
    with django_db_blocker.unblock(), alias("parts", mariadb_url) as name:
        yield connections[name]


def test_each_statement_of_stock_operations_is_known_to_be_done_or_not(connection: BaseDatabaseWrapper) -> None:
    wrong: list[tuple[str, bool | None, bool | None]] = []

    def watched(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not changes_schema_visibly(sql):
            return execute(sql, params, many, context)
        note = note_of(connection, sql)
        assert note is not None, sql
        before = was_carried_out(connection, note)
        result = execute(sql, params, many, context)
        after = was_carried_out(connection, note)
        # What changes nothing may as well be done once more.
        changed = note["parts"] != (note_of(connection, sql) or note)["parts"]
        if before is not False or after is not changed:
            wrong.append((sql, before, after))
        return result

    state = ProjectState()
    for operation in STOCK:
        later = state.clone()
        operation.state_forwards(APP, later)
        with connection.execute_wrapper(watched), connection.schema_editor(atomic=False) as editor:
            operation.database_forwards(APP, editor, state, later)
        state = later
    assert wrong == [], "\n".join(map(str, wrong))


TABLE = "CREATE TABLE a (id bigint PRIMARY KEY, n integer NOT NULL, m varchar(20)); CREATE TABLE c LIKE a"
ADD = "ALTER TABLE `a` ADD COLUMN `x` integer NULL"
KEY = f"{ADD}, ADD CONSTRAINT `k` UNIQUE (`x`)"
TYPE = "ALTER TABLE `a` MODIFY `n` bigint NOT NULL"
SWAP = "RENAME TABLE a TO b, c TO a"
CASES: list[tuple[str, str, bool | None]] = [
    # The one that has taken the table's place is as it was: it lacks the column.
    (ADD, SWAP, False),
    (ADD, f"{ADD}; {SWAP}", False),
    (ADD, "DROP TABLE a; CREATE TABLE a LIKE c", False),
    # It is another one, of which nobody can know anything.
    (ADD, f"ALTER TABLE c DROP n; {SWAP}", None),
    (ADD, f"{ADD}; ALTER TABLE c ADD y integer; {SWAP}", None),
    (TYPE, f"ALTER TABLE c ADD x integer; {SWAP}", None),
    (TYPE, "ALTER TABLE a DROP n", None),
    (ADD, "DROP TABLE a", None),
    (ADD, "DROP TABLE a; CREATE TABLE a (id bigint PRIMARY KEY, x integer)", None),
    # One half was done by hand.
    (KEY, ADD, None),
    ("ALTER TABLE `a` DROP COLUMN `n`", "ALTER TABLE a MODIFY n bigint", None),
    ("CREATE TABLE `d` (`id` bigint PRIMARY KEY, `n` integer)", "CREATE TABLE d (id bigint PRIMARY KEY)", None),
    ("CREATE TABLE `d` (`id` bigint PRIMARY KEY)", "CREATE TABLE d (id bigint PRIMARY KEY, y integer)", None),
    ("RENAME TABLE `a` TO `b`", "CREATE TABLE b (id bigint); DROP TABLE a", None),
    ("ALTER TABLE a ADD x integer, ADD y integer", "ALTER TABLE a ADD x integer", None),
    ("ALTER TABLE a ADD (x integer, y integer)", "ALTER TABLE a ADD x integer", None),
    ("ALTER TABLE a ADD x integer UNIQUE", "ALTER TABLE a ADD x integer", None),
    ("ALTER TABLE a ADD x integer, ADD UNIQUE (x)", "ALTER TABLE a ADD x integer", None),
    ("ALTER TABLE a ADD KEY k (n), ADD x integer", "ALTER TABLE a ADD x integer", None),
    ("ALTER TABLE a ADD x integer, ADD CHECK (x > 0)", "ALTER TABLE a ADD x integer", None),
    ("ALTER TABLE a MODIFY n bigint, MODIFY m text", "ALTER TABLE a MODIFY n bigint", None),
    ("ALTER TABLE a ADD x integer, MODIFY n bigint", "ALTER TABLE a ADD x integer", None),
    ("ALTER TABLE a ADD x integer, ALTER n SET DEFAULT 7", "ALTER TABLE a ADD x integer", None),
    ("ALTER TABLE a ADD x integer, COMMENT = 'c'", "ALTER TABLE a ADD x integer", None),
    ("ALTER TABLE a ADD x integer, ROW_FORMAT = DYNAMIC", "ALTER TABLE a ADD x integer", None),
    ("ALTER TABLE a CHANGE n o bigint, CHANGE m p text", "ALTER TABLE a CHANGE n o bigint", None),
    ("ALTER TABLE a DROP n, DROP m", "ALTER TABLE a DROP n", None),
    ("ALTER TABLE a DROP PRIMARY KEY, ADD PRIMARY KEY (n)", "ALTER TABLE a DROP PRIMARY KEY", None),
    ("ALTER TABLE a RENAME TO b, ADD x integer", "RENAME TABLE a TO b", None),
    ("ALTER TABLE a RENAME TO b, ADD UNIQUE (n)", "RENAME TABLE a TO b", None),
    ("ALTER TABLE a RENAME TO b, ROW_FORMAT = DYNAMIC", "RENAME TABLE a TO b", None),
    ("CREATE TABLE d (id bigint PRIMARY KEY, n int, KEY k (n))", "CREATE TABLE d (id bigint PRIMARY KEY, n int)", None),
    ("CREATE TABLE d (id bigint PRIMARY KEY, n int)", "CREATE TABLE d (id bigint, n int)", None),
    ("CREATE INDEX i ON a (n, m)", "CREATE INDEX i ON a (n)", None),
    # All of it was.
    (
        "ALTER TABLE a ADD x integer UNIQUE, MODIFY n bigint",
        "ALTER TABLE a ADD x integer UNIQUE, MODIFY n bigint",
        True,
    ),
    ("ALTER TABLE a ADD (x integer, y integer)", "ALTER TABLE a ADD (x integer, y integer)", True),
    ("ALTER TABLE a ADD KEY k (n), DROP m", "ALTER TABLE a ADD KEY k (n), DROP m", True),
    ("CREATE INDEX i ON a (n, m DESC)", "CREATE INDEX i ON a (n, m DESC)", True),
    ("ALTER TABLE a RENAME TO b", "ALTER TABLE a RENAME TO b", True),
    ("ALTER /* it */ TABLE a ADD x integer -- why", "ALTER TABLE a ADD x integer", True),
    # The tables of another database are not compared.
    ("ALTER TABLE other.a ADD x integer", "ALTER TABLE a ADD x integer", None),
    ("ALTER TABLE other.a ADD x integer", "CREATE TABLE d (id bigint)", None),
    # What somebody does elsewhere says nothing of it.
    (ADD, "CREATE TABLE d (id bigint)", False),
    (ADD, f"{ADD}; CREATE TABLE d (id bigint); DROP TABLE c", True),
    # The very change stands in the table that is there now.
    (ADD, f"ALTER TABLE c ADD x integer NULL; {SWAP}", True),
]


def test_a_table_that_somebody_has_changed_or_swapped_proves_nothing_that_is_not_so(
    connection: BaseDatabaseWrapper,
) -> None:
    wrong = []
    with connection.cursor() as cursor:
        for statement, by_hand, expected in CASES:
            cursor.execute("DROP TABLE IF EXISTS a, b, c, d")
            for one in TABLE.split("; "):
                cursor.execute(one)
            note = note_of(connection, statement)
            assert note is not None
            for one in by_hand.split("; "):
                cursor.execute(one)
            if (seen := was_carried_out(connection, note)) is not expected:
                wrong.append((statement, by_hand, seen))
    assert wrong == [], "\n".join(map(str, wrong))


def test_names_that_differ_by_case_are_one_if_the_server_takes_them_for_one(connection: BaseDatabaseWrapper) -> None:
    one = connection.features.ignores_table_name_case
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE a (id bigint)")
        if not one:
            cursor.execute("CREATE TABLE A (id bigint)")
        note = note_of(connection, "ALTER TABLE A ADD COLUMN x integer")
        assert note is not None
        cursor.execute("ALTER TABLE a ADD COLUMN x integer")
        assert was_carried_out(connection, note) is one
        cursor.execute("ALTER TABLE A ADD COLUMN y integer" if one else "ALTER TABLE A ADD COLUMN x integer")
        assert was_carried_out(connection, note) is (None if one else True)


PAIR = "CREATE TABLE a (id bigint PRIMARY KEY, n integer, o integer)"
SLICED = f"{PAIR} PARTITION BY RANGE (id) (PARTITION p VALUES LESS THAN (10), PARTITION q VALUES LESS THAN (20))"
# Tables, and a statement that leaves no trace in their parts.
UNSEEN = [
    (PAIR, "ALTER TABLE a CHANGE n o integer, CHANGE o n integer"),
    (PAIR, "ALTER TABLE `a` RENAME COLUMN `n` TO `o`, RENAME COLUMN `o` TO `n`"),
    (PAIR, "ALTER TABLE a DROP COLUMN o, ADD COLUMN o integer"),
    (PAIR, "ALTER TABLE a AUTO_INCREMENT = 7"),
    (SLICED, "ALTER TABLE a TRUNCATE PARTITION p"),
    (SLICED, "ALTER TABLE a DROP PARTITION p"),
    (SLICED, "ALTER TABLE a ADD PARTITION (PARTITION r VALUES LESS THAN (30))"),
    (SLICED, "ALTER TABLE a REORGANIZE PARTITION p, q INTO (PARTITION p VALUES LESS THAN (20))"),
    (SLICED, "ALTER TABLE a REMOVE PARTITIONING"),
    (f"{SLICED}; {PAIR.replace(' a ', ' c ')}", "ALTER TABLE a EXCHANGE PARTITION p WITH TABLE c"),
]


def test_a_statement_that_leaves_no_trace_is_not_taken_for_one_that_was_not_carried_out(
    connection: BaseDatabaseWrapper,
) -> None:
    wrong = []
    with connection.cursor() as cursor:
        for tables, statement in UNSEEN:
            cursor.execute("DROP TABLE IF EXISTS a, c")
            for one in tables.split("; "):
                cursor.execute(one)
            note = note_of(connection, statement)
            assert note is not None
            before = was_carried_out(connection, note)
            cursor.execute(statement)
            after = was_carried_out(connection, note)
            if (before, after) != (None, None):
                wrong.append((statement, before, after))
    assert wrong == [], "\n".join(map(str, wrong))


def test_rows_of_a_table_that_has_been_swapped_are_not_called_written(connection: BaseDatabaseWrapper) -> None:
    database = adapter_for(connection.alias)
    with connection.cursor() as cursor:
        for one in TABLE.split("; "):
            cursor.execute(one)
        rows = database.note_of("UPDATE `a` SET n = 7", writes_rows=True)
        change = database.note_of(ADD)
        assert rows is not None
        assert change is not None
        assert database.was_carried_out(rows, after_rows=False) is True
        assert database.was_carried_out(change, after_rows=True) is False
        # A server tells the moment at which a table was made to the second.
        cursor.execute("DO SLEEP(1)")
        cursor.execute("DROP TABLE c")
        cursor.execute("CREATE TABLE c LIKE a")
        cursor.execute(SWAP)
        assert database.was_carried_out(rows, after_rows=False) is None
        assert database.was_carried_out(change, after_rows=True) is None
        # The change alone is not there, whichever table that is.
        assert database.was_carried_out(change, after_rows=False) is False
