"""What git says a branch brings, in repositories made for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from auto_migrate.exceptions import UsageError
from auto_migrate.review.git import changed_files, top_around
from tests.repository import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Return a repository with a branch that left `main` after its first commit."""
    repository = Repository(tmp_path / "repository")
    repository.write("a.py", "1")
    repository.write("shop/b.py", "1")
    repository.commit("first")
    repository.git("switch", "--quiet", "--create", "topic")
    return repository


def names(repository: Repository, since: str = "main", folder: str = "") -> set[str]:
    """Return the changed files, relative to the repository."""
    found = changed_files(since, repository.folder / folder)
    return {path.relative_to(repository.folder.resolve()).as_posix() for path in found}


def test_a_branch_with_nothing_new_brings_nothing(repository: Repository) -> None:
    assert names(repository) == set()


def test_what_is_committed_staged_changed_and_untracked_counts(repository: Repository) -> None:
    repository.write("committed.py", "1")
    repository.commit("second")
    repository.write("staged.py", "1")
    repository.git("add", "staged.py")
    repository.write("a.py", "2")
    repository.write("shop/untracked né.py", "1")
    assert names(repository) == {"committed.py", "staged.py", "a.py", "shop/untracked né.py"}


def test_what_is_ignored_or_gone_does_not_count(repository: Repository) -> None:
    repository.write(".gitignore", "ignored.py\n")
    repository.commit("ignore")
    repository.write("ignored.py", "1")
    (repository.folder / "a.py").unlink()
    assert names(repository) == {".gitignore"}


def test_a_renamed_file_counts_under_its_new_name(repository: Repository) -> None:
    repository.git("mv", "a.py", "c.py")
    assert names(repository) == {"c.py"}


def test_what_the_other_branch_has_gained_since_does_not_count(repository: Repository) -> None:
    repository.write("ours.py", "1")
    repository.commit("ours")
    repository.git("switch", "--quiet", "main")
    repository.write("theirs.py", "1")
    repository.write("a.py", "theirs")
    repository.commit("theirs")
    repository.git("switch", "--quiet", "topic")
    assert names(repository) == {"ours.py"}


def test_it_is_the_same_from_a_folder_within(repository: Repository) -> None:
    repository.git("config", "diff.relative", "true")
    repository.write("a.py", "2")
    repository.write("shop/new.py", "1")
    assert names(repository, folder="shop") == {"a.py", "shop/new.py"}


def test_a_commit_by_its_hash_will_do(repository: Repository) -> None:
    repository.write("new.py", "1")
    repository.commit("new")
    assert names(repository, since=repository.git("rev-parse", "HEAD~1").strip()) == {"new.py"}


@pytest.mark.parametrize("since", ["nowhere", "-x", "--all", "HEAD:a.py", ""])
def test_what_is_no_commit_is_refused_by_its_name(repository: Repository, since: str) -> None:
    with pytest.raises(UsageError, match=f"no commit '{since}'") as refused:
        changed_files(since, repository.folder)
    assert refused.value.hint == "See what there is: git branch --all"


def test_a_remote_branch_that_is_not_here_is_to_be_fetched(repository: Repository) -> None:
    with pytest.raises(UsageError) as refused:
        changed_files("origin/release/7", repository.folder)
    assert refused.value.hint == "Fetch it: git fetch origin release/7"


def test_a_shallow_clone_is_told_how_to_become_whole(repository: Repository, tmp_path: Path) -> None:
    """As actions/checkout makes it: the last commit of each branch, and nothing that they have in common."""
    repository.write("new.py", "1")
    repository.commit("new")
    repository.git("switch", "--quiet", "main")
    repository.write("theirs.py", "1")
    repository.commit("theirs")
    repository.git("switch", "--quiet", "topic")
    shallow = repository.clone(tmp_path / "clone", "--depth=1", "--no-single-branch")
    for since in ("origin/main", "origin/missing"):
        with pytest.raises(UsageError) as refused:
            changed_files(since, shallow.folder)
        assert "git fetch --unshallow" in refused.value.hint
    shallow.git("fetch", "--quiet", "--unshallow")
    assert names(shallow, since="origin/main") == {"new.py"}


def test_branches_with_nothing_in_common_are_refused(repository: Repository) -> None:
    repository.git("switch", "--quiet", "--orphan", "other")
    repository.write("new.py", "1")
    repository.commit("new")
    with pytest.raises(UsageError, match="from which both 'main' and HEAD come"):
        changed_files("main", repository.folder)


def test_a_folder_without_a_repository_is_refused_with_what_git_says(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a git repository") as refused:
        changed_files("main", tmp_path)
    assert "name the migrations" in refused.value.hint
    assert top_around(tmp_path) == tmp_path.resolve()


def test_a_machine_without_git_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="Git is not installed") as refused:
        changed_files("main", tmp_path)
    assert "name the migrations" in refused.value.hint


def test_a_work_tree_of_its_own_is_looked_at(repository: Repository, tmp_path: Path) -> None:
    repository.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    (tmp_path / "side" / "new.py").write_text("1")
    assert changed_files("main", tmp_path / "side") == {(tmp_path / "side" / "new.py").resolve()}
