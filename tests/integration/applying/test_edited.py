"""Cut migrations that were edited, faked or resolved since; and what a transaction that has written waits for."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.integration.applying.tiny import Tiny

INC = "migrations.RunPython(inc, inc, atomic=True)"
BOOM = "migrations.RunPython(boom, atomic=True)"
OPEN = "SELECT count(*) FROM auto_migrate_step WHERE operations_done > 0 OR operation_started IS NOT NULL"
CHANGED = "its first one"


@pytest.fixture
def tiny(tmp_path: Path, database_url: str) -> Tiny:
    """Return a project with its first migration applied."""
    project = Tiny(tmp_path, database_url)
    project.run("auto_migrate")
    return project


@pytest.fixture
def stopped(tiny: Tiny) -> Tiny:
    """Return a project whose second migration stopped at its third operation."""
    tiny.second(f"a('one'), {INC}, {BOOM}")
    tiny.run("auto_migrate", expect=1)
    assert tiny.n == 1
    return tiny


def test_an_operation_put_before_those_that_are_done_is_refused(stopped: Tiny) -> None:
    stopped.second(f"a('two'), a('one'), {INC}")
    assert CHANGED in stopped.run("auto_migrate", expect=1)
    stopped.second(f"a('one'), {INC}, a('two')")
    stopped.run("auto_migrate")
    assert stopped.n == 1
    assert stopped.query("SELECT one, two FROM app_t") == [(None, None)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a('one')", "migrations.AddField('t', 'one', models.CharField(max_length=9, null=True))"),
        (
            "migrations.RunSQL([('UPDATE app_t SET n = n + %s', [0])])",
            "migrations.RunSQL([('UPDATE app_t SET n = n + %s', [1])])",
        ),
    ],
)
def test_an_argument_of_what_is_done_that_was_edited_is_refused(tiny: Tiny, before: str, after: str) -> None:
    tiny.second(f"{before}, {BOOM}")
    tiny.run("auto_migrate", expect=1)
    tiny.second(f"{after}, {INC}")
    assert CHANGED in tiny.run("auto_migrate", expect=1)
    tiny.second(f"{before}, {INC}")
    tiny.run("auto_migrate")
    assert tiny.n == 1


def test_a_cut_migration_that_became_atomic_is_refused(stopped: Tiny) -> None:
    stopped.second(f"a('one'), {INC}", atomic=True)
    assert CHANGED in stopped.run("auto_migrate", expect=1)
    assert stopped.n == 1


def test_a_cut_migration_that_is_gone_is_refused(stopped: Tiny) -> None:
    (stopped.package / "app" / "migrations" / "0002_pay.py").unlink()
    stopped.second(f"a('one'), {INC}", name="0002_renamed")
    assert "app.0002_pay was cut" in stopped.run("auto_migrate", expect=1)
    assert stopped.n == 1


def test_djangos_migrate_does_not_begin_a_cut_migration_anew(stopped: Tiny) -> None:
    assert "manage.py auto_migrate" in stopped.run("migrate", expect=1)
    assert stopped.n == 1


def test_a_cut_migration_that_was_faked_is_begun_at_its_beginning_the_next_time(stopped: Tiny) -> None:
    stopped.second(f"a('one'), {INC}")
    stopped.run("migrate", "--fake", "app", "0002")
    assert stopped.query(OPEN) == [(0,)]
    stopped.run("auto_migrate", "app", "0001", "--acknowledge=AM301:app.0002_pay")
    stopped.run("auto_migrate")
    assert stopped.query("SELECT one FROM app_t") == [(None,)]


def test_a_resolution_settles_one_cut(tiny: Tiny) -> None:
    tiny.write(
        "0002_pay",
        """
def pay(apps, editor):
    inc(apps, editor)
    with editor.connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

class Migration(migrations.Migration):
    atomic = False
    dependencies = [("app", "0001_initial")]
    operations = [migrations.RunPython(pay)]
""",
    )
    tiny.run("auto_migrate", expect=1)
    assert tiny.n == 1
    assert "was cut in operation 1" in tiny.run("auto_migrate", "--resolve", "app.0002_pay:1=redo", expect=1)
    assert tiny.n == 2


@pytest.mark.parametrize("around", ["{}", "migrations.SeparateDatabaseAndState([{}])"])
def test_sql_that_was_cut_goes_on_behind_what_was_committed(tiny: Tiny, around: str) -> None:
    tiny.query("CREATE SEQUENCE cuts")
    cut = "SELECT CASE nextval('cuts') WHEN 1 THEN pg_terminate_backend(pg_backend_pid()) END"
    # The second wants no transaction around it.
    texts = ["UPDATE app_t SET n = n + 1", "CLUSTER", cut, "UPDATE app_t SET n = n + 10"]
    tiny.second(around.format(f"migrations.RunSQL({texts})"))
    assert "--resolve" not in tiny.run("auto_migrate", AUTO_MIGRATE_BLOCK="never")
    assert tiny.n == 11
    assert tiny.query("SELECT last_value FROM cuts") == [(2,)]


def test_sql_that_only_waited_for_a_lock_is_tried_again(tiny: Tiny) -> None:
    tiny.second('migrations.RunSQL("ALTER TABLE app_t ADD COLUMN one integer")')
    with psycopg.connect(tiny.url) as report:
        report.execute("SELECT * FROM app_t")
        run = tiny.start("auto_migrate")
        assert run.stdout
        for line in run.stdout:
            if "a lock was not had in time" in line:
                break
    output, errors = run.communicate(timeout=60)
    assert run.returncode == 0, output + errors
    assert tiny.query("SELECT one FROM app_t") == [(None,)]


def test_code_that_raised_outside_of_a_transaction_is_asked_about_at_once(tiny: Tiny) -> None:
    tiny.second(f"{INC}, migrations.RunPython(boom)")
    output = tiny.run("auto_migrate", expect=1)
    commands = [f"manage.py auto_migrate --resolve app.0002_pay:2={verdict}" for verdict in ("done", "redo")]
    assert all(command in output for command in commands)
    assert "deploy again" not in output
    tiny.second(f"{INC}, migrations.RunPython(inc)")
    assert all(command in tiny.run("auto_migrate", expect=1) for command in commands)
    tiny.run("auto_migrate", "--resolve", "app.0002_pay:2=redo")
    assert tiny.n == 2


@pytest.mark.parametrize(
    ("how", "mended"),
    [
        (BOOM, INC),
        ('migrations.RunSQL("SELECT * FROM nowhere")', 'migrations.RunSQL("SELECT * FROM app_t")'),
        ("repeatable(migrations.RunPython(boom))", "repeatable(migrations.RunPython(inc))"),
    ],
)
def test_what_needs_no_answer_is_not_asked_about(tiny: Tiny, how: str, mended: str) -> None:
    tiny.write("0002_pay", SECOND.format(how=how))
    output = tiny.run("auto_migrate", expect=1)
    assert "deploy again" in output
    assert "--resolve" not in output
    tiny.write("0002_pay", SECOND.format(how=mended))
    tiny.run("auto_migrate")


SECOND = """
from auto_migrate import repeatable

class Migration(migrations.Migration):
    atomic = False
    dependencies = [("app", "0001_initial")]
    operations = [{how}]
"""


@pytest.mark.parametrize("block", ["contextlib.nullcontext()", "transaction.atomic()"])
def test_code_that_cannot_be_begun_anew_waits_for_a_row_and_not_for_a_table(tiny: Tiny, block: str) -> None:
    tiny.write(
        "0002_pay",
        f"""
import contextlib
from django.db import transaction

def pay(apps, editor):
    with {block}:
        inc(apps, editor)
    with {block}:
        editor.connection.cursor().execute("/* it queues */ ALTER TABLE app_t ADD COLUMN one integer")

class Migration(migrations.Migration):
    atomic = False
    dependencies = [("app", "0001_initial")]
    operations = [migrations.RunPython(pay)]
""",
    )
    with psycopg.connect(tiny.url) as shop, psycopg.connect(tiny.url) as report:
        report.execute("SELECT * FROM app_t")
        shop.execute("SELECT * FROM app_t FOR UPDATE")
        run = tiny.start("auto_migrate", AUTO_MIGRATE_LOCK_TIMEOUT_CEILING="0.1")
        assert run.stdout
        for line in run.stdout:
            # What waits is told of after a while: it was not cut.
            if "waiting" in line.lower():
                break
        shop.rollback()
        output, errors = run.communicate(timeout=60)
    assert run.returncode == 1, output + errors
    assert "a lock was not had in time" in output
    assert (tiny.n, "1=redo" in errors) == (1, True)


def test_a_transaction_that_has_written_does_not_wait_for_minutes(tiny: Tiny) -> None:
    """Somebody may be waiting for what it wrote, and so be in its way for as long as it waits."""
    tiny.second("migrations.RunPython(inc), a('one')", atomic=True)
    with psycopg.connect(tiny.url) as report:
        report.execute("SELECT * FROM app_t")
        output = tiny.run("auto_migrate", "--max-retries=2", expect=1)
    assert "found no quiet moment" in output
    assert tiny.n == 0
    tiny.run("auto_migrate")
    assert tiny.n == 1


def test_a_squash_is_not_proven_by_columns_where_data_is_missing(tiny: Tiny) -> None:
    tiny.second("a('one')", atomic=True)
    third = '    dependencies = [("app", "0002_pay")]\n    operations = [migrations.RunPython(inc)]\n'
    tiny.write("0003_inc", f"class Migration(migrations.Migration):\n{third}")
    # What a kill of Django's `migrate` leaves between the change and its record.
    tiny.query("ALTER TABLE app_t ADD COLUMN one integer")
    squash = FIRST_OF_SQUASH + f"        a('one'), {INC},\n    ]\n"
    tiny.write("0001_squashed_0003_inc", squash)
    assert "Completed the record" not in tiny.run("auto_migrate", expect=1)
    assert tiny.n == 0


FIRST_OF_SQUASH = """
class Migration(migrations.Migration):
    initial = True
    replaces = [("app", "0001_initial"), ("app", "0002_pay"), ("app", "0003_inc")]
    operations = [
        migrations.CreateModel("T", [("id", models.BigAutoField(primary_key=True)), ("n", models.IntegerField())]),
        migrations.RunSQL("INSERT INTO app_t (n) VALUES (0)"),
"""


def test_a_receiver_that_calls_migrate_does_not_wait_for_itself(tiny: Tiny) -> None:
    (tiny.package / "app" / "management").mkdir()
    (tiny.package / "app" / "management" / "__init__.py").write_text(
        "from django.core.management import call_command\n"
        "from django.db.models.signals import post_migrate\n"
        "def again(**_):\n"
        "    post_migrate.disconnect(again)\n"
        "    call_command('migrate', 'app', verbosity=0)\n"
        "post_migrate.connect(again)\n"
    )
    tiny.second("a('one')", atomic=True)
    tiny.run("auto_migrate", AUTO_MIGRATE_LOCK_WAIT="2")


@pytest.mark.parametrize("command", ["migrate", "auto_migrate"])
def test_what_a_migration_starts_does_not_wait_for_the_run_that_waits_for_it(tiny: Tiny, command: str) -> None:
    body = f"""
import subprocess, sys

def start(apps, editor):
    done = subprocess.run([sys.executable, "-m", "django", "{command}", "app"], capture_output=True, text=True)
    raise ValueError(done.stderr)
"""
    operations = '    dependencies = [("app", "0001_initial")]\n    operations = [migrations.RunPython(start)]\n'
    tiny.write("0002_pay", f"{body}\nclass Migration(migrations.Migration):\n{operations}")
    said = tiny.run("auto_migrate", expect=1, AUTO_MIGRATE_LOCK_WAIT="3600")
    assert "The deploy lock is held by the run that has started this process" in said


def test_who_is_asked_what_became_of_an_operation_is_told_what_it_had_raised(tiny: Tiny) -> None:
    tiny.second("migrations.RunPython(boom)")
    tiny.run("auto_migrate", expect=1)
    for _ in range(2):
        asked = tiny.run("auto_migrate", expect=1)
        assert "was cut in operation 1" in asked
        [told] = [line for line in asked.splitlines() if "When it failed last" in line]
        assert "boom" in told
