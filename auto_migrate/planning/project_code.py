"""The code of a project's apps, for the fingerprint where somebody else than Django hears of migrations.

What a receiver of `post_migrate` reads nobody can tell: views and triggers that are declared beside models, files of
SQL, fixtures. So all that lies in the project's own apps counts, and what it imports. Of installed packages only the
models do, where such declarations stand: the rest changes with nothing that a project deploys without a new version.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from django.apps import AppConfig, apps

from auto_migrate.planning.sources import INSTALLED, Imports, Unreadable, read

# What code is written in, and what it is fond of reading.
SUFFIXES = (".py", ".sql", ".json", ".yaml", ".yml", ".toml", ".csv", ".txt")
PASSED_OVER = INSTALLED | {"__pycache__", "node_modules"}


def project_code(imports: Imports) -> Iterator[str | bytes]:
    """Return the name and a hash of each file; what the project's files lead to is left in `imports`."""
    for config in sorted(apps.get_app_configs(), key=lambda config: config.label):
        if config.name.startswith("django.") or config.name == "auto_migrate":
            continue
        if not os.path.isdir(config.path):
            raise Unreadable(f"{config.path} is no folder")
        installed = not INSTALLED.isdisjoint(Path(config.path).parts)
        for name in _models(config) if installed else _files(config.path):
            content = read(os.path.join(config.path, name))
            yield f"{config.label}/{name}"
            yield hashlib.blake2b(content, digest_size=32).digest()
            if name.endswith(".py") and not installed:
                imports.follow(content, ".".join([config.name, *name.split("/")[:-1]]))


def _models(config: AppConfig) -> Iterator[str]:
    if os.path.isfile(os.path.join(config.path, "models.py")):
        yield "models.py"
    folder = os.path.join(config.path, "models")
    yield from (f"models/{name}" for name in _files(folder))


def _files(folder: str) -> Iterator[str]:
    """Return the paths of the files that count, relative to the folder and in order."""
    seen = set[str]()
    for place, inner, files in os.walk(folder, followlinks=True):
        if (real := os.path.realpath(place)) in seen:
            # A link may lead back to where it lies.
            inner.clear()
            continue
        seen.add(real)
        inner[:] = sorted(name for name in inner if name not in PASSED_OVER and not name.startswith("."))
        start = os.path.relpath(place, folder).replace(os.sep, "/")
        for name in sorted(files):
            if name.endswith(SUFFIXES):
                yield name if start == "." else f"{start}/{name}"
