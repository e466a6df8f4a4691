"""What is built for the registry holds the package and nothing else, and the workflow that publishes it asks so."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

from auto_migrate.version import __version__
from tests.manage import ROOT
from tests.requirements import GIT, need
from tests.schemas import refusals
from tools.check_dist import BESIDE, problems, tracked

WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text("utf-8"))
NAME = f"django_auto_migrate-{__version__}"
ABOUT = ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")
REPOSITORY = re.findall(r'^Repository = "(.*)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)[0]
METADATA = f"""\
Metadata-Version: 2.4
Name: django-auto-migrate
Version: {__version__}
Project-URL: Repository, {REPOSITORY}

[On call]({REPOSITORY}/blob/main/docs/on-call.md)
"""


PAGES = [*ROOT.glob("README*.md"), *(ROOT / "docs").rglob("*.md")]


def test_nobody_is_told_to_install_it_from_a_registry_that_has_it_not() -> None:
    """What is installed first is a clone until there is an address to publish from; extras are added to either."""
    first = '"/path/to/checkout[postgresql]"' if ".example/" in REPOSITORY else '"django-auto-migrate[postgresql]"'
    texts = {str(page.relative_to(ROOT)): page.read_text("utf-8") for page in PAGES}
    typed = {name: re.findall(r"^\$ pip install (?:--quiet )?(\S+)", texts[name], re.MULTILINE) for name in texts}
    assert {told for names in typed.values() for told in names} == {first}
    assert {"README.md", "docs/index.md", "docs/tutorial.md"} <= {name for name in typed if typed[name]}
    bare = re.compile(r"pip install [^\n]*django-auto-migrate(?!\[)")
    assert [name for name in texts if bare.search(texts[name])] == []


def build(folder: Path, *, more: str = "", less: str = "", metadata: str = METADATA) -> Path:
    """Write a wheel and an sdist with the names that a build gives them, and one file more or less."""
    package = (tracked() | ({more} if more else set())) - {less}
    with zipfile.ZipFile(folder / f"{NAME}-py3-none-any.whl", "w") as wheel:
        for file in package | {f"{NAME}.dist-info/{name}" for name in ABOUT}:
            wheel.writestr(file, metadata if file.endswith("METADATA") else "")
    with tarfile.open(folder / f"{NAME}.tar.gz", "w:gz") as sdist:
        for file in package | BESIDE:
            sdist.addfile(tarfile.TarInfo(f"{NAME}/{file}"), io.BytesIO())
    return folder


@pytest.fixture(autouse=True)
def git() -> None:
    """Ask for git, which knows what belongs to the package."""
    need(GIT)


def test_what_git_has_is_what_is_published(tmp_path: Path) -> None:
    assert list(problems(build(tmp_path))) == []


def test_a_file_too_many_and_one_too_few_are_told(tmp_path: Path) -> None:
    found = list(problems(build(tmp_path, more="auto_migrate/secret.env", less="auto_migrate/py.typed")))
    assert found == [
        sentence.format(name)
        for name in (f"{NAME}-py3-none-any.whl", f"{NAME}.tar.gz")
        for sentence in ("{} lacks auto_migrate/py.typed.", "{} holds auto_migrate/secret.env, which is no part of it.")
    ]


def test_a_link_that_only_the_repository_has_is_told(tmp_path: Path) -> None:
    dist = build(tmp_path, metadata=f"{METADATA}[phases](docs/phases.md)\n")
    assert list(problems(dist)) == ["The page links to docs/phases.md, which only the repository has."]


def test_a_version_is_published_under_its_own_tag_alone(tmp_path: Path) -> None:
    assert f"The tag is v9.9, and the version {__version__}" in next(iter(problems(build(tmp_path), "v9.9")))


def test_a_page_that_leads_nowhere_is_not_published(tmp_path: Path) -> None:
    metadata = METADATA.replace("Project-URL: Repository, ", "Project-URL: Repository, https://git.example/")
    assert "no address yet" in list(problems(build(tmp_path, metadata=metadata), f"v{__version__}"))[-1]


def test_two_versions_side_by_side_are_told(tmp_path: Path) -> None:
    (build(tmp_path) / "django_auto_migrate-0.0.1-py3-none-any.whl").touch()
    assert "one wheel and one sdist are wanted" in next(iter(problems(tmp_path)))


def test_the_registry_shows_the_address_of_the_repository() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    assert f"]({REPOSITORY}/blob/main/" in text


def test_github_takes_the_workflow_and_it_proves_before_it_publishes() -> None:
    # YAML takes `on` for true.
    assert refusals("github-workflows", {"on" if key is True else key: value for key, value in WORKFLOW.items()}) == []
    commands = [step["run"] for step in WORKFLOW["jobs"]["build"]["steps"] if "run" in step]
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert {command.removeprefix("make ") for command in commands if command.startswith("make ")} <= set(targets)
    assert any("tools.check_dist" in command for command in commands)
    assert WORKFLOW["jobs"]["publish"]["needs"] == "build"
    # The registry trusts the workflow; there is no password to be stolen.
    assert "secrets." not in (ROOT / ".github/workflows/release.yml").read_text("utf-8")
