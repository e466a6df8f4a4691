"""The house keeps its order: one noun a file, one meaning a name, and nothing too long to be read in one go."""

from __future__ import annotations

import ast
import functools
import graphlib
import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TypeVar

from tests.manage import ROOT

PACKAGE = ROOT / "auto_migrate"
LONGEST_FILE = 400
LONGEST_FUNCTION = 45
# Each vendor's folder has one.
OF_EACH_VENDOR = {"adapter.py", "deploy_lock.py"}
# Django finds them by these names.
BY_DJANGO = {"Command", "Meta"}

Node = TypeVar("Node", bound=ast.AST)


@functools.cache
def modules() -> dict[Path, ast.Module]:
    """Return every module of the package."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


@functools.cache
def texts() -> dict[Path, str]:
    """Return the source of every module."""
    return {path: path.read_text(encoding="utf-8") for path in modules()}


def nodes(*kinds: type[Node]) -> Iterator[tuple[Path, Node]]:
    return ((path, node) for path, tree in modules().items() for node in ast.walk(tree) if isinstance(node, kinds))


def test_no_two_classes_have_one_name() -> None:
    names = Counter(node.name for _path, node in nodes(ast.ClassDef))
    assert {name for name, times in names.items() if times > 1} <= BY_DJANGO


def test_no_two_files_have_one_name() -> None:
    names = Counter(path.name for path in modules() if path.name != "__init__.py")
    assert {name for name, times in names.items() if times > 1} == OF_EACH_VENDOR


def test_nothing_is_too_long() -> None:
    files = [path.name for path, text in texts().items() if len(text.splitlines()) > LONGEST_FILE]
    functions = [
        f"{path.name}:{node.lineno}"
        for path, node in nodes(ast.FunctionDef, ast.AsyncFunctionDef)
        if (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]
    assert files + functions == []


def test_docstrings_return_what_functions_return() -> None:
    assert [path.name for path, text in texts().items() if re.search(r'"""\s*(Give|Tell)\b', text)] == []


def test_no_files_import_each_other_in_a_circle() -> None:
    """Within a room as well, of which the contract of import-linter says nothing; annotations count."""
    names = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): tree
        for path, tree in modules().items()
    }
    ties = {name: {used for used in imported(tree, names.keys()) if used in names} for name, tree in names.items()}
    assert len(ties["auto_migrate.pipeline"]) > 10
    # Raises CycleError, which names the files.
    graphlib.TopologicalSorter(ties).prepare()


def imported(tree: ast.Module, names: Collection[str]) -> Iterator[str]:
    """Return what a module imports; what it takes of a package is the package's own, unless that is one of `names`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            parts = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (part if part in names else node.module for part in parts)


def test_the_map_shows_every_room_in_the_order_of_the_arrows() -> None:
    """The tree in docs/architecture.md and the contract that import-linter holds."""
    contract, *_others = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    height = {name: number for number, layer in enumerate(contract["layers"]) for name in layer.split(" | ")}
    tree = (ROOT / "docs/architecture.md").read_text("utf-8").split("```")[1]
    shown = re.findall(r"\w+", re.sub(r"#.*", "", tree))
    assert sorted(shown) == sorted(height)
    assert [height[name] for name in shown] == sorted(height.values())
