"""A span by REST into the lake and the queue of the backfill lane, on real servers and the simulated exchange."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from candlewick.exchange.errors import BudgetExhausted, IpBanned, Unavailable, UnknownSymbol
from candlewick.market import Interval
from candlewick.pipeline.rest_span import fetch_span
from candlewick.warehouse.database import WarehouseBusy, from_ms, to_ms
from support.minute_path import NOON, ask, keys

START = datetime(2024, 5, 20)


@pytest.fixture
def fetch(binance, lake, warehouse):
    def fetch(start, end, symbol="BTCUSDT", interval=Interval.MINUTE_1):
        with binance() as exchange:
            return fetch_span(
                exchange, lake, warehouse, symbol, interval, to_ms(start), to_ms(end), "run", label="a span"
            )

    return fetch


def test_a_span_is_paged_through_and_queued_in_the_backfill_lane(fetch, lake, warehouse):
    found = fetch(START, START + timedelta(minutes=2500))

    rows = ask(
        warehouse,
        "SELECT outcome_id, object_key, lane, load_state, source, shard, row_count, first_open_time "
        "FROM extraction_outcomes ORDER BY 1",
    )
    assert [row[0] for row in rows] == found.object_ids
    assert sorted(row[1] for row in rows) == sorted(found.object_keys) == sorted(keys(lake))
    assert {row[2:6] for row in rows} == {("backfill", "pending", "rest", "a span")}
    assert [row[6] for row in rows] == [1000, 1000, 500]
    assert rows[1][7] == START + timedelta(minutes=1000)
    assert (found.rows, found.first_open_ms) == (2500, to_ms(START))
    assert from_ms(found.last_open_ms) == START + timedelta(minutes=2499)


def test_the_end_is_no_longer_wanted_and_the_start_need_not_be_on_the_grid(fetch):
    found = fetch(START + timedelta(seconds=1), START + timedelta(hours=4), interval=Interval.HOUR_1)

    assert (from_ms(found.first_open_ms), from_ms(found.last_open_ms)) == (
        START + timedelta(hours=1),
        START + timedelta(hours=3),
    )


def test_two_spans_captured_at_once_never_share_a_key(fetch, monkeypatch):
    monkeypatch.setattr("candlewick.exchange.clock.time.time_ns", lambda: to_ms(NOON) * 1_000_000)
    first = fetch(START, START + timedelta(minutes=5))
    second = fetch(START + timedelta(minutes=10), START + timedelta(minutes=15))

    assert first.object_keys != second.object_keys


def test_the_same_question_in_the_same_millisecond_is_asked_again_later(fetch, monkeypatch):
    monkeypatch.setattr("candlewick.exchange.clock.time.time_ns", lambda: to_ms(NOON) * 1_000_000)
    fetch(START, START + timedelta(minutes=5))

    with pytest.raises(WarehouseBusy, match="Duplicate entry"):
        fetch(START, START + timedelta(minutes=5))


def test_an_answer_without_candles_is_kept_as_evidence(fetch, market, lake, warehouse):
    market.add_faults({"kind": "outage", "start": to_ms(START), "end": to_ms(NOON)})
    found = fetch(START, START + timedelta(minutes=10))

    assert (found.rows, found.first_open_ms) == (0, None)
    assert len(keys(lake)) == 1
    assert ask(warehouse, "SELECT row_count, load_state FROM extraction_outcomes") == [(0, "pending")]


def test_an_answer_nobody_can_read_is_kept_and_told(fetch, market, warehouse):
    market.add_faults({"kind": "html", "path": "klines", "count": 1})

    with pytest.raises(Unavailable, match="empty list"):
        fetch(START, START + timedelta(minutes=10))
    assert ask(warehouse, "SELECT status, load_state FROM extraction_outcomes") == [("stored", "pending")]


def test_what_came_before_an_error_is_queued_and_the_error_has_a_row(binance, lake, warehouse, market):
    class BannedAfterAPage:
        """The exchange until it has given a page."""

        def __init__(self, exchange):
            self.exchange, self.capabilities = exchange, exchange.capabilities

        def klines(self, *question):
            answer = self.exchange.klines(*question)
            market.add_faults({"kind": "418", "path": "klines", "count": 1})
            return answer

    with binance() as exchange, pytest.raises(IpBanned):
        fetch_span(
            BannedAfterAPage(exchange), lake, warehouse, "BTCUSDT", Interval.MINUTE_1, to_ms(START), to_ms(NOON), "run",
            label="a span",
        )  # fmt: skip

    states = ask(warehouse, "SELECT status, error_kind, page FROM extraction_outcomes ORDER BY outcome_id")
    first = to_ms(START) // 60_000
    assert states == [("stored", None, first), ("failed", "IpBanned", first + 1000)]


def test_a_symbol_nobody_knows_is_an_error_at_once(fetch):
    with pytest.raises(UnknownSymbol):
        fetch(START, START + timedelta(minutes=10), symbol="NOSUCHUSDT")


def test_a_used_up_minute_is_waited_out_as_long_as_was_named(lake, warehouse, monkeypatch):
    waited: list[float] = []
    monkeypatch.setattr("candlewick.pipeline.rest_span.time.sleep", waited.append)

    with pytest.raises(BudgetExhausted):
        fetch_span(
            NoRoom(), lake, warehouse, "BTCUSDT", Interval.MINUTE_1, to_ms(START), to_ms(NOON), "run", label="a span"
        )

    assert waited == [42.0] * 14
    assert ask(warehouse, "SELECT status, error_kind FROM extraction_outcomes") == [("failed", "BudgetExhausted")]


class NoRoom:
    """An exchange whose minute is always used up."""

    class capabilities:  # noqa: N801  # the port's name
        klines_page_limit = 1000

    def klines(self, *_):
        raise BudgetExhausted("expected room, got none", retry_after_seconds=42.0)
