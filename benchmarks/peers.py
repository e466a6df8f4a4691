"""What is only needed to compare and to draw, in a virtual environment of its own: `.venv-bench`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.packages import PACKAGES as MIGRATED
from benchmarks.report import ROOT

VENV = ROOT / ".venv-bench"
PACKAGES = (
    "django-health-check==3.24", "django-migration-linter==6.0.0", "matplotlib", "gunicorn", "psycopg[binary]",
    *(package.requirement for package in MIGRATED),
)  # fmt: skip


def python() -> Path:
    """Return the interpreter of the environment, which is made when it is first needed."""
    found = VENV / "bin" / "python"
    stamp = VENV / ".installed"
    if not stamp.exists() or stamp.read_text() != " ".join(PACKAGES):
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        install = [str(found), "-m", "pip", "install", "--quiet", "--quiet", *PACKAGES, django()]
        subprocess.run(install, check=True)
        stamp.write_text(" ".join(PACKAGES))
    return found


def django() -> str:
    """Name the version of Django that everybody is measured with."""
    import django as installed

    return f"Django=={installed.get_version()}"
