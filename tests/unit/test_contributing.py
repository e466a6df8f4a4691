"""CONTRIBUTING names what there is: every link, path, target, module and option in it."""

from __future__ import annotations

import importlib.util
import re

from tests.entries import each_entry
from tests.manage import ROOT
from tests.requirements import ALL

TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
PATHS = re.findall(r"(?<![\w<./])((?:auto_migrate|docs|tests|tools)/[\w/.-]*|\.ci/run)(?!<)", TEXT)


@each_entry("path", sorted({*PATHS, *re.findall(r"\]\(([^)#]+)[^)]*\)", TEXT)}))
def test_what_it_names_and_links_to_exists(path: str) -> None:
    # What stands at the end of a sentence, or before a placeholder, is a folder.
    assert (ROOT / path.rstrip(".")).exists()


@each_entry("target", re.findall(r"(?:`|\$ |[A-Z] )make ([a-z-]+)", TEXT))
def test_each_target_is_one(target: str) -> None:
    assert target in TARGETS


@each_entry("module", re.findall(r"python -m ([\w.]+)", TEXT))
def test_each_program_is_one(module: str) -> None:
    assert importlib.util.find_spec(module)


@each_entry("name", re.findall(r"TESTS_WITHOUT=(\S+)", TEXT)[0].split(","))
def test_what_it_hides_can_be_hidden(name: str) -> None:
    assert name in ALL
