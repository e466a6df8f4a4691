"""Where a finding stands in the source: the file, and the lines of the operation."""

from __future__ import annotations

import ast
import dataclasses
import functools
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path

from auto_migrate.findings import Finding
from auto_migrate.values import MigrationKey


@dataclasses.dataclass(frozen=True, slots=True)
class Lines:
    """The first and the last line of something, 1-based."""

    first: int
    last: int


@dataclasses.dataclass(frozen=True, slots=True)
class SourceLocation:
    """Lines of a file; `path` is relative to the top of the repository, absolute outside of it, with slashes."""

    path: str
    lines: Lines

    @property
    def is_inside(self) -> bool:
        """Return whether the file belongs to the repository."""
        return not Path(self.path).is_absolute()


@dataclasses.dataclass(frozen=True)
class SourceLocations:
    """The places of a plan: `top` is the top of the repository, `files` the sources of its migrations."""

    top: Path
    files: Mapping[MigrationKey, Path]

    def of(self, finding: Finding) -> SourceLocation | None:
        """Return the place of a finding, None where its migration has no source."""
        if (file := self.files.get(finding.migration)) is None:
            return None
        return SourceLocation(self.name(file), lines_of(file, finding.operation))

    def name(self, file: Path) -> str:
        """Name a file as people who look at the repository do."""
        return (file.relative_to(self.top) if file.is_relative_to(self.top) else file).as_posix()


def lines_of(file: Path, operation: int | None) -> Lines:
    """Return the lines of an operation (1-based); those of the list, or of the class, where it cannot be told."""
    body = migration_class(file)
    if body is None:
        return Lines(1, 1)
    found = next(operations_in(body), None)
    if operation is None or found is None:
        return Lines(body.lineno, body.lineno)
    items = found.elts if isinstance(found, ast.List | ast.Tuple) else []
    if operation <= len(items) and not any(isinstance(item, ast.Starred) for item in items[:operation]):
        item = items[operation - 1]
        return Lines(item.lineno, item.end_lineno or item.lineno)
    return Lines(found.lineno, found.lineno)


@functools.lru_cache(maxsize=64)
def migration_class(file: Path) -> ast.ClassDef | None:
    """Parse the class of a migration's file; None where there is none to be read."""
    try:
        with tokenize.open(file) as source:
            tree = ast.parse(source.read())
    except (OSError, SyntaxError, ValueError):
        return None
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Migration")
    return next(classes, None)


def operations_in(body: ast.ClassDef) -> Iterator[ast.expr]:
    """Return what a class assigns to `operations`."""
    for node in body.body:
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            targets, value = [node.target], node.value
        else:
            continue
        if any(isinstance(target, ast.Name) and target.id == "operations" for target in targets):
            yield value
