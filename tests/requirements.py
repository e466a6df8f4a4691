"""What tests use and a machine may lack: the one place that is asked whether it is there, and how it is had.

A test never asks itself. It makes a server, or calls `need`, and where something is missing `tests/skips.py` skips the
test. `TESTS_WITHOUT` hides things that are there, by their names below, or `all`. `TESTS_PROGRAMS` names folders whose
programs are taken before all others: of another PostgreSQL, MariaDB or MySQL than those at hand (tools/matrix).

`python -m tests.requirements` prints the command that installs what this machine lacks.
"""

from __future__ import annotations

import atexit
import functools
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests import drivers
from tools.servers import ServerMissing

CHOSEN = os.environ.get("TESTS_PROGRAMS", "")
# Where Debian has daemons, which a user's PATH leaves out.
PLACES = os.pathsep.join([CHOSEN, os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/bin", "/usr/local/sbin"])


@dataclass(frozen=True)
class Requirement:
    """One thing that tests use, found by its programs, files (absolute paths) and Python modules."""

    name: str
    title: str
    files: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    debian: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()

    @property
    def is_hidden(self) -> bool:
        """Return whether TESTS_WITHOUT hides it."""
        return self in hidden()

    @property
    def is_there(self) -> bool:
        """Return whether tests can use it here."""
        found = all(map(locate, self.files)) and all(map(importlib.util.find_spec, self.modules))
        return found and not self.is_hidden

    def path(self, file: str) -> str:
        """Return where one of the files is; raise `Missing`."""
        need(self)
        return str(locate(file))


POSTGRESQL15 = Requirement(
    "postgresql15", "PostgreSQL 15", files=("/usr/lib/postgresql/15/bin/postgres",), debian=("postgresql-15",)
)
GERMAN = Requirement(
    "german",
    "the German messages of PostgreSQL 15",
    files=("localedef", "/usr/share/i18n/locales/de_DE", "/usr/share/locale/de/LC_MESSAGES/postgres-15.mo"),
    debian=("postgresql-15", "locales"),
)
PGBOUNCER = Requirement("pgbouncer", "PgBouncer", files=("pgbouncer",), debian=("pgbouncer",))
MARIADB = Requirement("mariadb", "MariaDB", files=("mariadbd", "mariadb-install-db"), debian=("mariadb-server",))
MYSQLCLIENT = Requirement(
    "mysqlclient",
    "mysqlclient",
    modules=("MySQLdb",),
    # It has to be compiled.
    debian=("build-essential", "libmariadb-dev", "pkg-config", "python3-dev"),
    pip=("mysqlclient",),
)
GIT = Requirement("git", "git", files=("git",), debian=("git",))
CHROMIUM = Requirement("chromium", "Chromium", files=("chromium",), debian=("chromium",))
PROMETHEUS = Requirement("prometheus", "Prometheus", files=("prometheus", "promtool"), debian=("prometheus",))
SETPRIV = Requirement("setpriv", "setpriv", files=("setpriv",), debian=("util-linux",))
KUBERNETES = Requirement(
    "kubernetes", "the schemas of Kubernetes", modules=("kubernetes_validate",), pip=("kubernetes-validate",)
)
# The library that the program is made of; no registry has the program.
HELM = Requirement("helm", "Helm", modules=("helm_python",), pip=("helm-python-sdk",))
SAMPLE = Requirement(
    "sample",
    "ten packages of the corpus",
    modules=(
        "axes", "guardian", "knox", "django_otp", "pghistory", "pgtrigger", "reversion", "taggit", "waffle",
        "rest_framework_simplejwt",
    ),
    pip=(
        "django-axes", "django-guardian", "django-rest-knox", "django-otp", "django-pghistory", "django-reversion",
        "django-taggit", "django-waffle", "djangorestframework-simplejwt",
    ),
)  # fmt: skip

ALL = {
    each.name: each
    for each in (
        POSTGRESQL15, GERMAN, PGBOUNCER, MARIADB, MYSQLCLIENT, GIT, CHROMIUM, PROMETHEUS, SETPRIV, KUBERNETES,
        HELM, SAMPLE,
    )
}  # fmt: skip

# What was asked for since somebody last emptied this.
ASKED: set[Requirement] = set()


class Missing(ServerMissing):
    """This machine lacks what a test uses, or hides it; the text says how it is had."""

    def __init__(self, requirements: Iterable[Requirement]) -> None:
        self.requirements = tuple(requirements)
        self.is_hidden = any(each.is_hidden for each in self.requirements)
        reason = "TESTS_WITHOUT hides it" if self.is_hidden else command(self.requirements)
        super().__init__(f"without {' and '.join(each.title for each in self.requirements)}: {reason}")


def need(*requirements: Requirement) -> None:
    """Raise `Missing` with all of them that are not there."""
    ASKED.update(requirements)
    if missing := [each for each in requirements if not each.is_there]:
        raise Missing(missing)


def locate(file: str) -> str | None:
    """Return the place of a program, or of a file given as an absolute path, or None."""
    if os.path.isabs(file):
        return file if Path(file).exists() else None
    return shutil.which(file, path=PLACES)


def chosen(program: str) -> Path | None:
    """Return the program in one of the folders of TESTS_PROGRAMS, or None."""
    found = shutil.which(program, path=CHOSEN) if CHOSEN else None
    return Path(found) if found else None


def command(requirements: Iterable[Requirement]) -> str:
    """Return the one command that installs them."""
    chosen = list(requirements)
    debian = sorted({package for each in chosen for package in each.debian})
    pip = sorted({package for each in chosen for package in each.pip})
    root = "" if os.geteuid() == 0 else "sudo "
    steps = [f"{root}apt-get install --yes --no-install-recommends {' '.join(debian)}"] if debian else []
    if pip:
        steps.append(f"{python()} -m pip install {' '.join(pip)}")
    return " && ".join(steps)


def python() -> str:
    """Return this interpreter as one would type it here."""
    executable = Path(sys.executable)
    return str(executable.relative_to(Path.cwd()) if executable.is_relative_to(Path.cwd()) else executable)


@functools.cache
def hidden() -> frozenset[Requirement]:
    """Return what TESTS_WITHOUT hides; raise `ValueError` for a name that is none."""
    names = {name.strip() for name in os.environ.get("TESTS_WITHOUT", "").split(",")} - {""}
    if unknown := sorted(names - {*ALL, "all"}):
        raise ValueError(f"TESTS_WITHOUT knows no {', '.join(unknown)}; it takes all, or of: {', '.join(ALL)}.")
    return frozenset(ALL.values() if "all" in names else map(ALL.__getitem__, names))


# -- modules that are hidden ------------------------------------------------------------------------------------------


def hide_modules() -> None:
    """Make the modules of what is hidden as good as not installed, here and in processes that are started here."""
    sys.modules.update(dict.fromkeys(hidden_modules()))  # type: ignore[arg-type] # None: no such module
    os.environ.update(without_hidden_modules(os.environ))


def without_hidden_modules(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a process that shall not find them either."""
    variables = dict(environment)
    if hidden_modules() or drivers.prelude():
        inherited = variables.get("PYTHONPATH", "").split(os.pathsep)
        places = [blinkers(), *(place for place in inherited if place != blinkers())]
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, places))
    return variables


def hidden_modules() -> tuple[str, ...]:
    """Return the names of the modules that are hidden."""
    return tuple(module for each in hidden() for module in each.modules)


@functools.cache
def blinkers() -> str:
    """Make a folder that hides modules from each interpreter that has it on its path, and chooses its driver."""
    folder = tempfile.mkdtemp(prefix="without-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    text = f"import sys\nsys.modules.update(dict.fromkeys({hidden_modules()!r}))\n{drivers.prelude()}"
    Path(folder, "sitecustomize.py").write_text(text)
    return folder


if __name__ == "__main__":
    print(command(each for each in ALL.values() if not each.is_there))  # noqa: T201 # for a shell
