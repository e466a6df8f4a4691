"""With `--format json` standard output belongs to the listener, whatever it is; else no line of anybody is lost."""

from __future__ import annotations

import contextlib
import io
import os
import sys

import pytest
from django.core.management.base import BaseCommand, OutputWrapper

from auto_migrate.management.output import kept_apart, reporting


def test_a_console_that_is_no_file_is_kept_apart_from_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as console:
        with kept_apart(OutputWrapper(sys.stdout)) as stream:
            stream.write("line\n")
            print("noise")  # noqa: T201 # this is what is tested
        print("after")  # noqa: T201 # likewise
    assert console.getvalue() == "line\nafter\n"
    assert capsys.readouterr().err == "noise\n"


def test_a_file_is_kept_apart_from_all_that_hold_its_descriptor(capfd: pytest.CaptureFixture[str]) -> None:
    held = sys.stdout
    with kept_apart(OutputWrapper(sys.stdout)) as stream:
        stream.write("line\n")
        held.write("logged\n")
        os.write(held.fileno(), b"echoed\n")
    held.write("after\n")
    out, err = capfd.readouterr()
    assert out == "line\nafter\n"
    assert sorted(err.split()) == ["echoed", "logged"]


def test_a_stream_of_the_caller_gets_the_lines_alone(capfd: pytest.CaptureFixture[str]) -> None:
    given = io.StringIO()
    with kept_apart(OutputWrapper(given)) as stream:
        stream.write("line\n")
        print("noise")  # noqa: T201 # this is what is tested
    assert given.getvalue() == "line\n"
    assert capfd.readouterr() == ("", "noise\n")


def test_a_reader_that_went_away_does_not_fail_the_command() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", closefd=False) as pipe, contextlib.redirect_stdout(pipe):
        with kept_apart(OutputWrapper(sys.stdout)) as stream:
            os.close(reader)
            stream.write("line\n")
        assert os.fstat(writer)
    os.close(writer)


def test_a_last_line_that_was_not_ended_is_written_for_each_of_several_databases() -> None:
    stdout = io.StringIO()
    with reporting(BaseCommand(stdout=stdout, no_color=True), {"format": "text", "verbosity": 1}) as output:
        for database in ("default", "reports"):
            output.of(database).stdout.write(f"begun\nlast of {database}", ending="")
    text = stdout.getvalue()
    assert text == "[default] begun\n[reports] begun\n[reports] last of reports\n[default] last of default\n"
