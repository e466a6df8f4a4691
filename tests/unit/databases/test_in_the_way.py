"""What whoever waited in vain is told to type fits the server that was waited for."""

from __future__ import annotations

import pytest

from auto_migrate.databases.session_waits import PREPARED, Reason, in_the_way
from auto_migrate.values import Blocker


@pytest.mark.parametrize(("pid", "can_be_ended"), [(7, True), (None, False)])
def test_only_a_session_that_has_a_pid_can_be_ended_by_it(pid: int | None, can_be_ended: bool) -> None:
    blocker = Blocker("", pid, "host", "", "", autovacuum=False, age=None, query="")
    told = in_the_way(Reason.STATEMENT, 1.0, (blocker,)).hint
    assert ("pg_terminate_backend" in told, "Let it finish and run again" in told) == (can_be_ended, True)


def test_a_prepared_transaction_is_ended_by_its_name() -> None:
    query = "PREPARE TRANSACTION 'billing 7'"
    blocker = Blocker("", None, "ana", "", PREPARED, autovacuum=False, age=7.0, query=query)
    told = in_the_way(Reason.STATEMENT, 1.0, (blocker,)).hint
    assert f"ana, prepared transaction, open for 7s, {query}" in told
    assert "ROLLBACK PREPARED" in told
    assert "pg_terminate_backend" not in told
