"""Checks what `make build` left in dist/, before anybody can install it.

    python -m tools.check_dist [TAG]

The wheel holds the package as git has it and nothing else, the sdist what a wheel is built from. Both are of one
version, and the page that the registry will show leads to where the repository is. With a TAG, such as v0.1.0, it must
be that version's, the changelog must have a heading for it, and the repository must have an address.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from email.message import Message
from email.parser import BytesParser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
PACKAGE = "auto_migrate"
BESIDE = {"README.md", "README.pt-BR.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "PKG-INFO", ".gitignore"}
"""What the sdist has beside the package; hatchling adds the last three by itself."""
NOWHERE = ".example/"


def main(arguments: Sequence[str]) -> int:
    """Print what is wrong, and return the exit code."""
    tag = arguments[0] if arguments else ""
    found = list(problems(DIST, tag))
    for problem in found:
        sys.stderr.write(f"✖ {problem}\n")
    if not found:
        sys.stdout.write(f"✅ {', '.join(path.name for path in built(DIST))} hold what they should.\n")
    return 1 if found else 0


def built(dist: Path) -> list[Path]:
    """Return the wheels and sdists of a folder."""
    return sorted([*dist.glob("*.whl"), *dist.glob("*.tar.gz")])


def problems(dist: Path, tag: str = "") -> Iterator[str]:
    """Return what keeps a folder's files from being published, sentence by sentence."""
    if sorted(path.suffix for path in built(dist)) != [".gz", ".whl"]:
        names = ", ".join(path.name for path in built(dist)) or "nothing"
        yield f"{dist} has {names}; one wheel and one sdist are wanted: rm -rf dist && make build"
        return
    [wheel], [sdist] = dist.glob("*.whl"), dist.glob("*.tar.gz")
    package = tracked()
    with zipfile.ZipFile(wheel) as archive:
        files = set(archive.namelist())
        [name] = [file for file in files if file.endswith(".dist-info/METADATA")]
        metadata = BytesParser().parsebytes(archive.read(name))
    information = name.removesuffix("METADATA")
    about = {f"{information}{file}" for file in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")}
    yield from differences(wheel, files, package | about)
    with tarfile.open(sdist) as tar:
        members = {member.name.partition("/")[2] for member in tar.getmembers() if member.isfile()}
    yield from differences(sdist, members, package | BESIDE)
    yield from told_wrongly(metadata, sdist)
    if tag:
        yield from unready(metadata, tag)


def tracked() -> set[str]:
    """Return the files of the package that git has."""
    listed = ["git", "-C", str(ROOT), "ls-files", "-z", PACKAGE]
    return set(subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split("\0")) - {""}  # noqa: S603


def differences(path: Path, files: set[str], wanted: set[str]) -> Iterator[str]:
    """Return what an archive lacks, and what it should not have."""
    for file in sorted(wanted - files):
        yield f"{path.name} lacks {file}."
    for file in sorted(files - wanted):
        yield f"{path.name} holds {file}, which is no part of it."


def told_wrongly(metadata: Message, sdist: Path) -> Iterator[str]:
    """Return what the registry's page would say that is not so."""
    if not sdist.name.endswith(f"-{metadata['Version']}.tar.gz"):
        yield f"{sdist.name} is of another version than the wheel, {metadata['Version']}."
    page = str(metadata.get_payload())
    for link in re.findall(r"\]\((?!\w+:|#)([^)]*)\)", page):
        yield f"The page links to {link}, which only the repository has."
    repository = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["Repository"]
    addresses = set(re.findall(r"\]\((https?://[^)]*)/blob/main/", page))
    if addresses != {repository}:
        yield f"The page leads to {', '.join(sorted(addresses)) or 'nowhere'}, and the repository is at {repository}."


def unready(metadata: Message, tag: str) -> Iterator[str]:
    """Return what keeps this version from being published under a tag."""
    version = str(metadata["Version"])
    if tag != f"v{version}":
        yield f"The tag is {tag}, and the version {version}: set auto_migrate/version.py, or tag v{version}."
    heading = rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$"
    if not re.search(heading, (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE):
        yield f"CHANGELOG.md has no heading `## [{version}] - YYYY-MM-DD`."
    if any(NOWHERE in f"{address}/" for address in metadata.get_all("Project-URL", [])):
        yield "The repository has no address yet: set it in pyproject.toml, in both places that say git.example."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
