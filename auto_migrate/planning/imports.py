"""What files of code import, followed through the project without importing any of them."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, resolve_name
from pathlib import Path

from django.apps import apps

from auto_migrate.planning.sources import COMMENT, INSTALLED, read, settings_in, variables_in
from auto_migrate.values import ValueObject

# Django, this package and Python are told by their versions.
PACKAGES = frozenset({b"django", b"auto_migrate"})
VERSIONED = PACKAGES.union(name.encode() for name in sys.stdlib_module_names)

# Also finds what only looks like an import, in a comment for instance: a file too many does no harm.
IMPORT = re.compile(rb"\bfrom\s+([.\w]+)\s+import\b\s*(\([^)]*\)|[^\n;]*)|\bimport\s+([\w., \t]+)")

# Ways to come by a setting whose name is not written.
UNNAMED = re.compile(
    rb"\bsettings\s+as\b|\bgetattr\(\s*settings\s*,\s*[^'\"\s]|=\s*settings\s*$|\bvars\(settings", re.MULTILINE
)


class Source(ValueObject):
    """What a file says: a hash of it all, and the names that it may import and mentions; of an installed one the hash.

    `settings` and `variables` are Django's and those of the environment; `unnamed` tells that it mentions settings
    otherwise. Of all files together the texts may be large, and are not kept.
    """

    digest: bytes
    imports: tuple[str, ...] = ()
    settings: frozenset[str] = frozenset()
    variables: frozenset[str] = frozenset()
    unnamed: bool = False


class Modules:
    """Modules by their dotted names: each is looked for, read and looked through once for all that lead to it."""

    def __init__(self) -> None:
        # An app of the project may have the name of one of Python's modules.
        own = {config.name.partition(".")[0].encode() for config in apps.get_app_configs()} - PACKAGES
        self._versioned = VERSIONED - own
        self._specs: dict[str, ModuleSpec | None] = {}
        self._found: dict[str, Source | None] = {}
        self._sources: dict[tuple[bytes, str], Source] = {}
        self._imported: dict[tuple[bytes, str], tuple[str, ...]] = {}

    def look_through(self, content: bytes, package: str) -> Source:
        """Return what a file of `package` says."""
        digest = hashlib.blake2b(content, digest_size=32).digest()
        if (digest, package) not in self._sources:
            self._sources[digest, package] = Source(
                digest,
                self.imported_by(content, package),
                frozenset(settings_in(content)),
                frozenset(variables_in(content)),
                names_settings_otherwise(content),
            )
        return self._sources[digest, package]

    def imported_by(self, content: bytes, package: str) -> tuple[str, ...]:
        """Return the names that a file of `package` may import."""
        # Migrations by the hundred begin with the same few lines.
        part = importing_part(content)
        if (part, package) not in self._imported:
            self._imported[part, package] = tuple(dict.fromkeys(imported(part, package, self._versioned)))
        return self._imported[part, package]

    def find(self, name: str) -> Source | None:
        """Return what a module says; None for what is none, or has no source."""
        if name not in self._found:
            self._found[name] = self._read(name)
        return self._found[name]

    def _read(self, name: str) -> Source | None:
        if (path := self.path(name)) is None:
            return None
        content = read(path)
        if not INSTALLED.isdisjoint(Path(path).parts):
            return Source(hashlib.blake2b(content, digest_size=32).digest())
        return self.look_through(content, name if self._places(name) else name.rpartition(".")[0])

    def path(self, name: str) -> str | None:
        """Return the path of a module's source; None for what is none, or has no source."""
        spec = self._spec(name)
        found = spec is not None and spec.has_location and str(spec.origin).endswith(".py")
        return str(spec.origin) if spec is not None and found else None

    def _spec(self, name: str) -> ModuleSpec | None:
        """Find a module without importing the packages around it; None for what is no module."""
        if name not in self._specs:
            parent = name.rpartition(".")[0]
            places = self._places(parent) if parent else None
            self._specs[name] = None if parent and places is None else _find(name, places)
        return self._specs[name]

    def _places(self, package: str) -> list[str] | None:
        """Return the folders of a package; None for what is none."""
        spec = self._spec(package)
        if spec is None or spec.submodule_search_locations is None:
            return None
        return list(spec.submodule_search_locations)


class Imports:
    """The modules that a set of files leads to: their own imports, and what those of the project import in turn.

    `found` has a hash of each one's file by its name. Where that is asked for, `settings`, `variables` and `unnamed`
    are what the project's files mention, as in `Source`.
    """

    def __init__(self, modules: Modules, *, with_mentions: bool = False) -> None:
        self.modules = modules
        self.with_mentions = with_mentions
        self.found: dict[str, bytes] = {}
        self.settings: set[str] = set()
        self.variables: set[str] = set()
        self.unnamed = False
        self._seen: set[str] = set()

    def mention(self, source: Source) -> None:
        """Add what a file mentions."""
        self.settings |= source.settings
        self.variables |= source.variables
        self.unnamed = self.unnamed or source.unnamed

    def mention_own(self, content: bytes, package: str) -> None:
        """Add what an installed file mentions, and what the modules of its own package do that it imports."""
        source = self.modules.look_through(content, package)
        self.mention(source)
        own = package.partition(".")[0]
        for name in source.imports:
            if name.partition(".")[0] == own and (path := self.modules.path(name)) is not None:
                self.mention(self.modules.look_through(read(path), package))

    def follow(self, content: bytes, package: str) -> None:
        """Add what a file of `package` imports, and mentions."""
        if self.with_mentions:
            self.mention(self.modules.look_through(content, package))
        self._follow(self.modules.imported_by(content, package))

    def _follow(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._seen:
                self._seen.add(name)
                if (module := self.modules.find(name)) is not None:
                    self.found[name] = module.digest
                    if self.with_mentions:
                        self.mention(module)
                    self._follow(module.imports)


def _find(name: str, places: list[str] | None) -> ModuleSpec | None:
    try:
        # The outermost name may be known to another finder, such as that of an editable installation.
        return find_spec(name) if places is None else PathFinder.find_spec(name, places)
    except (ImportError, ValueError):
        return None
    except KeyError:
        # A package without `__init__`: Python asks the module around it, which nobody has imported.
        folders = [os.path.join(place, name.rpartition(".")[2]) for place in places or ()]
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [folder for folder in folders if os.path.isdir(folder)]
        return spec


def importing_part(content: bytes) -> bytes:
    """Return the lines of a file from its first import to its last; all of them where one goes on in others."""
    first, last = content.find(b"import"), content.rfind(b"import")
    if first < 0:
        return b""
    end = content.find(b"\n", last)
    part = content[content.rfind(b"\n", 0, first) + 1 : end if end >= 0 else None]
    goes_on = b"\\\n" in content or part.count(b"(") > part.count(b")")
    return content if goes_on else part


def names_settings_otherwise(content: bytes) -> bool:
    """Return whether a file may come by settings whose names are not written in it."""
    mentions = content.count(b"settings")
    # Most look nowhere but into `settings.NAME`, and counting is faster.
    if mentions == content.count(b"settings.") + content.count(b"import settings\n"):
        return False
    return UNNAMED.search(content) is not None


def imported(content: bytes, package: str, versioned: Collection[bytes] = VERSIONED) -> Iterator[str]:
    """Return the dotted names that a file of `package` may import from elsewhere than Django, this package and Python.

    The packages around a module are named too, since they are imported with it.
    """
    for start, names, plain in IMPORT.findall(content.replace(b"\\\n", b" ") if b"\\" in content else content):
        if start and start.partition(b".")[0] not in versioned:
            base = _absolute(start.decode(), package)
            yield from around(base)
            yield from (f"{base}.{name}" for name in _names(names.strip(b"()")) if base)
        for name in _names(plain):
            if name.partition(".")[0].encode() not in versioned:
                yield from around(name)


def _absolute(name: str, package: str) -> str:
    try:
        return resolve_name(name, package)
    except ImportError:
        return ""


def _names(listed: bytes) -> Iterator[str]:
    if listed:
        for item in COMMENT.sub(b"", listed).decode("utf-8", "replace").split(","):
            if words := item.split():
                yield words[0]


def around(name: str) -> Iterator[str]:
    """Return a dotted name and those of the packages that it lies in, outermost first."""
    parts = [part for part in name.split(".") if part]
    for count in range(1, len(parts) + 1):
        yield ".".join(parts[:count])
