"""Types a page of the documentation: its files are written, its commands run in one shell, in the order of the page.

A Python block whose first line is `# path.py` is that file, and `# path.py, at the end` is put behind what is in it.
A block of the console has commands behind `$ ` and below each what it prints, where `...` stands for any lines, or for
any text within a line.
"""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

from tests.examples import BLOCK

FILE = re.compile(r"# (?P<path>\S+\.py)(?P<end>, at the end)?\n")
DURATION = re.compile(r"\d+(\.\d+)? ?(ms|s|min)\b")
END = "end of command"


@dataclasses.dataclass(frozen=True)
class File:
    """A file as the page shows it, or what comes at its end."""

    path: str
    text: str
    at_end: bool


@dataclasses.dataclass(frozen=True)
class Command:
    """A line that is typed, and what is printed then."""

    line: str
    printed: str

    def agrees(self, output: str) -> bool:
        """Return whether an output is the one that the page shows, whatever time things took."""
        shown = re.escape(DURATION.sub("#", self.printed)).replace("\\.\\.\\.", "…")
        pattern = re.sub("^…\\\\?\n", "(?:.*\\\\n)*", shown, flags=re.MULTILINE).replace("…", ".*")
        output = output if output.endswith("\n") or not output else f"{output}\n"
        return re.fullmatch(pattern, DURATION.sub("#", output)) is not None


def steps(page: str) -> Iterator[File | Command]:
    """Return what a reader does, block by block."""
    for block in BLOCK.finditer(page):
        text = block["text"]
        if block["language"] == "console":
            commands = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
            yield from (Command(*command.split("\n", 1)) for command in commands)
        elif block["language"] == "python" and (file := FILE.match(text)):
            yield File(file["path"], text, bool(file["end"]))


class Shell:
    """One bash, from the first command to the last."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            ["bash", "--norc"],
            cwd=folder,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )

    def type(self, line: str) -> str:
        """Run a command to its end, and return all that it printed."""
        assert self.process.stdin
        assert self.process.stdout
        # The exit code stays what `$?` gives to the next command.
        self.process.stdin.write(f"{line}\n{{ code=$?; printf '\\n{END}\\n'; (exit $code); }} 2>/dev/null\n")
        self.process.stdin.flush()
        lines: list[str] = []
        for output in self.process.stdout:
            if output == f"{END}\n":
                return "".join(lines).removesuffix("\n")
            lines.append(output)
        raise AssertionError(f"The shell has ended at {line!r}: {''.join(lines)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # With what it has left in the background.
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


def follow(page: str, shell: Shell, folder: Path) -> Iterator[str]:
    """Do what a page says, and return what went another way than it shows."""
    for step in steps(page):
        if isinstance(step, File):
            path = folder / step.path
            path.write_text((path.read_text("utf-8") if step.at_end else "") + step.text, "utf-8")
        elif not step.agrees(output := shell.type(step.line)):
            yield f"$ {step.line}\n{output}\ninstead of\n{step.printed}"
