"""Virtual environments made when they are first needed; uv links their files to its cache, so that many cost little."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

INSTALL_TIMEOUT = 900.0
# What every package is migrated with: the driver, and the reader of SQL that hazards are found by.
SHARED = ("psycopg[binary]>=3.2", "pglast>=8")


class NotInstalled(Exception):
    """The packages cannot be had on this machine; the text is the installer's reason, on one line."""


def make(folder: Path, requirements: Sequence[str], base: Path = Path(sys.executable)) -> Path:
    """Return the interpreter of an environment with these packages, made from `base`; raise `NotInstalled`.

    It has the Django at hand, unless one of them is another, for an application that asks for it.
    """
    python = folder / "bin" / "python"
    stamp = folder / ".installed"
    own = any(requirement.startswith("Django==") for requirement in requirements)
    wanted = [*requirements, *([] if own else [django()])]
    made_of = "\n".join([*wanted, *([] if base == Path(sys.executable) else [str(base)])])
    if stamp.exists() and stamp.read_text() == made_of:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    uv("venv", "--python", str(base), str(folder))
    uv("pip", "install", "--python", str(python), *wanted)
    stamp.write_text(made_of)
    return python


def uv(*arguments: str) -> None:
    """Run uv to its end; raise `NotInstalled`."""
    command = [sys.executable, "-m", "uv", "--quiet", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"not installed within {INSTALL_TIMEOUT:.0f} s") from None
    if done.returncode:
        raise NotInstalled(" ".join(done.stderr.split()))


def django() -> str:
    """Name the version of Django that everybody is measured with."""
    import django as installed

    return f"Django=={installed.get_version()}"
