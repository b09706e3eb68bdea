"""A caller's bucket of tokens; the clock is the test's."""

from __future__ import annotations

import pytest

from candlewick_ui import rate_limit
from candlewick_ui.rate_limit import RateLimit


class Seconds:
    """A clock that goes when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Seconds()


def test_a_minutes_worth_may_be_asked_at_once_and_the_next_has_to_wait(clock):
    limit = RateLimit(60, clock)

    assert [limit.wait("ann") for _ in range(60)] == [0.0] * 60
    assert limit.wait("ann") == pytest.approx(1.0)


def test_who_waits_as_long_as_told_may_ask_again_once(clock):
    limit = RateLimit(60, clock)
    for _ in range(60):
        limit.wait("ann")
    clock.now += limit.wait("ann")

    assert limit.wait("ann") == 0.0
    assert limit.wait("ann") > 0.0


def test_a_refused_request_does_not_make_the_wait_longer(clock):
    limit = RateLimit(60, clock)
    for _ in range(60):
        limit.wait("ann")

    assert [limit.wait("ann") for _ in range(5)] == [pytest.approx(1.0)] * 5


def test_callers_do_not_share_a_bucket(clock):
    limit = RateLimit(1, clock)
    limit.wait("ann")

    assert limit.wait("bob") == 0.0
    assert limit.wait("ann") > 0.0


def test_a_bucket_never_holds_more_than_a_minutes_worth(clock):
    limit = RateLimit(2, clock)
    limit.wait("ann")
    clock.now += 3600

    assert [limit.wait("ann") > 0 for _ in range(3)] == [False, False, True]


def test_zero_means_no_limit(clock):
    limit = RateLimit(0, clock)

    assert [limit.wait("ann") for _ in range(1000)] == [0.0] * 1000


def test_never_are_more_callers_remembered_than_there_is_room_for(clock, monkeypatch):
    monkeypatch.setattr(rate_limit, "MOST_CALLERS", 10)
    limit = RateLimit(60, clock)
    for number in range(1000):
        limit.wait(f"caller {number}")
        limit.wait("ann")
        assert len(limit._left) <= 10

    assert "ann" in limit._left


def test_a_caller_that_asks_all_the_time_is_not_forgotten_for_others(clock, monkeypatch):
    monkeypatch.setattr(rate_limit, "MOST_CALLERS", 10)
    limit = RateLimit(60, clock)
    waits = []
    for number in range(70):
        waits.append(limit.wait("ann"))
        limit.wait(f"caller {number}")

    assert waits[:60] == [0.0] * 60
    assert min(waits[60:]) > 0.0
