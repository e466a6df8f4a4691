"""Starts the deploy scripts as a platform does: as executables, from a folder that is not theirs."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.manage import ROOT, environment


@contextlib.contextmanager
def started(
    script: str, *options: str, database_url: str, cwd: Path, language: str = "pt-br"
) -> Iterator[subprocess.Popen[str]]:
    """Start a script; kill it if the block is left before its end."""
    with subprocess.Popen(
        [str(ROOT / script), *options],
        cwd=cwd,
        env=environment({"DATABASE_URL": database_url, "LANGUAGE_CODE": language}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def run(
    script: str, *options: str, database_url: str, cwd: Path, language: str = "pt-br"
) -> subprocess.CompletedProcess[str]:
    """Run a script to its end."""
    with started(script, *options, database_url=database_url, cwd=cwd, language=language) as process:
        stdout, stderr = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """Read standard output up to and with the line that contains `text`; give all that was read."""
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return "".join(lines)
    raise AssertionError(f"{text!r} never came: {''.join(lines)}{process.stderr.read() if process.stderr else ''}")
