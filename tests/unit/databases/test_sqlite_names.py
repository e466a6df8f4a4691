"""Which file a NAME stands for: as SQLite itself opens it."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from auto_migrate.databases.sqlite.adapter import file_of

NAMES = [
    "plain.db",
    "with space.db",
    "#.db",
    "a?b.db",
    "a?mode=memory.db",
    "50%20.db",
    "çãõ.db",
    "file:plain.db",
    "file:a%20b%23%3F.db?cache=private",
    "file:x.db?mode=rwc#fragment",
    "file:{folder}/absolute.db",
    "file://{folder}/authority.db",
    "file://localhost{folder}/localhost.db",
    "sub/../up.db",
    "link.db",
    "folder-link/there.db",
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "linked.db").touch()
    (tmp_path / "link.db").symlink_to("linked.db")
    (tmp_path / "folder-link").symlink_to("sub")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_a_name_stands_for_the_file_that_sqlite_opens(folder: Path, name: str) -> None:
    name = name.format(folder=folder)
    with contextlib.closing(sqlite3.connect(name, uri=True)) as connection:
        connection.execute("CREATE TABLE made (id)")
        (_number, _schema, opened) = connection.execute("PRAGMA database_list").fetchone()
    assert file_of(name) == Path(opened).resolve()


@pytest.mark.parametrize(
    "name", [":memory:", "file::memory:", "file:shared?mode=memory&cache=shared", "file:/one?vfs=memdb", "file:"]
)
def test_a_database_in_memory_has_no_file(name: str) -> None:
    assert file_of(name) is None


def test_a_circle_of_links_is_no_crash(tmp_path: Path) -> None:
    (tmp_path / "a.db").symlink_to("b.db")
    (tmp_path / "b.db").symlink_to("a.db")
    assert file_of(str(tmp_path / "a.db")) is not None
