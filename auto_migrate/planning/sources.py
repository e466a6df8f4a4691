"""The files that migrations are made of, read without importing them.

They are found where Django's loader would find them, and what they import by `imports`, since a migration may take a
function that was removed meanwhile from anywhere in the project. Only those are imported whose place in the graph is
not written out in their file: they may take it from a setting, from the environment, from anywhere.
"""

from __future__ import annotations

import dataclasses
import inspect
import os
import re
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.machinery import PathFinder, all_suffixes
from importlib.util import find_spec
from pathlib import Path

from django.apps import AppConfig
from django.conf import settings
from django.db import migrations

from auto_migrate.values import ValueObject

SUFFIXES = tuple(all_suffixes())
INSTALLED = frozenset({"site-packages", "dist-packages"})

COMMENT = re.compile(rb"#[^\n]*")

SETTING = re.compile(rb"\bsettings(?:\.|\s*,\s*['\"])([A-Z][A-Z0-9_]*)")
# Asked of `os`, or of what packages make of it: `env("X")`, `env.list("X")`, `config("X")`.
VARIABLE = re.compile(rb"\b(?:environ(?:\.\w+\(|\[)|getenv\(|env(?:\.\w+)?\(|config\()\s*['\"](\w+)['\"]")

# What the graph takes from a migration, and how most of them write it: naming others, or a swappable model's setting.
PLACES = (b"dependencies", b"replaces", b"run_before")
HEAD = b"\nclass Migration(migrations.Migration):"
DJANGOS = re.compile(rb"^from django\.db import (?:[\w ]+, ?)*migrations(?:, ?[\w ]+)*\r?$", re.MULTILINE)
SETTINGS = re.compile(rb"^from django\.conf import settings\r?$", re.MULTILINE)
SWAPPABLE = re.compile(rb"\bswappable_dependency\(\s*settings\.([A-Z_]+)\s*\)")
_BLANK = rb"(?:\s|#[^\n]*\n)*"
_TEXT = rb"""(?:'[^'\\\n]*'|"[^"\\\n]*")"""
NODE = re.compile(rb"(?:\(\s*(%b)\s*,\s*(%b)\s*,?\s*\)|migrations\.%b)" % (_TEXT, _TEXT, SWAPPABLE.pattern))
_NODES = rb"%b%b(?:,%b%b%b)*,?%b" % (NODE.pattern, _BLANK, _BLANK, NODE.pattern, _BLANK, _BLANK)
WRITTEN_OUT = re.compile(rb"\s*=\s*(\[%b(?:%b)?\])[ \t\r]*(?:#[^\n]*)?(?:\n|\Z)" % (_BLANK, _NODES))
# A line of a class that has more to it than its attributes, each written once and at its place.
_ATTRIBUTE = rb"(?:initial|atomic|phase|dependencies|replaces|run_before|operations)\s*="
MORE = re.compile(rb"\n(?: {0,3}[^\s#]|\t| {4}(?!%b|[\])}]+\s*$|#)\S)" % _ATTRIBUTE, re.MULTILINE)
# Ways to name what was not imported by its name, or to change what was written.
UNUSUAL = (b"import *", b"import  ", b"import(*", b"exec(", b"setattr", b"globals", b"locals", b"vars(")


class Unreadable(Exception):
    """Something that the comparison depends on cannot be read without importing it; the text says what."""


class Folder(ValueObject):
    """An app's migrations: the dotted name of their package, its files by name, and by path those of folders below."""

    module: str
    files: dict[str, bytes]
    below: dict[str, bytes] = dataclasses.field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Return the names of the migrations, by the rule of Django's loader; none in a folder without `__init__`."""
        modules = {name_of(file) for file in self.files}
        return sorted(name for name in modules if name[0] not in "_~") if "__init__" in modules else []

    @property
    def settings(self) -> set[str]:
        """Return the names of the settings that name the models which migrations depend on."""
        return {name.decode() for content in self.files.values() for name in SWAPPABLE.findall(content)}

    @property
    def mentions(self) -> set[tuple[str, bool]]:
        """Return the names that the migrations mention: of settings (True), and of the environment (False)."""
        # Most migrations that mention settings do so for the model of users alone, and counting is faster.
        content = b"\n".join(
            content
            for content in self.files.values()
            if may_name_variables(content) or content.count(b"settings.") > content.count(b"settings.AUTH_USER_MODEL")
        )
        return {(name, True) for name in settings_in(content)} | {(name, False) for name in variables_in(content)}

    def computed(self, app_label: str) -> Iterator[str]:
        """Return what the graph takes from the migrations that do not write it out, which are imported.

        Or from those of which somebody made something else than they say, when Django was set up for instance.
        """
        patched = any(place in self.files.get("__init__.py", b"") for place in PLACES)
        for name in self.names:
            content, module = self.files.get(f"{name}.py", b""), f"{self.module}.{name}"
            if patched or not is_written_out(content):
                yield repr(place_in_graph(module, app_label))
            elif module in sys.modules and (place := place_in_graph(module, app_label)) != places(content):
                yield repr(place)


def settings_in(content: bytes) -> set[str]:
    """Return the names of Django's settings that a file mentions."""
    # Most mention none, and to look for a word takes a tenth of the time.
    return {name.decode() for name in SETTING.findall(content)} if b"settings" in content else set()


def variables_in(content: bytes) -> set[str]:
    """Return the names of the environment's variables that a file mentions."""
    return {name.decode() for name in VARIABLE.findall(content)} if may_name_variables(content) else set()


def may_name_variables(content: bytes) -> bool:
    """Return whether a file has a word by which any is asked for; likewise, most have not."""
    return b"env" in content or b"config(" in content


def migrations_of(config: AppConfig) -> Folder | None:
    """Read the files of an app's migrations, or give None if it has none; raise `Unreadable` where it must be run."""
    module = settings.MIGRATION_MODULES.get(config.label, f"{config.name}.migrations")
    if module is None or (place := _place(config, module)) is None:
        return None
    names = _listed(place)
    files = {name: read(os.path.join(place, name)) for name in _modules(names)}
    for name, content in files.items():
        if not name.endswith(".py") and f"{name_of(name)}.py" not in files:
            raise Unreadable(f"{place}/{name} has no source")
        if b"__path__" in content:
            raise Unreadable(f"{place}/{name} may look for migrations elsewhere")
    return Folder(module, files, {name: read(os.path.join(place, name)) for name in _below(place, names)})


def is_written_out(content: bytes) -> bool:
    """Return whether all that the graph takes from a migration stands in its file as it is; no means perhaps not."""
    before, found, body = content.partition(HEAD)
    if not found or content.count(b"Migration") != 2 or MORE.search(body):
        return False
    # Nothing else goes by the name of `migrations`, and nobody decorates.
    if before.count(b"migrations") != 1 or not DJANGOS.search(before) or b"\n@" in before:
        return False
    if any(words in before for words in UNUSUAL):
        return False
    if b"swappable_dependency" in content and not _has_djangos_settings(before, content):
        return False
    return all(content.count(place) == 0 or _is_written_out_once(content, place) for place in PLACES)


def _has_djangos_settings(before: bytes, content: bytes) -> bool:
    # Imported once, and otherwise only looked into.
    return SETTINGS.search(before) is not None and content.count(b"settings") == content.count(b"settings.") + 1


def _is_written_out_once(content: bytes, place: bytes) -> bool:
    return content.count(place) == 1 and _written(content, place) is not None


def _written(content: bytes, place: bytes) -> re.Match[bytes] | None:
    start = content.find(b"\n    %b" % place)
    return WRITTEN_OUT.match(content, start + 5 + len(place)) if start >= 0 else None


Places = list[list[tuple[str, ...]]]


def places(content: bytes) -> Places:
    """Return what the graph takes from a migration that writes it out."""
    written = (_written(content, place) for place in PLACES)
    return [[_node(*found) for found in NODE.findall(COMMENT.sub(b"", match[1]))] if match else [] for match in written]


def _node(app_label: bytes, name: bytes, setting: bytes) -> tuple[str, ...]:
    if setting:
        return tuple(migrations.swappable_dependency(getattr(settings, setting.decode())))
    return app_label[1:-1].decode(), name[1:-1].decode()


def place_in_graph(module: str, app_label: str) -> Places:
    """Import a migration and return what the graph takes from it; raise `Unreadable` if it cannot be imported."""
    try:
        migration = import_module(module).Migration(module.rpartition(".")[2], app_label)
        return [[tuple(node) for node in getattr(migration, place.decode())] for place in PLACES]
    except (Exception, SystemExit) as error:
        # The long way has to say what is wrong with it.
        raise Unreadable(f"{module}: {error}") from error


def name_of(file: str) -> str:
    """Return the name of the module in a file."""
    return file[:-3] if file.endswith(".py") else inspect.getmodulename(file) or ""


def read(path: str | Path) -> bytes:
    """Read a file; raise `Unreadable` if it cannot be."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.readall()
    except OSError as error:
        raise Unreadable(str(error)) from error


def _place(config: AppConfig, module: str) -> str | None:
    if config.label in settings.MIGRATION_MODULES:
        try:
            spec = find_spec(module)
        except (ImportError, ValueError, AttributeError) as error:
            raise Unreadable(f"{module}: {error}") from error
        if spec is None:
            raise Unreadable(f"there is no {module}")
    elif places := getattr(config.module, "__path__", None):
        spec = PathFinder.find_spec(module, _only(places))
    else:
        return None
    if spec is None or spec.submodule_search_locations is None:
        return None
    return _only(spec.submodule_search_locations)[0]


def _only(places: Iterable[str]) -> list[str]:
    """Return the one folder that there is; raise `Unreadable` for several, or for a zip file."""
    found = list(places)
    if len(found) != 1 or not Path(found[0]).is_dir():
        raise Unreadable(f"modules lie in {', '.join(found) or 'no folder'}")
    return found


def _listed(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError as error:
        raise Unreadable(str(error)) from error


def _modules(names: Iterable[str]) -> list[str]:
    # A name with a dot in it cannot be imported, nor does the loader try.
    return [name for name in names if name.endswith(SUFFIXES) and "." not in (name_of(name) or ".")]


def _below(folder: str, names: Iterable[str]) -> Iterator[str]:
    """Return the paths of the sources in the folders of a folder, packages or not, relative to it."""
    # What cannot be imported from has a dot in its name.
    for name in (name for name in names if "." not in name and name != "__pycache__"):
        for place, inner, files in os.walk(os.path.join(folder, name)):
            inner[:] = sorted(other for other in inner if other != "__pycache__")
            start = os.path.relpath(place, folder).replace(os.sep, "/")
            yield from (f"{start}/{file}" for file in sorted(files) if file.endswith(".py"))
