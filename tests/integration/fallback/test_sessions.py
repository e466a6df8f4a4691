"""What an operation sets in its session for those after it, or begins there, is theirs; and no note goes astray."""

from __future__ import annotations

from tests.integration.fallback.project import ID, Project

OTHER = "pg_read_all_stats"
MADE = "SELECT tablename FROM pg_tables WHERE schemaname = 'apart' ORDER BY 1"
NOBODY_WAITS = "SELECT count(*) FROM auto_migrate_step WHERE operation_started IS NOT NULL OR operations_done > 0"


def sql(*texts: str) -> list[str]:
    return [f"migrations.RunSQL({text!r})" for text in texts]


SETTINGS = [
    *sql("SET search_path = apart", "CREATE TABLE one (number int)"),
    f'migrations.CreateModel("Two", [{ID}])',
    "migrations.RunPython(look, atomic=True)",
    *sql("RESET search_path"),
    *sql(f"SET ROLE {OTHER}", "CREATE TABLE apart.three (number int)"),
    "migrations.RunPython(look)",
    *sql("RESET ROLE"),
    *sql(f"SET SESSION AUTHORIZATION {OTHER}", "CREATE TABLE apart.four (number int)", "RESET SESSION AUTHORIZATION"),
    *sql("SET default_transaction_read_only = on", "SELECT 1"),
    "migrations.RunPython(look, atomic=True)",
    *sql("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE"),
    *sql("SET client_encoding = 'SQL_ASCII'", "SELECT 1", "RESET client_encoding"),
    *sql("SET standard_conforming_strings = off", "SELECT 1", "RESET standard_conforming_strings"),
    *sql("SET row_security = off", "SELECT 1", "RESET row_security"),
    *sql("SET DateStyle = 'German'", "SELECT 1", "SET DateStyle = 'ISO'"),
    *sql("SET TRANSACTION READ ONLY", "SET lock_timeout = '7s'"),
    *sql("CREATE TABLE apart.told AS SELECT current_setting('lock_timeout') AS limit", "SET lock_timeout = 0"),
    *sql("SET search_path = apart, public"),
]
LOOK = "def look(apps, editor):\n    with editor.connection.cursor() as cursor:\n        cursor.execute('SELECT 1')\n"


def of_shop(project: Project, operations: list[str], *, head: str = "atomic = False") -> None:
    """Write the app, with a schema to work in and a migration that is to be carried out in it."""
    project.app("shop")
    before = f"CREATE SCHEMA apart; GRANT ALL ON SCHEMA apart TO {OTHER}; CREATE TABLE go (number int)"
    project.migration("shop", "0001_initial", ", ".join(sql(f"{before}; CREATE SEQUENCE tries")))
    project.migration("shop", "0002_work", ", ".join(operations), after="0001_initial", before=LOOK, head=head)


def test_what_is_set_for_later_operations_is_theirs_alone(on_postgresql: Project) -> None:
    of_shop(on_postgresql, SETTINGS)
    on_postgresql.migration("shop", "0003_next", ", ".join(sql("CREATE TABLE five (number int)")), after="0002_work")
    done = on_postgresql.run("auto_migrate")
    assert done.code == 0, done.text
    made = [name for (name,) in on_postgresql.query(MADE)]
    # The path that a migration leaves is that of the next, as with Django's executor.
    assert made == ["five", "four", "one", "shop_two", "three", "told"]
    assert on_postgresql.query("SELECT * FROM apart.told") == [("7s",)]
    assert on_postgresql.recorded == ["shop.0001_initial", "shop.0002_work", "shop.0003_next"]
    assert on_postgresql.query("SELECT DISTINCT status FROM auto_migrate_step") == [("applied",)]
    assert on_postgresql.query(NOBODY_WAITS) == [(0,)]
    assert "could not be written" not in done.text
    assert on_postgresql.run("auto_migrate", "--check").code == 0


def test_whoever_goes_on_in_another_session_sets_it_again(on_postgresql: Project) -> None:
    operations = ["SET search_path = apart", "SELECT 1 / count(*) FROM public.go", "CREATE TABLE one (number int)"]
    of_shop(on_postgresql, sql(*operations))
    assert on_postgresql.run("auto_migrate").code == 1
    on_postgresql.query("INSERT INTO go VALUES (1)")
    done = on_postgresql.run("auto_migrate")
    # Nowhere but in its path is the record, which is written where it was before.
    assert done.code == 0, done.text
    assert on_postgresql.query(MADE) == [("one",)]
    assert on_postgresql.recorded == ["shop.0001_initial", "shop.0002_work"]


IN_ONE = sql(
    "BEGIN",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "CREATE TABLE apart.one (number int)",
    "SAVEPOINT a",
    "CREATE TABLE apart.two (number int)",
    "ROLLBACK TO SAVEPOINT a",
    "{obstacle}",
    "COMMIT",
    "BEGIN; -- not for long",
    "CREATE TABLE apart.three (number int)",
    "ROLLBACK",
    "CREATE TABLE apart.four (number int)",
)


def in_one(obstacle: str) -> list[str]:
    return [operation.replace("{obstacle}", obstacle) for operation in IN_ONE]


def test_a_transaction_of_several_operations_is_kept_or_lost_as_one(on_postgresql: Project) -> None:
    of_shop(on_postgresql, in_one("SELECT 1 / count(*) FROM go"))
    failed = on_postgresql.run("auto_migrate")
    assert failed.code == 1, failed.text
    assert "Operation 1 has begun a transaction: what was done in it was rolled back" in failed.text
    assert "--resolve" not in failed.text
    assert on_postgresql.query(MADE) == []
    on_postgresql.query("INSERT INTO go VALUES (1)")
    done = on_postgresql.run("auto_migrate")
    assert done.code == 0, done.text
    assert on_postgresql.query(MADE) == [("four",), ("one",)]
    assert on_postgresql.query(NOBODY_WAITS) == [(0,)]


def test_a_cut_within_it_is_gone_on_with_unasked(on_postgresql: Project) -> None:
    end = "SELECT CASE WHEN nextval(''tries'') = 1 THEN pg_terminate_backend(pg_backend_pid()) END"
    of_shop(on_postgresql, in_one(end.replace("''", "\\'")))
    done = on_postgresql.run("auto_migrate")
    assert done.code == 0, done.text
    assert on_postgresql.query(MADE) == [("four",), ("one",)]
    assert on_postgresql.query("SELECT last_value FROM tries") == [(2,)]


def test_one_that_is_left_open_is_told(on_postgresql: Project) -> None:
    of_shop(on_postgresql, sql("BEGIN", "CREATE TABLE apart.one (number int)"))
    failed = on_postgresql.run("auto_migrate")
    assert failed.code == 1, failed.text
    assert "left a transaction open, which was rolled back" in failed.text
    assert on_postgresql.recorded == ["shop.0001_initial"]
    assert on_postgresql.query(MADE) == []
