"""Processes measured by what they use of the processor, which a busy machine changes little, and by the clock."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

import psutil

from tests.manage import MANAGE, environment
from tools.servers import Server

# The tests of the benchmarks look at what is measured and not at how long it takes, and fork their processes.
START: Callable[..., subprocess.Popen[str]] = subprocess.Popen


@dataclasses.dataclass(frozen=True)
class Cost:
    """What one run took: seconds of the processor and by the clock, and MiB of memory at its peak."""

    cpu: float
    wall: float
    memory: float


def manage(*arguments: str, settings: str, env: Mapping[str, str], python: str = sys.executable) -> tuple[Cost, str]:
    """Run `manage.py` to its end and return what it took and wrote; raise `RuntimeError` if it failed."""
    started = time.monotonic()
    with START(
        [python, MANAGE, *arguments],
        env=environment(env, settings=settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    ) as process:
        assert process.stdout
        output = process.stdout.read()
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - started
    if process.returncode:
        raise RuntimeError(f"manage.py {' '.join(arguments)} ended with {process.returncode}:\n{output}")
    return Cost(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024), output


def used_by(server: Server) -> float:
    """Return the seconds of the processor that the server and its sessions have used; those that end count late."""
    assert server.process
    main = psutil.Process(server.process.pid)
    times = [main.cpu_times()]
    for child in main.children():
        with contextlib.suppress(psutil.NoSuchProcess):  # a session that has just ended counts as its parent's
            times.append(child.cpu_times())
    return sum(own.user + own.system for own in times) + times[0].children_user + times[0].children_system


def spread(values: Sequence[float]) -> str:
    """Return the median with the least and the most, or the one value that there is."""
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"
