"""The file of recorded statements: written by several, read whatever is in it."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest

from auto_migrate.exceptions import UsageError
from auto_migrate.workload.statement import RecordedStatement, Workload, together
from auto_migrate.workload.statement_file import StatementFile, read_files

TEXTS = [f"SELECT c{number} FROM t" for number in range(50)]


def record(path: Path) -> None:
    file = StatementFile(path)
    for text in TEXTS:
        file.add(RecordedStatement(text))


def test_processes_write_each_statement_once(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "statements.jsonl"
    StatementFile(path).begin()
    processes = [multiprocessing.get_context("fork").Process(target=record, args=(path,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    StatementFile(path).end(complete=True)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted(line["statement"] for line in lines[:-1]) == sorted(TEXTS)
    assert lines[-1] == {"session": {"complete": True}}
    assert read_files([path]).gaps == ()


def test_what_was_null_at_any_time_is_known_in_the_end(tmp_path: Path) -> None:
    file = StatementFile(tmp_path / "statements.jsonl")
    file.begin()
    for nulls in (frozenset[int](), frozenset({2}), frozenset({1})):
        file.add(RecordedStatement("UPDATE t SET a = $1, b = $2", nulls=nulls))
    file.end(complete=True)
    [statement] = read_files([file.path]).statements
    assert statement.nulls == frozenset({1, 2})


def test_a_session_ends_well_whatever_became_of_its_file(tmp_path: Path) -> None:
    file = StatementFile(tmp_path / "statements.jsonl")
    file.begin()
    file.add(RecordedStatement("SELECT 1 FROM t"))
    file.end(complete=False)
    with file.path.open("a") as other:
        other.write("no JSON\n[1]\n")
    file.end(complete=True)
    assert len(file.path.read_text().splitlines()) == 3
    assert read_files([file.path]).gaps == ("statements.jsonl is not of a whole run of the tests that passed",)
    file.path.unlink()
    file.end(complete=True)
    assert file.path.read_text() == '{"session": {"complete": true}}\n'


def test_what_somebody_wrote_by_hand_loses_its_values(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text('{"statement": "SELECT a FROM t WHERE b = \'hunter2\'"}\n{"statement": "VACUUM t"}\nno JSON\n')
    found = read_files([path])
    assert [statement.text for statement in found.statements] == ["SELECT a FROM t WHERE b = $1"]
    assert found.gaps == (
        "own.jsonl is not of a whole run of the tests that passed",
        "own.jsonl has lines that cannot be read: 1",
    )


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"[]\n{}\n7\nnull\n", b'{"statement": "VACUUM"}\n'])
def test_a_file_without_statements_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"odd.jsonl holds no recorded statements") as error:
        read_files([path])
    assert "AUTO_MIGRATE_RECORD=" in str(error.value.hint)


def test_a_file_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        StatementFile(tmp_path / "taken" / "statements.jsonl").begin()
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_files([tmp_path])


def test_lists_are_joined_by_their_texts() -> None:
    one = Workload((RecordedStatement("SELECT 1", 3, ("web",)),), "one", ("a gap",))
    other = Workload((RecordedStatement("SELECT 1", 4, ("job",)), RecordedStatement("SELECT 2")), "other")
    joined = together([one, other])
    assert (joined.source, joined.gaps) == ("one, other", ("a gap",))
    assert joined.statements == (RecordedStatement("SELECT 1", 7, ("web", "job")), RecordedStatement("SELECT 2"))
