"""A migration that was cut on a database where no schema change can be rolled back."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from auto_migrate.databases.mysql.adapter import MySQL
from tests.integration.applying.tiny import Tiny
from tests.manage import run_manage
from tests.servers import MariaDB
from tools.servers import wait_until

SETTINGS = "tests.projects.counter.settings"


@pytest.fixture
def create_table(mariadb: MariaDB) -> Iterator[str]:
    """Return the number of the statement that makes the project's table, as an undisturbed run counts it."""
    name = "counted_run"
    mariadb.create_database(name)
    done = run_manage(
        "auto_migrate", database_url=mariadb.url(name), settings=SETTINGS, env={"COUNT_TO": "/dev/stdout"}
    )
    found = re.search(r"#(\d+) CREATE TABLE `tally_", done.stdout)
    assert found, done.stdout + done.stderr
    yield found[1]
    mariadb.drop_database(name)


def cut(url: str, place: str) -> None:
    killed = run_manage("auto_migrate", database_url=url, settings=SETTINGS, env={"KILL_AT": place})
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr


def test_an_operation_that_changed_nothing_is_carried_out_again(mariadb_url: str, create_table: str) -> None:
    cut(mariadb_url, f"{create_table}:before")
    again = run_manage("auto_migrate", database_url=mariadb_url, settings=SETTINGS)
    assert again.returncode == 0, again.stdout + again.stderr


@pytest.mark.parametrize("verdict", ["", "done", "redo"])
def test_a_statement_that_is_seen_in_the_schema_is_known_to_be_done_whatever_is_said_of_it(
    mariadb_url: str, create_table: str, verdict: str
) -> None:
    cut(mariadb_url, f"{create_table}:after")
    resolution = ["--resolve", f"tally.0001_initial:1={verdict}"] if verdict else []
    again = run_manage("auto_migrate", *resolution, database_url=mariadb_url, settings=SETTINGS)
    assert again.returncode == 0, again.stdout + again.stderr


def test_what_the_operator_has_called_done_is_not_carried_out_though_nothing_is_seen_of_it(
    mariadb: MariaDB, mariadb_url: str, create_table: str
) -> None:
    cut(mariadb_url, f"{create_table}:before")
    told = run_manage(
        "auto_migrate", "--resolve", "tally.0001_initial:1=done", database_url=mariadb_url, settings=SETTINGS
    )
    # The next one misses it: the operator was wrong.
    assert "tally.0001_initial failed at operation 2 of 2" in told.stderr, told.stdout + told.stderr
    assert mariadb.execute("SHOW TABLES LIKE 'tally_%'", database=mariadb_url.rpartition("/")[2]) == []


def test_a_table_that_was_put_in_the_place_of_the_one_that_was_cut_is_asked_about(
    mariadb: MariaDB, mariadb_url: str, create_table: str
) -> None:
    cut(mariadb_url, f"{create_table}:after")
    name = mariadb_url.rpartition("/")[2]
    swap = "CREATE TABLE other (id bigint PRIMARY KEY); RENAME TABLE tally_total TO old, other TO tally_total"
    mariadb.execute(swap, database=name)
    asked = run_manage("auto_migrate", database_url=mariadb_url, settings=SETTINGS)
    assert asked.returncode == 1, asked.stdout + asked.stderr
    assert "tally_total is not as it was left" in asked.stderr
    assert "--resolve tally.0001_initial:1=redo" in asked.stderr
    mariadb.execute("DROP TABLE tally_total", database=name)
    again = run_manage("auto_migrate", database_url=mariadb_url, settings=SETTINGS)
    assert again.returncode == 0, again.stdout + again.stderr


@pytest.fixture
def tiny(tmp_path: Path, mariadb_url: str) -> Tiny:
    project = Tiny(tmp_path, mariadb_url)
    project.run("auto_migrate")
    return project


# Of a statement that calls a function MySQL tells the one that the function is at.
WAITING = """
    SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'UPDATE app_t%' OR state = 'User sleep'
"""
# The number 1, once somebody has let go of the gate. `one` is a word of MySQL's own.
ONE = """
    CREATE FUNCTION gated() RETURNS int
    BEGIN WHILE IS_USED_LOCK('gate') IS NOT NULL DO DO SLEEP(0.01); END WHILE; RETURN 1; END
"""


def test_rows_that_no_transaction_takes_back_are_not_written_twice(
    tiny: Tiny, mariadb: MariaDB, maria: MySQL, mariadb_url: str
) -> None:
    name = mariadb_url.rpartition("/")[2]
    mariadb.execute("ALTER TABLE app_t ENGINE = MyISAM", database=name)
    tiny.second('migrations.RunSQL("UPDATE app_t SET n = n + gated()", migrations.RunSQL.noop)')
    with maria.connection.cursor() as gate:
        gate.execute(ONE)
        gate.execute("DO GET_LOCK('gate', 0)")
        killed = tiny.start("auto_migrate")
        wait_until(lambda: mariadb.execute(WAITING) == [["1"]], timeout=60, message=lambda: "It was not sent.")
        killed.kill()
        killed.communicate()
        gate.execute("DO RELEASE_LOCK('gate')")
    asked = tiny.run("auto_migrate", expect=1)
    assert "--resolve app.0002_pay:1=done" in asked
    assert mariadb.execute("SELECT n FROM app_t", database=name) == [["1"]]


AS_DJANGO_DOES = """
    migrations.RunSQL("LOCK TABLES app_t WRITE; UPDATE app_t SET n = n + 1; UNLOCK TABLES"),
    migrations.RunSQL("START TRANSACTION; UPDATE app_t SET n = n + 10; ROLLBACK"),
    migrations.RunSQL("XA START 'x'; UPDATE app_t SET n = n + 100; XA END 'x'; XA PREPARE 'x'; XA COMMIT 'x'"),
    migrations.RunSQL(["SET @m = 1000", "CREATE TEMPORARY TABLE m SELECT @m AS m", "UPDATE app_t, m SET n = n + m"]),
    migrations.RunSQL("DROP TEMPORARY TABLE m"),
"""


def test_statements_that_lean_on_their_session_are_carried_out_as_django_does(
    tiny: Tiny, mariadb: MariaDB, mariadb_url: str
) -> None:
    tiny.second(AS_DJANGO_DOES)
    tiny.run("auto_migrate")
    assert mariadb.execute("SELECT n FROM app_t", database=mariadb_url.rpartition("/")[2]) == [["1101"]]


# Each drops what the database has and makes it again.
ASKED_FOR = """
    migrations.CreateModel("Part", [
        ("id", models.BigAutoField(primary_key=True)), ("n", models.IntegerField()),
        ("t", models.ForeignKey("app.t", models.CASCADE)),
    ], options={"unique_together": {("t", "n")}}),
    migrations.AlterField("part", "t", models.OneToOneField("app.t", models.CASCADE)),
    migrations.RenameField("part", "t", "total"),
    migrations.AlterUniqueTogether("part", {("n", "id")}),
"""


def test_what_was_dropped_before_the_cut_is_made_again_after_it(tiny: Tiny, mariadb: MariaDB) -> None:
    settings = tiny.package / "settings.py"
    settings.write_text(settings.read_text() + 'INSTALLED_APPS += ["tests.projects.counting"]\n')
    tiny.second(ASKED_FOR)
    made = {}

    def run(name: str, *arguments: str, expect: int = 0, **env: str) -> str:
        return tiny.run("auto_migrate", *arguments, expect=expect, DATABASE_URL=mariadb.url(name), **env)

    def begin(name: str) -> None:
        mariadb.create_database(name)
        run(name, "app", "0001")

    def end(name: str) -> None:
        made[name] = mariadb.execute("SHOW CREATE TABLE app_part", database=name)
        mariadb.drop_database(name)

    begin("undisturbed")
    statements = run("undisturbed", COUNT_TO="/dev/stdout")
    end("undisturbed")
    for change in ("DROP FOREIGN KEY", "DROP INDEX"):
        number = re.findall(rf"#(\d+) ALTER TABLE `app_part` {change}", statements)[-1]
        begin("cut")
        run("cut", expect=-signal.SIGKILL, KILL_AT=f"{number}:after")
        run("cut")
        end("cut")
        assert made["cut"] == made["undisturbed"], change
