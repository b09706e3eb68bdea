import pytest

from candlewick.exchange import budget
from candlewick.exchange.budget import Counted, WeightBudget
from candlewick.exchange.errors import BudgetExhausted, IpBanned, RateLimited
from candlewick.exchange.state import HostState

MINUTE = 28_620_720
NOW_MS = MINUTE * 60_000 + 15_000
RULES = WeightBudget(share=0.8)


def state(**fields):
    return HostState("api.test", **({"window_minute": MINUTE, "weight_limit": 6000} | fields))


def obstacle(subject, weight=2, now_ms=NOW_MS, *, clock_known=True):
    return RULES.obstacle(subject, weight, now_ms, clock_known=clock_known)


def test_the_last_weight_inside_our_share_is_granted_and_the_next_waits_for_the_minute():
    assert obstacle(state(used_weight=4798)) is None
    error = obstacle(state(used_weight=4799))
    assert isinstance(error, BudgetExhausted)
    assert error.retry_after_seconds == 45


def test_until_the_limit_is_known_the_lowest_one_counts():
    assert obstacle(state(weight_limit=None, used_weight=958)) is None
    assert isinstance(obstacle(state(weight_limit=None, used_weight=959)), BudgetExhausted)


def test_weight_of_another_minute_does_not_count():
    assert obstacle(state(window_minute=MINUTE - 1, used_weight=4800)) is None


def test_a_process_a_moment_behind_respects_the_minute_another_has_entered():
    error = obstacle(state(window_minute=MINUTE + 1, used_weight=4800), now_ms=(MINUTE + 1) * 60_000 - 100)
    assert error.retry_after_seconds == pytest.approx(60.1)


def test_a_minute_far_in_the_future_is_not_believed():
    subject = state(window_minute=MINUTE + 500, used_weight=4800)
    assert obstacle(subject) is None
    RULES.reserve(subject, 2, NOW_MS, clock_known=True)
    assert (subject.window_minute, subject.used_weight) == (MINUTE, 2)


def test_reserving_counts_and_a_new_minute_starts_from_zero():
    subject = state(used_weight=10)
    RULES.reserve(subject, 2, NOW_MS, clock_known=True)
    assert subject.used_weight == 12
    RULES.reserve(subject, 5, NOW_MS + 60_000, clock_known=True)
    assert (subject.window_minute, subject.used_weight) == (MINUTE + 1, 5)


def test_with_an_unknown_clock_weight_is_added_and_never_refused():
    subject = state(used_weight=4800)
    assert obstacle(subject, now_ms=NOW_MS + 9_000_000, clock_known=False) is None
    RULES.reserve(subject, 1, NOW_MS + 9_000_000, clock_known=False)
    assert (subject.window_minute, subject.used_weight) == (MINUTE, 4801)


def test_the_exchanges_counter_only_raises_ours():
    subject = state(used_weight=100)
    budget.settle(subject, Counted(2, MINUTE, MINUTE, MINUTE, 90))
    assert subject.used_weight == 100
    budget.settle(subject, Counted(2, MINUTE, MINUTE, MINUTE, 130))
    assert subject.used_weight == 130


def test_an_answer_across_the_minute_adds_its_weight_to_the_new_one_and_its_counter_is_not_used():
    subject = state(used_weight=4000)
    budget.settle(subject, Counted(2, MINUTE, MINUTE, MINUTE + 1, 4002))
    assert (subject.window_minute, subject.used_weight) == (MINUTE + 1, 2)


def test_weight_sent_before_the_clock_was_known_is_added_once_it_is():
    subject = state(window_minute=0, used_weight=1)
    budget.settle(subject, Counted(1, 0, MINUTE, MINUTE, None))
    assert (subject.window_minute, subject.used_weight) == (MINUTE, 1)


def test_a_counter_of_a_minute_that_is_over_is_ignored():
    subject = state(window_minute=MINUTE + 1, used_weight=4)
    budget.settle(subject, Counted(2, MINUTE, MINUTE, MINUTE, 4000))
    assert (subject.window_minute, subject.used_weight) == (MINUTE + 1, 4)


def test_a_ban_refuses_until_its_very_end():
    subject = state()
    budget.ban([subject], NOW_MS + 1000, "418")
    with pytest.raises(IpBanned, match=r"another 1 s \(418\)") as caught:
        RULES.check_ban(subject, NOW_MS)
    assert caught.value.until_ms == NOW_MS + 1000
    RULES.check_ban(subject, NOW_MS + 1000)


def test_a_ban_is_never_shortened():
    subject = state()
    budget.ban([subject], NOW_MS + 9000, "long")
    budget.ban([subject], NOW_MS + 1000, "short")
    assert (subject.banned_until_ms, subject.ban_reason) == (NOW_MS + 9000, "long")


def test_a_pause_is_waited_for_and_never_shortened():
    subject = state()
    budget.pause([subject], NOW_MS + 3000)
    budget.pause([subject], NOW_MS + 1000)
    error = obstacle(subject)
    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == 3
    assert obstacle(subject, now_ms=NOW_MS + 3000) is None
