"""What a machine lacks is skipped, said and had in one way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.manage import ROOT, environment
from tests.repository import Repository
from tests.requirements import ALL, Missing, Requirement, command, hidden, need
from tests.skips import uses_requirement

NOWHERE = Requirement("nowhere", "Nowhere", files=("no-such-program",), debian=("nowhere",))
ELSEWHERE = Requirement("elsewhere", "OtherDatabases", files=("/no/such/file",), debian=("beyond",), pip=("elsewhere",))
HERE = Requirement("here", "Here", files=("sh", "/dev/null"), modules=("pytest",))

# What a module of tests may do wherever it likes: in a fixture, in a test, and through one that its parameters name.
MODULE = """\
import pytest
from tests.requirements import GIT, MYSQLCLIENT, Requirement, need

NOWHERE = Requirement("nowhere", "Nowhere", files=("no-such-program",), debian=("nowhere",))

@pytest.fixture(scope="module")
def nowhere():
    need(NOWHERE)

def test_by_its_fixture(nowhere): ...
def test_by_the_same_fixture(nowhere): ...
def test_by_itself(): need(NOWHERE)

@pytest.mark.parametrize("name", ["nowhere", "tmp_path"])
def test_by_a_parameter(name, request): request.getfixturevalue(name)

def test_the_driver():
    need(MYSQLCLIENT)

def test_not_at_all(): ...
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """Write a module of tests that use what no machine has."""
    file = tmp_path / "test_module.py"
    file.write_text(MODULE)
    return file


def run(module: Path, *arguments: str, **env: str) -> str:
    """Run the tests of a module, and return what pytest prints."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(module.parent), "-rA", "-p", "tests.skips",
         "-p", "no:django", "-p", "no:cacheprovider", *arguments, str(module)],
        env=environment(env), cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_what_is_there_is_there() -> None:
    need(HERE)
    assert HERE.path("sh").endswith("/sh")


def test_all_that_is_lacking_is_named_at_once() -> None:
    with pytest.raises(Missing, match="without Nowhere and OtherDatabases: ") as missing:
        need(HERE, NOWHERE, ELSEWHERE)
    assert missing.value.requirements == (NOWHERE, ELSEWHERE)


def test_one_command_brings_everything() -> None:
    brought = command([NOWHERE, ELSEWHERE, NOWHERE]).removeprefix("sudo ")
    assert brought.startswith("apt-get install --yes --no-install-recommends beyond nowhere && ")
    assert brought.endswith("python -m pip install elsewhere")
    assert command([HERE]) == ""


def test_a_daemon_is_found_where_debian_has_it() -> None:
    """A user's PATH has no /usr/sbin."""
    script = "from tests.requirements import locate; print(locate('useradd'))"
    assert interpreter(script, PATH="/bin") != "None\n"


def test_a_test_that_lacks_something_is_skipped_and_the_run_ends_with_how_to_have_it(module: Path) -> None:
    output = run(module, TESTS_WITHOUT="mysqlclient")
    assert "2 passed, 5 skipped" in output
    *_others, said, _counts = output.splitlines()
    assert said.startswith(
        "1 test did not run since TESTS_WITHOUT hides mysqlclient (1). "
        "4 tests did not run for want of Nowhere (4). To run them: "
    )
    assert said.endswith("apt-get install --yes --no-install-recommends nowhere")


def test_under_ci_it_fails_unless_it_is_hidden(module: Path) -> None:
    output = run(module, TESTS_WITHOUT="mysqlclient", CI="true")
    assert "2 failed, 2 passed, 1 skipped" in output
    assert "2 errors" in output
    assert "Failed: without Nowhere: " in output


def test_what_may_be_lacking_is_chosen_by_a_marker(module: Path) -> None:
    output = run(module, "-m", "optional", "-o", "markers=optional", TESTS_WITHOUT="mysqlclient")
    assert "5 skipped, 2 deselected" in output


class Branch(Repository):
    """What a test may make of something that needs git."""


def branch(folder: Path) -> Branch:
    """Return one, by a function within."""

    def make() -> Branch:
        return Branch(folder)

    return make()


def test_what_is_used_is_seen_through_functions_and_classes() -> None:
    assert uses_requirement(branch)
    assert not uses_requirement(run)


def test_what_the_marker_would_miss_does_not_pass(module: Path) -> None:
    module.write_text("import tests.requirements as r\ndef test_in_disguise(): getattr(r, 'need')(r.GIT)\n")
    assert "This test uses git, and `is_optional` of tests.skips does not see it." in run(module)


@pytest.mark.parametrize("without", [*ALL, "all", "git, mariadb"])
def test_each_is_hidden_alone_and_all_at_once(monkeypatch: pytest.MonkeyPatch, without: str) -> None:
    monkeypatch.setenv("TESTS_WITHOUT", without)
    names = {*ALL} if without == "all" else {*without.split(", ")}
    assert {each.name for each in hidden.__wrapped__()} == names


def test_what_is_hidden_is_not_there() -> None:
    there = [each.name for each in ALL.values() if each.is_there]
    script = f"from tests.requirements import *; print(*(ALL[name].is_there for name in {there}))"
    assert "True" not in interpreter(script, TESTS_WITHOUT="all")


def test_a_name_that_nothing_has_is_refused_with_those_there_are(module: Path) -> None:
    output = run(module, TESTS_WITHOUT="postgres,mariadb")
    assert "TESTS_WITHOUT knows no postgres; it takes all, or of: postgresql15, " in output


def test_a_hidden_driver_cannot_be_imported_by_whoever_is_started(tmp_path: Path) -> None:
    """The place of the module is empty for the process itself, its children, and theirs."""
    (tmp_path / "MySQLdb.py").touch()
    ask = "import importlib.util as u; print(u.find_spec('MySQLdb') is not None)"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {ask!r}])"
    script = f"""
import os, subprocess, sys
from tests.manage import environment
from tests.requirements import hide_modules
hide_modules()
for command in ({ask!r}, {child!r}):
    for env in (environment({{"PYTHONPATH": {str(tmp_path)!r}}}), os.environ):
        subprocess.run([sys.executable, "-c", command], env=env)
{ask}
"""
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    assert interpreter(script, PYTHONPATH=path).split() == ["True"] * 5
    assert interpreter(script, PYTHONPATH=path, TESTS_WITHOUT="mysqlclient").split() == ["False"] * 5


def interpreter(script: str, **env: str) -> str:
    """Run a script in an interpreter of its own, from which this run hides nothing, and return what it prints."""
    variables = {**environment(env), **env}
    return subprocess.check_output([sys.executable, "-uc", script], env=variables, cwd=ROOT, text=True)


def test_a_run_says_how_far_it_is_where_nobody_looks_too(module: Path, pytestconfig: pytest.Config) -> None:
    style = f"console_output_style={pytestconfig.getini('console_output_style')}"
    assert "[100%]" in run(module, "-s", "-o", style)
