"""What whoever waited in vain is told to type fits the server that was waited for."""

from __future__ import annotations

import pytest

from auto_migrate.applying.locks.acquire import tables_busy
from auto_migrate.databases.lock_modes import LockMode
from auto_migrate.databases.session_waits import PREPARED, Reason, endings_of_sessions, in_the_way
from auto_migrate.values import Blocker, MigrationKey


@pytest.mark.parametrize(("pid", "can_be_ended"), [(7, True), (None, False)])
def test_only_a_session_that_has_a_pid_can_be_ended_by_it(pid: int | None, can_be_ended: bool) -> None:
    blocker = Blocker("", pid, "host", "", "", autovacuum=False, age=None, query="")
    told = in_the_way(Reason.STATEMENT, 1.0, (blocker,)).hint
    assert ("SELECT pg_terminate_backend(7)" in told, "Let it finish and run again" in told) == (can_be_ended, True)


def test_all_that_are_in_the_way_are_named_by_what_ends_them() -> None:
    holders = [Blocker("", pid, "", "", "", autovacuum=False, age=None, query="") for pid in (7, 9, 7, None)]
    assert endings_of_sessions(holders) == "SELECT pg_terminate_backend(7); SELECT pg_terminate_backend(9)"
    busy = tables_busy(MigrationKey("shop", "0002"), {"shop_order": LockMode.ACCESS_EXCLUSIVE}, holders, 3.0)
    assert "SELECT pg_terminate_backend(7); SELECT pg_terminate_backend(9), or raise" in busy.hint


def test_a_prepared_transaction_is_ended_by_its_name() -> None:
    query = "PREPARE TRANSACTION 'billing 7'"
    blocker = Blocker("", None, "ana", "", PREPARED, autovacuum=False, age=7.0, query=query)
    told = in_the_way(Reason.STATEMENT, 1.0, (blocker,)).hint
    assert f"ana, prepared transaction, open for 7s, {query}" in told
    assert "ROLLBACK PREPARED" in told
    assert "pg_terminate_backend" not in told
