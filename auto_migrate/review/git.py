"""What a change brings, told by git: the files that differ from where the branch began."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

from django.utils.translation import gettext as _

from auto_migrate.exceptions import UsageError


def changed_files(since: str, folder: Path) -> frozenset[Path]:
    """Return the files in the work tree around `folder` that were added or changed since a branch left `since`.

    What is not committed and what is not even added counts, what is ignored does not. Raise `UsageError` where git
    cannot tell.
    """
    top = top_of(folder)
    begin = merge_base(since, top)
    changed = git("diff", "--name-only", "-z", "--no-renames", "--no-relative", "--diff-filter=d", begin, "--", top=top)
    untracked = git("ls-files", "-z", "--others", "--exclude-standard", top=top)
    return frozenset((top / name).resolve() for name in (changed + untracked).split("\0") if name)


def top_around(folder: Path) -> Path:
    """Return the folder at the top of the repository, or `folder` itself where there is none or no git."""
    try:
        return top_of(folder)
    except UsageError:
        return folder.resolve()


def top_of(folder: Path) -> Path:
    """Return the folder at the top of the repository that holds `folder`; raise `UsageError` if there is none."""
    process = run("rev-parse", "--show-toplevel", top=folder)
    if process.returncode:
        raise UsageError(
            _("{folder} is in no git repository that git would read: {error}").format(
                folder=folder, error=error_output(process)
            ),
            hint=_("Run it inside the repository, or name the migrations: manage.py assess_migrations shop.0007"),
        )
    return Path(process.stdout.removesuffix("\n")).resolve()


def merge_base(since: str, top: Path) -> str:
    """Return the commit at which HEAD left `since`; raise `UsageError` if there is none to be found."""
    # What begins with a dash is an option to git and cannot name a commit.
    commit = run("rev-parse", "--verify", "--quiet", f"{since.lstrip('-')}^{{commit}}", top=top)
    if commit.returncode or since.startswith("-"):
        raise UsageError(
            _("Git knows no commit {since!r} here.").format(since=since), hint=hint_at_fetching(since, top)
        )
    found = run("merge-base", commit.stdout.strip(), "HEAD", top=top)
    if found.returncode:
        text = _("Git knows no commit from which both {since!r} and HEAD come.")
        raise UsageError(text.format(since=since), hint=hint_at_fetching(since, top))
    return found.stdout.strip()


def export(commit: str, top: Path, folder: Path) -> None:
    """Put all files of a commit into a folder; raise `UsageError` if git cannot."""
    command = ["git", "archive", "--format=tar", commit]
    with subprocess.Popen(command, cwd=top, stdout=subprocess.PIPE) as process:  # noqa: S603
        assert process.stdout  # noqa: S101 # it is a pipe
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                archive.extractall(folder, filter="data")
        except (tarfile.TarError, OSError) as error:
            process.kill()
            text = _("git {arguments} failed: {error}")
            raise UsageError(text.format(arguments=" ".join(command[1:]), error=error)) from error


def hint_at_fetching(since: str, top: Path) -> str:
    """Say what to type where history is missing."""
    if git("rev-parse", "--is-shallow-repository", top=top).strip() == "true":
        return _("The clone is shallow. Fetch all of it: git fetch --unshallow (actions/checkout: fetch-depth: 0)")
    remote, slash, branch = since.partition("/")
    if slash:
        return _("Fetch it: git fetch {remote} {branch}").format(remote=remote, branch=branch)
    return _("See what there is: git branch --all")


def git(*arguments: str, top: Path) -> str:
    """Run git and return what it writes; raise `UsageError` if it fails."""
    process = run(*arguments, top=top)
    if process.returncode:
        text = _("git {arguments} failed: {error}")
        raise UsageError(text.format(arguments=" ".join(arguments), error=error_output(process)))
    return process.stdout


def run(*arguments: str, top: Path) -> subprocess.CompletedProcess[str]:
    """Run git in a folder; raise `UsageError` where it is not installed."""
    try:
        return subprocess.run(  # noqa: S603 # the arguments are ours, and no shell reads them
            ["git", *arguments],  # noqa: S607 # git is found on PATH, as everywhere
            cwd=top,
            check=False,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
        )
    except FileNotFoundError as error:
        raise UsageError(
            _("Git is not installed here."),
            hint=_("Install git, or name the migrations: manage.py assess_migrations shop.0007"),
        ) from error


def error_output(process: subprocess.CompletedProcess[str]) -> str:
    """Return what git said, in one line."""
    return process.stderr.strip().splitlines()[0] if process.stderr.strip() else str(process.returncode)
