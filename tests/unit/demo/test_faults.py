"""Faults on demand do what the control API promises, and nothing to the requests they do not concern."""

from decimal import Decimal

import httpx
import pytest

from candlewick.demo.intervals import MINUTE_MS
from candlewick.demo.market import candles

SEED = 1


def klines(exchange, **params):
    return exchange.get("/api/v3/klines", **{"symbol": "BTCUSDT", "interval": "1m", "limit": 5, **params})


@pytest.mark.parametrize("kind", ["429", "418", "451", "403", "404", "500", "503", "504"])
def test_a_status_stands_instead_of_the_answer_as_often_as_said(exchange, kind):
    exchange.add_faults({"kind": kind, "count": 2})
    assert [klines(exchange).status_code for _ in range(3)] == [int(kind), int(kind), 200]


def test_a_429_and_a_418_say_how_long_to_wait(exchange, now):
    exchange.add_faults(
        {"kind": "429", "retry_after": 7, "count": 1}, {"kind": "418", "retry_after": 90, "path": "/time"}
    )
    assert klines(exchange).headers["Retry-After"] == "7"
    banned = exchange.get("/api/v3/time")
    assert banned.headers["Retry-After"] == "90"
    assert str(now + 90_000) in banned.json()["msg"]


def test_a_fault_strikes_only_the_path_symbol_and_interval_it_names(exchange):
    exchange.add_faults({"kind": "500", "path": "klines", "symbol": "ETHUSDT", "interval": "1h"})
    assert klines(exchange).status_code == 200
    assert klines(exchange, symbol="ETHUSDT").status_code == 200
    assert exchange.get("/api/v3/depth", symbol="ETHUSDT").status_code == 200
    assert klines(exchange, symbol="ETHUSDT", interval="1h").status_code == 500
    assert exchange.get("/data/spot/daily/klines/ETHUSDT/1h/ETHUSDT-1h-2024-05-30.zip").status_code == 500
    assert exchange.get("/data/spot/daily/klines/ETHUSDT/1m/ETHUSDT-1m-2024-05-30.zip").status_code == 200


def test_a_fault_of_one_host_leaves_the_other_whole(exchange):
    first, second = exchange.urls
    exchange.add_faults({"kind": "451", "host": second.rpartition(":")[2]})
    assert httpx.get(f"{first}/api/v3/ping").status_code == 200
    assert httpx.get(f"{second}/api/v3/ping").status_code == 451
    exchange.clear_faults()
    exchange.add_faults({"kind": "403", "host": "localhost"})
    assert httpx.get(f"{first}/api/v3/ping").status_code == 200
    assert httpx.get(f"{first.replace('127.0.0.1', 'localhost')}/api/v3/ping").status_code == 403


def test_a_probability_with_a_seed_strikes_the_same_requests_each_time(exchange):
    def statuses():
        exchange.clear_faults()
        exchange.add_faults({"kind": "503", "probability": 0.5, "seed": 3})
        return [exchange.get("/api/v3/ping").status_code for _ in range(40)]

    first = statuses()
    assert first == statuses()
    assert 8 < first.count(503) < 32


def test_a_cut_off_answer_ends_in_the_middle_of_its_body(exchange):
    exchange.add_faults({"kind": "cutoff", "count": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        klines(exchange)
    assert klines(exchange).status_code == 200


def test_garbage_html_and_empty_are_200_with_a_body_that_is_none(exchange):
    exchange.add_faults({"kind": "garbage", "count": 1})
    with pytest.raises(UnicodeDecodeError):
        klines(exchange).content.decode()
    exchange.add_faults({"kind": "html", "count": 1})
    assert klines(exchange).headers["content-type"] == "text/html"
    exchange.add_faults({"kind": "empty", "count": 1})
    assert klines(exchange).json() == []


def test_slow_answers_and_latency_take_their_time_side_by_side(exchange):
    exchange.add_faults({"kind": "slow", "seconds": 0.2, "count": 1})
    assert klines(exchange).elapsed.total_seconds() > 0.2
    exchange.change_settings(latency_ms=100)
    assert exchange.get("/api/v3/ping").elapsed.total_seconds() > 0.1


def test_duplicates_and_shuffled_rows_are_the_true_rows(exchange):
    true = klines(exchange).json()
    exchange.add_faults({"kind": "duplicates", "count": 1})
    assert klines(exchange).json() == [row for row in true for _ in range(2)]
    exchange.add_faults({"kind": "shuffled", "count": 1})
    mixed = klines(exchange).json()
    assert mixed != true
    assert sorted(mixed) == true


def test_bad_rows_each_break_one_rule(exchange, now):
    true = klines(exchange, limit=9).json()
    exchange.add_faults({"kind": "bad_rows", "count": 1})
    bad = klines(exchange, limit=9).json()
    assert Decimal(bad[0][2]) < Decimal(bad[0][3])
    assert Decimal(bad[1][5]) < 0
    assert len(bad[2]) == 11
    assert bad[3][4] == "notanumber"
    assert bad[4][0] % MINUTE_MS == 17
    assert Decimal(bad[5][9]) > Decimal(bad[5][5])
    assert Decimal(bad[6][3]) == 0
    assert bad[7][1] is None
    assert bad[8][0] > now
    assert bad[8][0] % MINUTE_MS == true[8][0] % MINUTE_MS


def test_one_way_of_going_wrong_can_be_chosen(exchange):
    true = klines(exchange).json()
    exchange.add_faults({"kind": "bad_rows", "variants": ["short_row"]})
    assert klines(exchange).json() == [true[0][:11], *true[1:]]


def test_a_late_revision_turns_into_the_true_candle(exchange, now):
    opened = now // MINUTE_MS * MINUTE_MS
    truth = candles(SEED, "BTCUSDT", "1m", opened, opened, opened + MINUTE_MS)
    exchange.add_faults({"kind": "late_revision", "seconds": 10})
    exchange.set_clock(opened + MINUTE_MS + 2_000)
    early = klines(exchange, startTime=opened, endTime=opened).json()
    exchange.advance(8_000)
    late = klines(exchange, startTime=opened, endTime=opened).json()
    assert late == truth
    assert early != truth
    assert early[0][0] == opened
    assert Decimal(early[0][5]) < Decimal(truth[0][5])


def test_a_mended_outage_gives_the_rows_back(exchange):
    true = klines(exchange).json()
    exchange.add_faults({"kind": "outage", "start": true[1][0], "end": true[3][0]})
    assert [row[0] for row in klines(exchange, startTime=true[0][0]).json()] == [true[i][0] for i in (0, 3, 4)]
    exchange.clear_faults()
    assert klines(exchange).json() == true


def test_a_fault_that_makes_no_sense_is_refused_with_the_reason(exchange):
    for fault, reason in [
        ({"kind": "429s"}, "kind is one of"),
        ({"kind": "bad_rows", "variants": ["sideways"]}, "variants are among"),
        ({"kind": "outage", "start": 5, "end": 5}, "start < end"),
        ({"kind": "429", "colour": "red"}, "colour"),
    ]:
        with pytest.raises(httpx.HTTPStatusError, match=reason):
            exchange.add_faults(fault)
    assert exchange.control("GET", "faults") == []
