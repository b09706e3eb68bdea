"""How far a backfill is, in the words people read."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from candlewick.market import Interval
from candlewick.pipeline.backfill.progress import Progress, pace, story
from candlewick.warehouse.backfills import Method, Part, PartState, Totals
from candlewick.warehouse.database import to_ms

NOW = datetime(2024, 6, 1, 12)
TOTALS = [
    Totals("BTCUSDT", PartState.DONE, 8, 350_640, 12 << 20),
    Totals("BTCUSDT", PartState.PENDING, 28, 0, 0),
    Totals("ETHUSDT", PartState.FAILED, 1, 0, 0),
    Totals("ETHUSDT", PartState.MISSING, 2, 0, 0),
    Totals("ETHUSDT", PartState.PENDING, 33, 0, 0),
]


def test_a_line_says_what_is_done_how_fast_and_how_long_it_will_take():
    line = Progress(TOTALS, 0.5, 61_204.4).sentence

    assert line == "11 of 72 parts, 350,640 rows, 61,204 rows/s, 2 missing, 1 failed, about 2 min left"


def test_what_is_done_has_nothing_left():
    done = Progress(TOTALS[:1], 0.5, 61_204.4)

    assert done.sentence == "8 of 8 parts, 350,640 rows, 61,204 rows/s"
    assert done.seconds_left == 0


def test_before_the_first_part_nobody_knows_how_long_it_will_take():
    assert Progress(TOTALS[1:2], 0.0, 0.0).sentence == "0 of 28 parts, 0 rows, 0 rows/s"


def test_the_table_has_a_line_for_each_symbol():
    head, btc, eth = Progress(TOTALS, 0.5, 1.0).table

    assert head.split() == ["symbol", "pending", "done", "unchanged", "missing", "failed", "rows", "MiB"]
    assert btc.split() == ["BTCUSDT", "28", "8", "0", "0", "0", "350,640", "12.0"]
    assert eth.split() == ["ETHUSDT", "33", "0", "0", "2", "1", "0", "0.0"]


def test_pace_counts_from_the_begin_of_the_first_of_the_newest_parts_also_when_two_tasks_work():
    newest = [(NOW, 2.0, 100), (NOW, 2.0, 100), (NOW - timedelta(seconds=2), 2.0, 200)]

    assert pace(newest) == (3 / 4, 100.0)
    assert pace([]) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("start", "end", "name"),
    [
        (datetime(2024, 4, 1), datetime(2024, 5, 1), "BTCUSDT 1m 2024-04-01 … 2024-04-30"),
        (datetime(2024, 4, 1), datetime(2024, 4, 1, 6), "BTCUSDT 1m 2024-04-01 00:00 … 2024-04-01 06:00"),
    ],
)
def test_a_part_is_named_by_its_span(start, end, name):
    part = Part(1, "BTCUSDT", Interval.MINUTE_1, Method.REST, to_ms(start), to_ms(end), PartState.FAILED, "it broke")

    assert story(part) == f"{name}: failed, it broke"
