"""Retries by kind of error, and what a run is asked to load again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from candlewick.exchange import errors
from candlewick.lake.store import LakeError, LakeUnavailable
from candlewick.pipeline.transform import TransformBusy, TransformFailed
from candlewick.warehouse.database import WarehouseBusy, WarehouseError
from candlewick.wiring import RetryByKind, forced_keys, forces_quarantine


def decide(exception):
    decision = RetryByKind().evaluate(exception, try_number=1, max_tries=2)
    return decision.action.value, decision.retry_delay


@pytest.mark.parametrize(
    "exception", [WarehouseBusy("x"), TransformBusy("x"), LakeUnavailable("x"), errors.Unavailable("x")]
)
def test_what_passes_is_tried_again_after_seconds(exception):
    assert decide(exception) == ("retry", timedelta(seconds=10))


def test_hosts_that_rest_get_more_time():
    assert decide(errors.NoHostLeft("x")) == ("retry", timedelta(seconds=30))


@pytest.mark.parametrize("kind", [errors.RateLimited, errors.BudgetExhausted])
def test_the_exchange_says_how_long_to_wait(kind):
    assert decide(kind("x", retry_after_seconds=42)) == ("retry", timedelta(seconds=42))


@pytest.mark.parametrize(
    "exception",
    [
        errors.BadRequest("x"), errors.UnknownSymbol("x"), errors.HostRefused("x", http_status=451),
        errors.IpBanned("x", until_ms=0), WarehouseError("x"), LakeError("x"), TransformFailed("x"),
    ],
)  # fmt: skip
def test_what_stays_wrong_fails_at_once(exception):
    assert decide(exception) == ("fail", None)


def test_the_unknown_follows_the_tasks_own_retries():
    assert decide(RuntimeError("x")) == ("default", None)


@pytest.mark.parametrize(
    ("given", "keys", "quarantine"),
    [
        (None, [], False),
        ([], [], False),
        ("quarantined", [], True),
        (["quarantined"], [], True),
        (["a.json", "b.json"], ["a.json", "b.json"], False),
        (["a.json", "quarantined"], ["a.json"], True),
    ],
)
def test_force_process_takes_keys_the_word_or_both(given, keys, quarantine):
    params = {"force_process": given}

    assert (forced_keys(params), forces_quarantine(params)) == (keys, quarantine)
