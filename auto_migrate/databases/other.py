"""A database that this package does not know: Django's own behaviour, without a deploy lock."""

from __future__ import annotations

from django.db import OperationalError

from auto_migrate.databases.base import Database, DeployLock, NoLock
from auto_migrate.databases.faults import Fault, FaultKind, causes, first_line


class Other(Database):
    """Any vendor, for projects that set `LOCK = "none"`."""

    vendor = "other"

    def check_writable(self) -> None:
        return

    def fault_of(self, error: BaseException) -> Fault | None:
        if any(isinstance(cause, OperationalError) for cause in causes(error)) and not self.connection.is_usable():
            return Fault(FaultKind.UNREACHABLE, first_line(error))
        return None

    def deploy_lock(self, runner: str) -> DeployLock:
        return NoLock()
