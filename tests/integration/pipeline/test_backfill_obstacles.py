"""What stands in the way of a backfill, and how it stays out of the way of fresh candles."""

from __future__ import annotations

import pytest

from candlewick.exchange.errors import IpBanned, Unavailable
from candlewick.pipeline.backfill import give_way
from candlewick.pipeline.backfill.report import BackfillIncomplete
from support.minute_path import cycle, watermark

TWO_DAYS = {"start": "2024-05-29", "end": "2024-05-30"}
BY_DAY = [("archive_daily", "done", 1440)] * 2


@pytest.mark.parametrize("fault", ["bad_checksum", "corrupt_zip"])
def test_a_file_that_cannot_be_trusted_is_replaced_by_rest_or_fails_its_part(backfilling, market, fault):
    market.add_faults({"kind": fault, "path": "2024-05-29"})

    assert backfilling.run(**TWO_DAYS, source="archive") == [("archive_daily", "failed", 0), BY_DAY[0]]
    with pytest.raises(BackfillIncomplete, match="1 failed"):
        backfilling.report()
    assert backfilling.ask("SELECT state FROM backfills") == [("incomplete",)]
    assert backfilling.run(**TWO_DAYS) == [BY_DAY[0], ("archive_daily", "unchanged", 0)]
    assert "2024-05-29" in backfilling.parts("run 2", "reason")[0][0]
    backfilling.report()


@pytest.mark.parametrize("source", ["auto", "archive"])
@pytest.mark.parametrize(
    "fault", [{"kind": "bad_checksum"}, {"kind": "truncated", "rows": 0}], ids=["cannot be trusted", "is empty"]
)
def test_a_months_file_that_is_worth_nothing_is_replaced_by_those_of_its_days(backfilling, market, source, fault):
    market.add_faults(fault | {"path": "monthly"})
    april = {"start": "2024-04-01", "end": "2024-04-30", "interval": "4h", "source": source}

    assert backfilling.run(**april) == [("archive_monthly", "done", 180)]
    assert "BTCUSDT-4h-2024-04" in backfilling.parts("run 1", "reason")[0][0]
    assert backfilling.run(**april) == [("archive_monthly", "unchanged", 0)]
    market.add_faults({"kind": "404", "path": "daily"})
    nothing = backfilling.run(**april, symbols=["ETHUSDT"])
    without = "failed" if fault["kind"] == "bad_checksum" else "missing"
    assert nothing == [("archive_monthly", *(("done", 180) if source == "auto" else (without, 0)))]


def test_a_symbol_nobody_has_fails_the_report(backfilling):
    assert (
        backfilling.run(**TWO_DAYS, source="archive", symbols=["NOSUCHUSDT"]) == [("archive_daily", "missing", 0)] * 2
    )
    with pytest.raises(BackfillIncomplete, match="expected files of NOSUCHUSDT, but there is not one"):
        backfilling.report()


def test_one_part_without_an_answer_does_not_stop_the_others(backfilling, market):
    market.add_faults({"kind": "500", "path": "2024-05-29"})
    run_id, tasks = backfilling.plan(**TWO_DAYS)

    with pytest.raises(Unavailable):
        backfilling.work(run_id, tasks)
    assert backfilling.parts(run_id) == [("archive_daily", "pending", 0), BY_DAY[0]]
    with pytest.raises(BackfillIncomplete, match="1 had no answer"):
        backfilling.report()
    market.clear_faults()
    backfilling.work(run_id, tasks)
    assert backfilling.parts(run_id) == BY_DAY


def test_a_ban_stops_the_task_at_once(backfilling, market):
    run_id, tasks = backfilling.plan(start="2024-05-01", end="2024-05-31", source="rest")
    market.add_faults({"kind": "418", "path": "klines", "count": 1})
    backfilling.asked()

    with pytest.raises(IpBanned):
        backfilling.work(run_id, tasks)
    assert len(backfilling.asked()) == 1
    assert {row[1] for row in backfilling.parts(run_id)} == {"pending"}


def test_the_live_watermark_does_not_move_and_live_loads_stay_on_their_lane(
    backfilling, binance, lake, warehouse, monkeypatch
):
    monkeypatch.setattr(give_way, "MOST_SECONDS", 0.0)  # no dbt builds what the cycle loads
    cycle(binance, lake, warehouse)
    mark = watermark(warehouse)
    backfilling.run(start="2024-05-31", end="2024-06-01")

    assert watermark(warehouse) == mark
    lanes = backfilling.ask("SELECT lane, COUNT(*) FROM loads GROUP BY lane ORDER BY lane")
    assert lanes == [("backfill", 2), ("live", 1)]


def test_fresh_candles_go_first_but_are_not_waited_for_for_ever(backfilling, binance, lake, warehouse, monkeypatch):
    cycle(binance, lake, warehouse)  # loaded, and dbt has not built it
    monkeypatch.setattr(give_way, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(give_way, "MOST_SECONDS", 0.2)
    way = give_way.GiveWay(warehouse)

    assert way.wait() >= 0.2
    assert way.wait() < 0.1
    backfilling.ask("UPDATE pending_loads SET model = 'hourly_klines' WHERE model = 'fact_klines'")
    backfilling.ask("DELETE FROM pending_loads WHERE model = 'fact_orderbook'")
    assert give_way.GiveWay(warehouse).wait() < 0.1, "what is built from the facts is not waited for"
