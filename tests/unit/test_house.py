"""The house keeps its order: one noun a file, one meaning a name, and nothing too long to be read in one go."""

from __future__ import annotations

import ast
import functools
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.manage import ROOT

PACKAGE = ROOT / "auto_migrate"
LONGEST_FILE = 400
LONGEST_FUNCTION = 45
# Each vendor's folder has one.
OF_EACH_VENDOR = {"adapter.py", "deploy_lock.py"}


@functools.cache
def modules() -> dict[Path, ast.Module]:
    """Return every module of the package."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


def nodes(*kinds: type[ast.AST]) -> Iterator[tuple[Path, ast.AST]]:
    return ((path, node) for path, tree in modules().items() for node in ast.walk(tree) if isinstance(node, kinds))


def test_no_two_classes_have_one_name() -> None:
    names = Counter(node.name for tree in modules().values() for node in tree.body if isinstance(node, ast.ClassDef))
    # Django finds a command by this name.
    assert [name for name, times in names.items() if times > 1 and name != "Command"] == []


def test_no_two_files_have_one_name() -> None:
    names = Counter(path.name for path in modules() if path.name != "__init__.py")
    assert {name for name, times in names.items() if times > 1} == OF_EACH_VENDOR


def test_nothing_is_too_long() -> None:
    files = [path.name for path in modules() if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST_FILE]
    functions = [
        f"{path.name}:{node.lineno}"
        for path, node in nodes(ast.FunctionDef)
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]
    assert files + functions == []


def test_docstrings_return_what_functions_return() -> None:
    documented = (node for _path, node in nodes(ast.FunctionDef, ast.ClassDef, ast.Module))
    told = [ast.get_docstring(node) or "" for node in documented]  # type: ignore[arg-type] # of these kinds all have one
    assert [text for text in told if text.split(maxsplit=1)[:1] in (["Give"], ["Tell"])] == []


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
