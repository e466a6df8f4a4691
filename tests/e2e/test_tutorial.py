"""The tutorial is typed as it stands, and prints what stands there.

`make test` types its first parts. `make tutorial` types the whole, in an environment of its own into which the built
wheel is installed as a stranger would: `TUTORIAL` is the folder that has it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from auto_migrate.version import __version__
from tests.e2e.tutorial import Command, Shell, follow, steps
from tests.manage import ROOT, environment
from tests.servers import PostgreSQL
from tools.servers import free_port

PAGE = (ROOT / "docs/tutorial.md").read_text("utf-8")
WHEELS = os.environ.get("TUTORIAL", "")
# Where a reader has the repository; here the wheel is built of it.
CHECKOUT = "/path/to/checkout"
# Making an environment takes a minute; in `make test` the one of the tests will do.
INSTALLATION = re.compile(r"^\$ (?:python3 -m venv|pip install) .*\n(?:\.\.\.\n)?", re.MULTILINE)
UP_TO = "Now let the shop have customers"
# What everybody tries first. The package depends on Django alone, and this says so too.
BARE = """
```console
$ mkdir bare && cd bare
$ python3 -m venv .venv && . .venv/bin/activate
$ pip install --quiet django-auto-migrate
...
$ django-admin startproject bare .
```
```python
# bare/settings.py, at the end
INSTALLED_APPS.append("auto_migrate")
```
```console
$ python manage.py check
System check identified no issues (0 silenced).
$ python manage.py auto_migrate --check; echo "exit code $?"
...
Apply them: manage.py auto_migrate
exit code 9
$ python manage.py auto_migrate --plan
...
✅ Nothing stops this plan.
...
$ python manage.py auto_migrate
...
✅ Migrations carried out successfully!
$ python manage.py auto_migrate --check
✅ No migrations are pending.
$ python manage.py migrate
...
  No migrations to apply.
$ python manage.py makemigrations --check
No changes detected
$ python manage.py backfills
There are no backfills.
$ python -c "import auto_migrate.version as v; print(v.__version__)"
VERSION
```
"""


@pytest.fixture
def shell(postgresql: PostgreSQL, tmp_path: Path) -> Iterator[Shell]:
    """Return a shell in an empty folder, beside an empty database `shop`."""
    postgresql.drop_database("shop")
    server = urlsplit(postgresql.create_database("shop"))
    given = {
        "PGHOST": str(server.hostname),
        "PGPORT": str(server.port),
        "PGUSER": str(server.username),
        "PGPASSWORD": str(server.password),
        "PIP_FIND_LINKS": str(ROOT / WHEELS),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    names = ["DJANGO_SETTINGS_MODULE", *(["PYTHONPATH"] if WHEELS else [])]
    env = {name: value for name, value in environment(given).items() if name not in names}
    with Shell(tmp_path, env) as shell:
        yield shell
    postgresql.drop_database("shop")


def typed() -> str:
    """Return the part of the page that is typed here."""
    if WHEELS:
        wheel = ROOT / WHEELS / f"django_auto_migrate-{__version__}-py3-none-any.whl"
        return PAGE.replace(CHECKOUT, str(wheel))
    part, _, _ = PAGE.partition(UP_TO)
    return INSTALLATION.sub("", part)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_tutorial_prints_what_it_shows(shell: Shell, tmp_path: Path) -> None:
    page = typed().replace("8000", str(free_port()))
    assert list(follow(page, shell, tmp_path / "shop")) == []


@pytest.mark.slow
@pytest.mark.skipif(not WHEELS, reason="make tutorial")
def test_a_bare_project_needs_nothing_else(shell: Shell, tmp_path: Path) -> None:
    assert list(follow(BARE.replace("VERSION", __version__), shell, tmp_path / "bare")) == []


def test_every_command_and_file_of_it_is_a_step() -> None:
    found = list(steps(PAGE))
    assert len([step for step in found if isinstance(step, Command)]) == PAGE.count("\n$ ")
    assert len(found) - PAGE.count("\n$ ") == PAGE.count("```python\n")


@pytest.mark.parametrize(
    ("printed", "agrees"),
    [
        ("  Applying shop.0001... OK (9.999s) [1/1]\n", True),
        ("  Applying shop.0002... OK (0.012s) [1/1]\n", False),
        ("  Applying shop.0001... OK (0.012s) [1/1]\nMore.\n", False),
        ("...\n", True),
        ("...\n  Applying shop.0001... OK (9.999s) [1/1]\n...\n", True),
        ("...\n  Applying shop.0002... OK (9.999s) [1/1]\n...\n", False),
        ("  Applying ... [1/1]\n", True),
    ],
)
def test_only_times_may_differ(printed: str, agrees: bool) -> None:
    output = "  Applying shop.0001... OK (0.012s) [1/1]\n"
    assert Command("auto_migrate", printed).agrees(output) is agrees
