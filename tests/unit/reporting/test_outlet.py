"""A report that nobody takes any more is not written, and disturbs nobody."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys

import pytest
from django.core.management.base import OutputWrapper

from auto_migrate.events import RunStarted, WaitStarted
from auto_migrate.reporting.console import Console
from auto_migrate.reporting.jsonlines import JsonLines
from tests.unit.samples import CONTEXT


class Full(io.StringIO):
    """A file on a disk that was full when it was first written to."""

    tries = 0

    def write(self, text: str, /) -> int:
        self.tries += 1
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("make", [lambda file: Console(OutputWrapper(file)), JsonLines])
def test_a_stream_that_refused_is_left_alone(make: type[JsonLines]) -> None:
    file = Full()
    report = make(file)
    for event in (RunStarted(5), WaitStarted(5), WaitStarted(5)):
        report(event, CONTEXT)
    assert file.tries == 1


@pytest.mark.parametrize("make", [lambda file: Console(OutputWrapper(file)), JsonLines])
def test_a_stream_that_a_migration_has_closed_is_left_alone(make: type[JsonLines]) -> None:
    file = io.StringIO()
    report = make(file)
    report(RunStarted(5), CONTEXT)
    file.close()
    report(WaitStarted(5), CONTEXT)


@pytest.mark.parametrize("make", [Console, JsonLines])
def test_a_process_without_a_standard_output_reports_to_nobody(make: type[JsonLines]) -> None:
    with contextlib.redirect_stdout(None):
        make(OutputWrapper(sys.stdout))(WaitStarted(5), CONTEXT)


def test_what_is_left_of_a_refused_line_can_be_flushed_at_the_end() -> None:
    with open("/dev/full", "w", encoding="utf-8") as file, contextlib.redirect_stdout(file):
        Console(OutputWrapper(sys.stdout))(WaitStarted(5), CONTEXT)
        file.flush()


def test_a_file_of_the_caller_is_never_pointed_elsewhere() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as file:
        before = os.fstat(writer)
        Console(OutputWrapper(file))(WaitStarted(5), CONTEXT)
        assert os.path.samestat(os.fstat(writer), before)
        with contextlib.suppress(OSError):
            file.close()
