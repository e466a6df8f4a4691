"""When a lock may be awaited in the server's queue, and for how long: told from what was seen of the holders."""

from __future__ import annotations

import itertools

import pytest

from auto_migrate.applying.locks.acquire import POLL, BlockerWatch, Limits
from auto_migrate.databases.session_waits import describe_blocker
from auto_migrate.values import Blocker

LIMITS = Limits(first=0.2, ceiling=1.0, patience=300.0)
START = 1000.0
READY = START + LIMITS.watch


def blocker(age: float | None, pid: int = 1, *, autovacuum: bool = False) -> Blocker:
    return Blocker(
        table="shop_order",
        pid=pid,
        user="web",
        application="gunicorn",
        state="idle in transaction",
        autovacuum=autovacuum,
        age=age,
        query="SELECT 1",
    )


def watch_of(*finished: float, limits: Limits = LIMITS) -> BlockerWatch:
    """Return a watch that has seen holders of these ages come and go."""
    watch = BlockerWatch(limits, START)
    for pid, age in enumerate(finished, start=100):
        watch.see([blocker(age, pid)])
    watch.see([])
    return watch


def test_nothing_is_queued_while_traffic_may_still_leave_a_gap() -> None:
    watch = watch_of(0.3)
    assert watch.queue_for([], READY - 0.001) is None
    assert watch.queue_for([], READY) is not None


def test_the_first_attempt_is_as_short_as_the_settings_say_when_holders_are_quick() -> None:
    assert watch_of(0.01).queue_for([], READY) == LIMITS.first


def test_an_attempt_is_long_enough_for_the_slowest_holder_that_has_finished() -> None:
    size = watch_of(0.3, 0.5, 0.1).queue_for([], READY)
    assert size == pytest.approx(0.5 * 1.5 + 2 * POLL)


def test_a_holder_who_is_still_there_does_not_count_as_finished() -> None:
    watch = BlockerWatch(LIMITS, START)
    watch.see([blocker(0.1)])
    watch.see([blocker(0.15)])
    assert watch.queue_for([], READY) == LIMITS.first


def test_a_session_in_its_next_transaction_has_finished_the_one_before() -> None:
    watch = BlockerWatch(LIMITS, START)
    watch.see([blocker(0.4)])
    watch.see([blocker(0.02)])
    assert watch.queue_for([], READY) == pytest.approx(0.4 * 1.5 + 2 * POLL)


def test_nothing_is_queued_behind_a_holder_older_than_the_attempt_would_last() -> None:
    watch = watch_of(0.3)
    young, old = blocker(0.5, 1), blocker(0.6, 2)
    watch.see([young, old])
    assert watch.queue_for([young], READY) == pytest.approx(0.55)
    assert watch.queue_for([young, old], READY) is None
    assert watch.queue_for([blocker(20.0, 2)], READY) is None


def test_nobody_who_was_seen_is_queued_behind_for_longer_than_the_ceiling() -> None:
    watch = watch_of(20.0)
    assert watch.queue_for([], READY) == LIMITS.ceiling


def test_a_failed_attempt_lets_traffic_recover_and_asks_for_more_the_next_time() -> None:
    watch = watch_of(0.2)
    first = watch.queue_for([], READY)
    assert first is not None
    ended = READY + first
    watch.failed(first, ended)
    rested = ended + LIMITS.rest * first
    assert watch.queue_for([], rested - 0.001) is None
    assert watch.queue_for([], rested) == pytest.approx(first * 1.5)


def test_attempts_grow_no_further_than_the_ceiling() -> None:
    watch, now, sizes = watch_of(0.3), READY, []
    for _attempt in range(6):
        size = watch.queue_for([], now)
        assert size is not None
        sizes.append(size)
        watch.failed(size, now)
        now += LIMITS.rest * size
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] == sizes[-2] == LIMITS.ceiling


def test_traffic_is_stopped_for_a_fifth_of_the_time_at_most() -> None:
    watch, now, stopped = watch_of(0.3), READY, 0.0
    for now in itertools.takewhile(lambda now: now < READY + 120, itertools.count(READY, 0.05)):
        if (size := watch.queue_for([], now)) is not None:
            stopped += size
            watch.failed(size, now + size)
    assert 0 < stopped <= 120 / (1 + LIMITS.rest) + LIMITS.ceiling


def test_autovacuum_however_old_is_no_reason_not_to_queue_and_gets_the_time_to_give_way() -> None:
    watch = watch_of(0.01)
    vacuum = blocker(3600.0, 7, autovacuum=True)
    watch.see([vacuum])
    assert watch.queue_for([vacuum], READY) == LIMITS.autovacuum
    assert LIMITS.autovacuum > 1.0, "deadlock_timeout has to pass before autovacuum is cancelled"


def test_autovacuum_beside_an_old_transaction_is_not_queued_behind() -> None:
    watch = watch_of(0.01)
    seen = [blocker(3600.0, 7, autovacuum=True), blocker(20.0, 8)]
    watch.see(seen)
    assert watch.queue_for(seen, READY) is None


def test_what_the_server_hides_is_left_out_of_the_description() -> None:
    hidden = Blocker("shop_order", 42, "web", "", "", autovacuum=False, age=None, query="")
    assert describe_blocker(hidden) == "  shop_order: pid 42, web"
    assert describe_blocker(blocker(20.4, 42)) == (
        "  shop_order: pid 42, web, gunicorn, idle in transaction, open for 20s, SELECT 1"
    )
