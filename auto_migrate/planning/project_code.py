"""The code of a project, for the fingerprint where somebody else than Django hears of migrations.

What a receiver of `post_migrate` reads nobody can tell: views and triggers that are declared beside models, files of
SQL, fixtures, modules that are named by a text alone. So all that lies in the project's own apps counts, what it
imports, and what lies beside the apps. Of installed packages only the models do, where such declarations stand, and
the version: the rest changes with nothing else.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import stat
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from django.apps import AppConfig, apps
from django.conf import settings

from auto_migrate.planning.imports import Imports
from auto_migrate.planning.sources import INSTALLED, Unreadable, read

# What code is written in, and what it is fond of reading.
SUFFIXES = (
    ".py", ".sql", ".psql", ".pgsql", ".ddl", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".toml", ".ini", ".cfg",
    ".csv", ".tsv", ".txt", ".md", ".html", ".j2", ".jinja", ".jinja2", ".tpl", ".graphql", ".po",
    ".gz", ".bz2", ".lzma", ".xz", ".zip",
)  # fmt: skip
PASSED_OVER = INSTALLED | {"__pycache__", "node_modules"}
# What makes a folder an environment, which has another Python's modules.
ENVIRONMENTS = frozenset({"pyvenv.cfg", "conda-meta"})
# Beside the apps may lie whatever somebody left there.
MOST_BESIDE = 5_000
LARGE_BESIDE = 256 * 1024  # bytes


def distributions() -> Iterator[str | bytes]:
    """Return the names and versions of what is installed, and of what came from no registry the hashes of its files.

    A registry has one content for each version; a project that is installed as a wheel may never change its own.
    """
    for folder in sorted(place for place in set(sys.path) if not INSTALLED.isdisjoint(Path(place).parts)):
        names = os.listdir(folder) if os.path.isdir(folder) else ()
        for name in sorted(name for name in names if name.endswith((".dist-info", ".egg-info"))):
            yield name
            # PEP 610: where it was installed from, if that was a file, a folder or a repository.
            if os.path.isfile(os.path.join(folder, name, "direct_url.json")):
                yield read(os.path.join(folder, name, "RECORD"))


def project_code(imports: Imports) -> Iterator[str | bytes]:
    """Return the name and a hash of each file; what the project's files lead to and mention is left in `imports`."""
    own = dict[str, str]()
    for config in sorted(apps.get_app_configs(), key=lambda config: config.label):
        if config.name.startswith("django.") or config.name == "auto_migrate":
            continue
        if not os.path.isdir(config.path):
            raise Unreadable(f"{config.path} is no folder")
        installed = not INSTALLED.isdisjoint(Path(config.path).parts)
        if not installed:
            own[config.name] = config.path
        for name in _models(config) if installed else _files(config.path):
            content = read(os.path.join(config.path, name))
            yield f"{config.label}/{name}"
            yield hashlib.blake2b(content, digest_size=32).digest()
            if name.endswith(".py") and not installed:
                inside = name.split("/")[:-1]
                package = ".".join([config.name, *inside])
                imports.follow(content, package)
                # What migrations mention is for them.
                if "migrations" not in inside:
                    imports.mention(imports.modules.look_through(content, package))
    yield from _beside(own)


def _beside(own: Mapping[str, str]) -> Iterator[str | bytes]:
    """Return the name of each file beside the project's apps, and what is kept of it.

    `own` are the folders of those apps, which have been looked through, by the names of their modules.
    """
    known = {os.path.realpath(str(path)) for path in (*own.values(), settings.MEDIA_ROOT, settings.STATIC_ROOT) if path}
    for number, root in enumerate(_roots(own)):
        for name in itertools.islice(_files(root, known), MOST_BESIDE):
            yield f"{number}/{name}"
            yield _kept(os.path.join(root, name))


def _kept(path: str) -> str | bytes:
    """Return a hash of a file, of a large one its size and time; nothing of what is none or cannot be read."""
    try:
        seen = os.stat(path)
        if not stat.S_ISREG(seen.st_mode):
            return ""
        return (
            f"{seen.st_size} {seen.st_mtime_ns}"
            if seen.st_size > LARGE_BESIDE
            else hashlib.blake2b(read(path), digest_size=32).digest()
        )
    except (OSError, Unreadable):
        return ""


def _roots(own: Mapping[str, str]) -> list[str]:
    """Return the folders that the project's apps and its settings are imported from."""
    places = {name: Path(path) for name, path in own.items()}
    module = settings.SETTINGS_MODULE or ""
    if file := getattr(sys.modules.get(module), "__file__", None):
        places[module] = Path(file).parent if Path(file).stem == "__init__" else Path(file)
    roots = {path.parents[name.count(".")] for name, path in places.items() if name.count(".") < len(path.parents)}
    # A project that lies in no folder of its own is beside everything.
    return sorted(str(root) for root in roots if root != root.parent and INSTALLED.isdisjoint(root.parts))


def _models(config: AppConfig) -> Iterator[str]:
    if os.path.isfile(os.path.join(config.path, "models.py")):
        yield "models.py"
    folder = os.path.join(config.path, "models")
    yield from (f"models/{name}" for name in _files(folder))


def _files(folder: str, known: Collection[str] = ()) -> Iterator[str]:
    """Return the paths of the files that count, relative to the folder and in order, but for those of known folders."""
    seen = set(known)
    for place, inner, files in os.walk(folder, followlinks=True):
        # A link may lead back to where it lies.
        if (real := os.path.realpath(place)) in seen or not ENVIRONMENTS.isdisjoint((*inner, *files)):
            inner.clear()
            continue
        seen.add(real)
        inner[:] = sorted(name for name in inner if name not in PASSED_OVER and not name.startswith("."))
        start = os.path.relpath(place, folder).replace(os.sep, "/")
        for name in sorted(files):
            if name.lower().endswith(SUFFIXES):
                yield name if start == "." else f"{start}/{name}"
