"""A hazard from nothing, as CONTRIBUTING tells it: begun with a command, and filled in until no test asks for more."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import polib
import pytest

from tests.manage import ROOT, environment

SOURCES = ("auto_migrate", "docs/hazards", "sms_sender", "tests", "tools", "webhooks")
UNIT = [
    f"tests/unit/{name}" for name in ("safety/test_hazard_pages.py", "safety/test_hazard_parts.py", "test_catalogue.py")
]
NAME = "am199_table_dropped_by_hand"
TITLE = "A table is dropped by hand"
TITLE_IN_PORTUGUESE = "Uma tabela é apagada à mão"
RULE = """\
        if isinstance(change, DropTable) and isinstance(site.operation.operation, RunSQL):
            problem = _("{table} is dropped by hand, and Django does not know.").format(table=change.table)
            yield Found(change.table, problem, "migrations.DeleteModel(…)")
"""
HAZARD = 'HAZARD = [migration(migrations.RunSQL("DROP TABLE shop_order", migrations.RunSQL.noop))]\n'


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project in which a hazard was begun; the last test is the one that fills it in."""
    folder = tmp_path_factory.mktemp("project")
    for source in SOURCES:
        shutil.copytree(ROOT / source, folder / source, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copy(ROOT / "manage.py", folder)
    shutil.copy(ROOT / "README.md", folder)
    run(folder, "tools.new_hazard", "AM199", "table-dropped-by-hand", "--title", TITLE)
    return folder


def run(project: Path, *command: str, ends_with: int = 0) -> str:
    """Run a module in the copy, and return what it wrote."""
    variables = environment({"PYTHONPATH": str(project), "TESTS_WITHOUT": os.environ.get("TESTS_WITHOUT", "")})
    process = subprocess.run(
        [sys.executable, "-m", *command],
        check=False,
        cwd=project,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    assert process.returncode == ends_with, process.stdout
    return process.stdout


def run_tests(project: Path, *arguments: str, ends_with: int = 0) -> str:
    return run(project, "pytest", "-q", "-p", "no:cacheprovider", *arguments, ends_with=ends_with)


def made(project: Path) -> list[str]:
    return [str(path.relative_to(project)) for path in project.rglob(f"*{NAME}.py")]


def check_style(project: Path) -> None:
    run(project, "ruff", "check", "--no-cache", *made(project))
    run(project, "ruff", "format", "--no-cache", "--check", *made(project))


def replace(path: Path, *pairs: tuple[str, str]) -> None:
    text = path.read_text("utf-8")
    for old, new in pairs:
        assert old in text, f"{path.name} has no {old!r}"
        text = text.replace(old, new)
    path.write_text(text, "utf-8")


@pytest.mark.skipif("SWEEP" not in os.environ, reason="reads the types of everything, in a minute: make sweep")
def test_a_hazard_that_was_begun_has_types(project: Path) -> None:
    # What `make lint` has read of the same sources need not be read again.
    run(project, "mypy", "--cache-dir", str(ROOT / ".mypy_cache"), *made(project))


@pytest.mark.skipif("SWEEP" not in os.environ, reason="runs a part of the suite in a copy: make sweep")
def test_a_hazard_that_was_begun_has_style_and_is_told_what_it_lacks(project: Path) -> None:
    assert len(made(project)) == 3
    check_style(project)
    told = run_tests(project, *UNIT, f"tests/unit/safety/test_{NAME}.py", ends_with=1)
    failed = set(re.findall(r"^FAILED \S+::(\w+)", told, re.MULTILINE))
    assert failed == {
        "test_the_overview_lists_every_hazard_as_the_code_has_it",
        "test_a_page_tells_all_that_is_asked_of_it",
        "test_it_is_found_in_what_has_it",
        "test_it_is_not_found_in_what_only_resembles_it",
        "test_nothing_is_left_to_write",
        "test_each_side_of_a_pair_has_operations",
        "test_every_sentence_of_the_code_is_in_the_catalogue_and_nothing_else",
    }
    for sentence in ("write SQL that has AM199 into FOUND", "write SQL that comes close to AM199 into NOT_FOUND"):
        assert sentence in told
    places = Counter(re.findall(r"^E +(\S+):\d+: .*TODO", told, re.MULTILINE))
    assert places == {
        f"auto_migrate/safety/hazards/{NAME}.py": 1,
        "docs/hazards/AM199.md": 6,
        "docs/hazards/AM199.pt-BR.md": 7,
        "docs/hazards/README.pt-BR.md": 1,
        f"tests/hazards/{NAME}.py": 3,
        f"tests/unit/safety/test_{NAME}.py": 2,
    }
    assert "make messages" in told


def test_a_hazard_that_was_filled_in_passes(project: Path) -> None:
    write_rule(project)
    write_page(project)
    write_pair(project)
    write_test(project)
    translate(project)
    check_style(project)
    pairs = "tests/integration/safety/test_hazards.py"
    wanted = ["-k", f"test_hazards.py and ({NAME} or each_hazard) or not test_hazards.py"]
    told = run_tests(project, *UNIT, f"tests/unit/safety/test_{NAME}.py", pairs, *wanted, "-rp")
    assert told.count(f"PASSED {pairs}") == 3


def write_rule(project: Path) -> None:
    path = project / f"auto_migrate/safety/hazards/{NAME}.py"
    text = path.read_text("utf-8")
    path.write_text(re.sub(r" {8}# TODO.*", RULE, text, flags=re.DOTALL), "utf-8")
    replace(
        path,
        ("from django.utils", "from django.db.migrations.operations import RunSQL\nfrom django.utils"),
        ("import gettext_noop\n", "import gettext as _\nfrom django.utils.translation import gettext_noop\n"),
        ("import Change\n", "import Change, DropTable\n"),
    )


def write_page(project: Path) -> None:
    pages = project / "docs/hazards"
    replace(pages / "AM199.md", ("TODO", "Said in full"))
    heading = ("TODO: o título, como o catálogo o traduz", TITLE_IN_PORTUGUESE)
    replace(pages / "AM199.pt-BR.md", heading, ("TODO", "Dito por inteiro"))
    replace(pages / "README.pt-BR.md", ("TODO: o título", TITLE_IN_PORTUGUESE))


def write_pair(project: Path) -> None:
    path = project / f"tests/hazards/{NAME}.py"
    text = re.sub(r"^HAZARD = .*\n", HAZARD, path.read_text("utf-8"), flags=re.MULTILINE)
    text = re.sub(r"^SAFE = .*\n", 'SAFE = [migration(migrations.DeleteModel("Order"))]\n', text, flags=re.MULTILINE)
    path.write_text(text, "utf-8")
    replace(path, ("TODO: in", "In"), ("from tests", "from django.db import migrations\n\nfrom tests"))


def write_test(project: Path) -> None:
    path = project / f"tests/unit/safety/test_{NAME}.py"
    text = re.sub(r"^FOUND.*\n", 'FOUND = ["DROP TABLE t"]\n', path.read_text("utf-8"), flags=re.MULTILINE)
    new = 'NOT_FOUND = ["CREATE TABLE n (id integer); DROP TABLE n", "TRUNCATE t"]\n'
    path.write_text(re.sub(r"^NOT_FOUND.*\n", new, text, flags=re.MULTILINE), "utf-8")


def translate(project: Path) -> None:
    """Translate what `make messages` puts into the catalogue, and compile it."""
    assert "2 sentences added" in run(project, "tools.messages")
    catalogue = project / "auto_migrate/locale/pt_BR/LC_MESSAGES/django.po"
    entries = polib.pofile(str(catalogue))
    for entry in entries.untranslated_entries():
        entry.msgstr = f"{entry.msgid[:-1]} em português{entry.msgid[-1]}"
    next(entry for entry in entries if entry.msgid == TITLE).msgstr = TITLE_IN_PORTUGUESE
    entries.save()
    assert "0 sentences added" in run(project, "tools.messages")
