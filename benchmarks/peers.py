"""What is only needed to compare and to draw, in a virtual environment of its own: `.venv-bench`."""

from __future__ import annotations

from pathlib import Path

from benchmarks.packages import PACKAGES as MIGRATED
from benchmarks.report import ROOT
from corpus import environments

VENV = ROOT / ".venv-bench"
PACKAGES = (
    "django-health-check==3.24", "django-migration-linter==6.0.0", "matplotlib", "gunicorn", "psycopg[binary]",
    *(requirement for package in MIGRATED for requirement in (package.requirement, *package.also)),
)  # fmt: skip


def python() -> Path:
    """Return the interpreter of the environment, which is made when it is first needed."""
    return environments.make(VENV, PACKAGES)
