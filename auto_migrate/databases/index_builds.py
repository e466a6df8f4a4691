"""Indexes that are built without holding anybody up, and what is left of such a build."""

from __future__ import annotations

import abc
from collections.abc import Collection

from auto_migrate.clock import Clock
from auto_migrate.databases.session_waits import Tell, tell_nobody
from auto_migrate.values import IndexBuild, IndexCondition


class ConcurrentIndexes(abc.ABC):
    """The means to look at indexes that are built concurrently: whole, or left INVALID by a build that was cut."""

    @abc.abstractmethod
    def condition(self, name: str) -> IndexCondition:
        """Return what there is of an index."""

    @abc.abstractmethod
    def invalid(self) -> list[str]:
        """Name the indexes that a build left INVALID and that `IF NOT EXISTS` would take for good."""

    @abc.abstractmethod
    def builds(self) -> list[IndexBuild]:
        """Return the builds that go on in the database, whoever's they are."""

    @abc.abstractmethod
    def await_builds(self, clock: Clock, names: Collection[str] | None = None, tell: Tell = tell_nobody) -> None:
        """Let builds end that go on in the server although their client is gone: of the indexes `names`, or of all.

        Raise `DeployLockTimeout` when they have taken longer than this run waits for others.
        """

    @abc.abstractmethod
    def drop(self, name: str) -> None:
        """Drop an index without holding anybody up."""
