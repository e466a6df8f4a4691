"""SQLite as deploys find it: who may write, whose turn it is, and what is told when something is in the way."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db.transaction import atomic
from django.db.utils import load_backend
from pytest_django import DjangoDbBlocker

from auto_migrate.clock import Clock
from auto_migrate.databases.base import NoLock
from auto_migrate.databases.sqlite.adapter import SQLite
from auto_migrate.databases.sqlite.deploy_lock import LOCK_SUFFIX
from auto_migrate.exceptions import DatabaseRefused, TransientError
from tests.integration.databases.aliases import alias
from tests.manage import run_manage, start_manage

SETTINGS = "tests.projects.visits.settings"


@pytest.fixture(autouse=True)
def _database_allowed(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


@contextlib.contextmanager
def adapter(name: str | Path, options: dict[str, Any] | None = None) -> Iterator[SQLite]:
    """Return the adapter of a database that nobody waits for."""
    settings: dict[str, Any] = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": name,
        "OPTIONS": {"timeout": 0, **(options or {})},
    }
    with alias("file", **settings) as name_of_alias:
        yield SQLite(name_of_alias)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a database with a table of migrations, journal and all."""
    path = tmp_path / "db.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE django_migrations (id INTEGER)")
    return path


@pytest.fixture
def folder_of_others() -> Iterator[Path]:
    """Return a folder that this process may enter but not write to, with a database that it may write to."""
    folder = Path(tempfile.mkdtemp(prefix="sqlite-"))
    with contextlib.closing(sqlite3.connect(folder / "db.sqlite3")) as connection:
        connection.execute("CREATE TABLE django_migrations (id INTEGER)")
    (folder / "db.sqlite3").chmod(0o666)
    folder.chmod(0o555)
    nobody = pwd.getpwnam("nobody").pw_uid
    root = os.geteuid() == 0
    load_backend("django.db.backends.sqlite3")  # whom the others' folder is closed to may not read the interpreter's
    if root:
        os.setresuid(nobody, nobody, 0)
    try:
        yield folder
    finally:
        if root:
            os.setresuid(0, 0, 0)
        folder.chmod(0o755)
        shutil.rmtree(folder)


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_looking_whether_it_is_writable_changes_nothing(file: Path, journal: str) -> None:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
        connection.execute("PRAGMA user_version = 7")
    with adapter(file) as database:
        database.prepare()
        with database.connection.cursor() as cursor:
            cursor.execute("PRAGMA user_version")
            assert cursor.fetchone() == (7,)
        assert not database.connection.connection.in_transaction


def test_a_new_file_is_writable(tmp_path: Path) -> None:
    with adapter(tmp_path / "new.db") as database:
        database.prepare()


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_database_opened_for_reading_is_refused_before_anything_is_done(file: Path, journal: str) -> None:
    """`BEGIN IMMEDIATE` succeeds on it, so taking the write lock is not enough of a question."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
    with adapter(f"file:{file}?mode=ro") as database, pytest.raises(DatabaseRefused, match="lacks a permission"):
        database.prepare()


def test_a_folder_that_cannot_be_written_to_is_refused(folder_of_others: Path) -> None:
    with (
        adapter(folder_of_others / "db.sqlite3") as database,
        pytest.raises(DatabaseRefused, match="lacks a permission") as refused,
    ):
        database.prepare()
    assert str(folder_of_others) in refused.value.hint


def test_a_database_that_cannot_be_made_there_is_a_lack_of_permission(folder_of_others: Path) -> None:
    with (
        adapter(folder_of_others / "new.db") as database,
        pytest.raises(DatabaseRefused, match="lacks a permission"),
    ):
        database.prepare()


def test_a_lock_file_that_cannot_be_made_is_refused_and_named(folder_of_others: Path) -> None:
    with (
        adapter(folder_of_others / "db.sqlite3") as database,
        pytest.raises(DatabaseRefused, match="lacks a permission") as refused,
    ):
        database.deploy_lock("one").try_acquire()
    assert LOCK_SUFFIX in refused.value.hint


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with (
        adapter(tmp_path / "missing" / "db.sqlite3") as database,
        pytest.raises(DatabaseRefused, match="does not exist") as refused,
    ):
        database.prepare()
    assert "Make the folder" in refused.value.hint


@pytest.mark.parametrize("name", ["text.db", "folder.db", "file://elsewhere/db", "file:x?mode=zz", "file:x?vfs=none"])
def test_a_name_that_makes_no_sense_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.db").write_text("This is a letter to my aunt, and no database at all. " * 20)
    (tmp_path / "folder.db").mkdir()
    with adapter(name) as database, pytest.raises(DatabaseRefused, match="make no sense"):
        database.prepare()


def test_an_option_that_the_driver_does_not_know_is_told(file: Path) -> None:
    with adapter(file, {"colour": "blue"}) as database, pytest.raises(DatabaseRefused, match="make no sense"):
        database.prepare()


def test_another_writer_is_no_reason_to_doubt_the_database(file: Path) -> None:
    """It may be the runner whose turn it is: who gave up here would not wait for the deploy lock."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as writer, adapter(file) as database:
        writer.execute("BEGIN IMMEDIATE")
        database.prepare()


def test_another_writer_is_in_the_way_of_a_migration_and_that_passes(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as writer, adapter(file) as database:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(TransientError) as passing, database.translate_errors(), atomic(using=database.alias):
            database.begin_migration(Clock())
        assert passing.value.contention
        writer.execute("ROLLBACK")
        with atomic(using=database.alias):
            database.begin_migration(Clock())


def test_who_begins_a_migration_keeps_all_others_out(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file, timeout=0)) as other, adapter(file) as database:
        with atomic(using=database.alias):
            database.begin_migration(Clock())
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("INSERT INTO django_migrations VALUES (1)")
        other.execute("INSERT INTO django_migrations VALUES (1)")


def test_all_ways_to_one_file_lead_to_one_lock(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    (file.parent / "link.db").symlink_to(file.name)
    with adapter(file) as database:
        first = database.deploy_lock("first")
        assert first.try_acquire()
    for way in ("db.sqlite3", "./db.sqlite3", "link.db", f"file:{file}?cache=private", "file:db%2Esqlite3"):
        with adapter(way) as database:
            database.prepare()
            other = database.deploy_lock("other")
            assert not other.try_acquire(), way
            holder = other.holder()
            assert holder is not None
            assert holder.description == "first"
    first.release()


def test_a_lock_that_was_given_back_is_free(file: Path) -> None:
    with adapter(file) as database:
        lock, other = database.deploy_lock("one"), database.deploy_lock("two")
        assert lock.holder() is None
        assert lock.try_acquire()
        lock.release()
        lock.release()
        assert other.holder() is None
        assert other.try_acquire()
        other.release()


def test_a_lock_file_that_was_removed_is_noticed_by_its_holder_and_useless_to_the_next(file: Path) -> None:
    lock_file = file.with_name(file.name + LOCK_SUFFIX)
    with adapter(file) as database:
        first, second, third = (database.deploy_lock(name) for name in ("first", "second", "third"))
        assert first.try_acquire()
        first.verify()
        lock_file.unlink()
        with pytest.raises(TransientError, match="deploy lock was lost") as lost:
            first.verify()
        assert str(lock_file) in lost.value.detail
        assert second.try_acquire()
        second.verify()
        assert not third.try_acquire()
        first.release()
        second.release()


def test_a_lock_on_a_file_that_is_removed_meanwhile_is_not_had(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between opening a file and locking it, another runner may hold it, somebody delete it, and that runner end."""
    lock_file = file.with_name(file.name + LOCK_SUFFIX)
    with adapter(file) as database:
        lock = database.deploy_lock("late")
        opening = lock._open  # type: ignore[attr-defined] # the instant after it is what matters

        def open_and_lose() -> Any:
            opened = opening()
            lock_file.unlink()
            return opened

        with monkeypatch.context() as patch:
            patch.setattr(lock, "_open", open_and_lose)
            assert not lock.try_acquire()
        assert lock.try_acquire()
        lock.release()


def test_the_lock_file_is_for_whoever_may_write_to_the_database(file: Path) -> None:
    file.chmod(0o660)
    if os.geteuid() == 0:
        os.chown(file, 65534, 65534)
    with adapter(file) as database:
        lock = database.deploy_lock("root")
        assert lock.try_acquire()
        lock.release()
    made, like = (path.stat() for path in (file.with_name(file.name + LOCK_SUFFIX), file))
    assert (made.st_mode, made.st_uid, made.st_gid) == (like.st_mode, like.st_uid, like.st_gid)


@pytest.mark.parametrize("name", [":memory:", "file::memory:", "file:shared?mode=memory&cache=shared"])
def test_nobody_else_can_reach_a_database_in_memory(name: str) -> None:
    with adapter(name) as database:
        database.prepare()
        assert type(database.deploy_lock("one")) is NoLock


@pytest.mark.parametrize("name", ["with space.db", "a#b.db", "a?b.db", "50%20.db"])
def test_a_file_of_any_name_is_migrated(tmp_path: Path, name: str) -> None:
    url = f"sqlite:///{tmp_path}/{name.replace('%', '%25').replace('?', '%3F').replace('#', '%23')}"
    done = run_manage("auto_migrate", database_url=url, settings=SETTINGS)
    assert done.returncode == 0, done.stderr
    assert {name, f"{name}{LOCK_SUFFIX}"} <= {path.name for path in tmp_path.iterdir()}


def count(file: Path) -> list[tuple[int]]:
    """Read how often the data migration was carried out."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT count FROM visits_counter").fetchall()


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_two_runners_at_once_count_once(file: Path, journal: str) -> None:
    file.unlink()
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
    runners = [start_manage("auto_migrate", database_url=f"sqlite:///{file}", settings=SETTINGS) for _ in range(2)]
    printed = [runner.communicate(timeout=120) for runner in runners]
    assert [runner.returncode for runner in runners] == [0, 0], printed
    assert count(file) == [(1,)]


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


def test_a_killed_holder_frees_the_lock_at_once(file: Path) -> None:
    file.unlink()
    url = f"sqlite:///{file}"
    with start_manage("auto_migrate", database_url=url, settings=SETTINGS, env={"HOLD": ENDLESS}) as holder:
        assert holder.stdout
        # Until it is at the statement that does not end: what is printed comes before it.
        printed = ""
        while "0002_count... OK" not in printed and (line := holder.stdout.readline()):
            printed += line
        refused = run_manage("auto_migrate", "--lock-wait=0", database_url=url, settings=SETTINGS)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert refused.returncode == 5, refused.stderr
    assert f":{holder.pid} " in refused.stderr
    following = run_manage("auto_migrate", "--lock-wait=0", database_url=url, settings=SETTINGS)
    assert following.returncode == 0, following.stderr
    assert count(file) == [(1,)]


def test_who_waits_for_a_writer_says_so_at_once_and_gives_up_in_time(tmp_path: Path) -> None:
    """Whatever OPTIONS["timeout"] says, a wait for another runner is as long as it was asked to be."""
    path = tmp_path / "db.sqlite3"
    options: dict[str, Any] = {"database_url": f"sqlite:///{path}", "settings": "tests.projects.visits.patient"}
    assert run_manage("auto_migrate", **options).returncode == 0
    with adapter(path) as holder, contextlib.closing(sqlite3.connect(path)) as writer:
        lock = holder.deploy_lock("another runner")
        assert lock.try_acquire()
        writer.execute("BEGIN IMMEDIATE")
        done = run_manage("auto_migrate", "visits", "0001", "--lock-wait=0", env={"LANGUAGE_CODE": "pt-br"}, **options)
        lock.release()
    assert done.returncode == 5, done.stdout + done.stderr
    assert "Aguardando a trava de deploy (0s)" in done.stdout
    assert "Não foi possível gravar o histórico da execução" in done.stderr
    assert "could not be written" not in done.stderr


def test_a_bad_path_is_told_as_a_file(tmp_path: Path) -> None:
    with adapter(tmp_path / "nowhere" / "db.sqlite3") as missing, pytest.raises(DatabaseRefused) as refused:
        missing.prepare()
    assert f"(file {tmp_path}/nowhere/db.sqlite3)" in refused.value.message
