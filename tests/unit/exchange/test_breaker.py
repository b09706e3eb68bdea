from candlewick.exchange.breaker import Breaker
from candlewick.exchange.state import BreakerState, HostState

BREAKER = Breaker(failures=3, reset_ms=60_000)
NOW_MS = 1_717_243_200_000


def opened():
    state = HostState("api.test")
    for _ in range(3):
        BREAKER.failed(state, NOW_MS)
    return state


def test_it_opens_at_the_last_of_the_failures_in_a_row():
    state = HostState("api.test")
    BREAKER.failed(state, NOW_MS)
    BREAKER.failed(state, NOW_MS)
    assert BREAKER.rests_for_ms(state, NOW_MS) == 0
    BREAKER.failed(state, NOW_MS)
    assert BREAKER.rests_for_ms(state, NOW_MS + 1000) == 59_000


def test_an_answer_in_between_starts_the_count_anew():
    state = HostState("api.test")
    for _ in range(3):
        BREAKER.failed(state, NOW_MS)
        BREAKER.succeeded(state)
    assert state.breaker_state is BreakerState.CLOSED


def test_after_the_rest_one_trial_passes_and_the_others_wait_for_it():
    state = opened()
    later = NOW_MS + 60_000
    assert BREAKER.rests_for_ms(state, later) == 0
    BREAKER.enter(state, later)
    assert state.breaker_state is BreakerState.HALF_OPEN
    assert BREAKER.rests_for_ms(state, later + 1) == 59_999


def test_the_trials_answer_closes_it():
    state = opened()
    BREAKER.enter(state, NOW_MS + 60_000)
    BREAKER.succeeded(state)
    assert state == HostState("api.test")


def test_the_trials_failure_opens_it_again():
    state = opened()
    BREAKER.enter(state, NOW_MS + 60_000)
    BREAKER.failed(state, NOW_MS + 61_000)
    assert state.breaker_state is BreakerState.OPEN
    assert BREAKER.rests_for_ms(state, NOW_MS + 61_000) == 60_000


def test_a_trial_that_never_reported_is_given_up():
    state = opened()
    BREAKER.enter(state, NOW_MS + 60_000)
    assert BREAKER.rests_for_ms(state, NOW_MS + 120_000) == 0


def test_failures_that_come_in_late_do_not_prolong_the_rest():
    state = opened()
    BREAKER.failed(state, NOW_MS + 30_000)
    assert BREAKER.rests_for_ms(state, NOW_MS + 60_000) == 0


def test_a_stamp_from_a_clock_far_ahead_makes_no_host_rest_longer():
    state = opened()
    assert BREAKER.rests_for_ms(state, NOW_MS - 3_600_000) == 0
