"""Git repositories that tests make."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.requirements import GIT

# No configuration of whoever runs the tests, and the same author everywhere.
ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "Test",
    "GIT_AUTHOR_EMAIL": "test@example.com",
    "GIT_COMMITTER_NAME": "Test",
    "GIT_COMMITTER_EMAIL": "test@example.com",
}


class Repository:
    """A repository in a folder of its own, whose first branch is `main`."""

    def __init__(self, folder: Path, *, new: bool = True) -> None:
        self.folder = folder
        if new:
            folder.mkdir()
            self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        """Run git in the folder and return what it writes."""
        # Not the repository of a hook that runs the tests.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        process = subprocess.run(
            [GIT.path("git"), *arguments],
            cwd=self.folder,
            env={**kept, **ENVIRONMENT},
            check=True,
            capture_output=True,
            text=True,
        )
        return process.stdout

    def write(self, path: str, content: str) -> None:
        """Write a file."""
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(content)

    def commit(self, message: str) -> None:
        """Commit everything that there is."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def clone(self, folder: Path, *options: str) -> Repository:
        """Clone it as if from another machine."""
        self.git("clone", "--quiet", *options, self.folder.as_uri(), str(folder))
        return Repository(folder, new=False)
