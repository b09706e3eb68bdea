"""A drill rebuilds days from lake and archive beside the live ones: the same, different with the first row, or not proven."""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import date, datetime, timedelta

import pytest

from candlewick.pipeline.bulk import load_backlog
from candlewick.pipeline.compare import BOOKS, HISTORY
from candlewick.pipeline.drill import DrillRequest, rehearse
from candlewick.pipeline.drill.refill import MODELS as BUILD
from candlewick.pipeline.drill.refill import SUFFIX
from candlewick.pipeline.maintenance import archive
from candlewick.spans import Span
from candlewick.warehouse.database import WarehouseBusy, WarehouseError, utc_now
from candlewick.warehouse.scratch import SchemaInUse
from support.archive_files import keep
from support.lived import BACKFILL, MAY_30, MODELS, live_through
from support.minute_path import ask
from support.warm import Worker

NOW = datetime(2024, 6, 2, 3)
DAYS = {"from": "2024-05-30", "to": "2024-06-01"}
DAY = {"from": "2024-05-30", "to": "2024-05-30"}
TABLES = [table.table for table in (*HISTORY, BOOKS)]


@pytest.fixture
def drill(warehouse, lake, config, database):
    """Run a drill on the test's warehouse; whatever it leaves is removed."""
    yield lambda days=DAYS, **options: rehearse(
        warehouse, lake, DrillRequest.read(days, NOW.date()), "drill", NOW, **options
    )
    with closing(database.connect()) as root, root.cursor() as cursor:
        for schema in (config.raw_schema, config.marts_schema):
            cursor.execute(f"DROP DATABASE IF EXISTS {schema}{SUFFIX}")


@pytest.fixture
def dbt(dbt):
    """Build what a drill compares; the other models of the minute path take as long again."""
    return lambda *words: dbt(*BUILD, *words[len(("run", "--select", *MODELS)) :])


def schemas(warehouse, config):
    rows = ask(
        warehouse,
        "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE %s",
        f"{config.marts_schema}%",
    )
    return {row[0] for row in rows}


def found(summary):
    return {one.table: one for one in summary.comparisons}


def test_a_sound_lake_gives_the_same_rows_also_from_bundles_and_the_drill_goes_without_a_trace(
    market, binance, dbt, drill, warehouse, lake, config
):
    live_through(market, binance, lake, warehouse, dbt)
    counts = [ask(warehouse, f"SELECT COUNT(*) FROM {config.marts_schema}.{table}") for table in TABLES]
    summary = drill(keep=True)
    assert summary.is_equal, summary.lines
    assert all(found(summary)[table.table].rows > 0 for table in HISTORY), summary.lines
    assert ask(warehouse, f"SELECT COUNT(*) FROM {config.marts_schema}{SUFFIX}.fact_klines")[0][0] >= 1440

    # What was kept for a look is emptied by the next one, which reads what has aged meanwhile from its bundles. Books
    # are of the day of their capture, and that is today.
    assert archive.run(lake, warehouse, "run", utc_now() + timedelta(days=9), 7).objects > 0
    assert not [key for key in lake.keys(config.raw_bucket) if key.startswith("2")]
    again = rehearse(warehouse, lake, DrillRequest(Span(datetime(2024, 5, 30), datetime(2100, 1, 1))), "drill", NOW)
    assert again.is_equal, again.lines
    assert all(found(again)[table].rows > 0 for table in TABLES), again.lines
    assert schemas(warehouse, config) == {config.raw_schema, config.marts_schema}
    assert [ask(warehouse, f"SELECT COUNT(*) FROM {config.marts_schema}.{table}") for table in TABLES] == counts


def test_what_differs_is_named_and_what_cannot_be_compared_is_never_called_equal(
    market, binance, dbt, drill, warehouse, lake, config
):
    live_through(market, binance, lake, warehouse, dbt)
    marts = config.marts_schema
    ask(warehouse, "INSERT INTO pending_loads SELECT 'hourly_klines', MAX(load_id) FROM processed_files")
    with pytest.raises(WarehouseBusy, match="dbt has yet to take them in"):
        drill()
    ask(warehouse, "DELETE FROM pending_loads WHERE model = 'hourly_klines'")

    minute = "symbol = 'BTCUSDT' AND interval_code = '1m' AND open_time = '2024-05-31 10:00:00'"
    ask(warehouse, f"UPDATE {marts}.fact_klines SET volume = volume + 1 WHERE {minute}")
    ask(
        warehouse,
        f"UPDATE {marts}.daily_klines SET date = '2024-05-29' WHERE symbol = 'BTCUSDT' AND date = '2024-05-30'",
    )
    answers = "source = 'rest' AND symbol = 'ETHUSDT' AND data_type = 'klines'"
    first, *_, last = [
        row[0] for row in ask(warehouse, f"SELECT object_key FROM processed_files WHERE {answers} ORDER BY 1")
    ]
    bodies = {key: lake.get(config.raw_bucket, key) for key in (first, last)}
    lake.put(config.raw_bucket, last, bodies[last] + b" ")
    lake.delete_many(config.raw_bucket, [first])
    summary = drill()
    assert summary.is_different
    assert summary.changed == (first, last)
    difference = found(summary)["fact_klines"].difference
    assert difference.key == ("binance", "BTCUSDT", "1m", datetime(2024, 5, 31, 10))
    assert "volume" in difference.sentence
    assert "only the right one has it" in found(summary)["daily_klines"].difference.sentence
    assert (
        found(summary)["klines_4h"].difference is None or "ETHUSDT" in found(summary)["klines_4h"].difference.sentence
    )

    ask(warehouse, f"UPDATE {marts}.fact_klines SET volume = volume - 1 WHERE {minute}")
    for key, body in bodies.items():
        lake.put(config.raw_bucket, key, body)
    ((file,),) = ask(warehouse, "SELECT object_key FROM processed_files WHERE object_key LIKE %s", f"%{MAY_30.name}%")
    ask(
        warehouse,
        "UPDATE processed_files SET expired_at = '2024-06-02', expiry_reason = 'test' WHERE object_key = %s",
        file,
    )
    lake.delete_many(config.raw_bucket, [file])
    ask(
        warehouse,
        "INSERT INTO expired_spans VALUES ('binance', 'ETHUSDT', 'klines', '1m', '2024-06-01', '2024-06-02', '2024-06-02')",
    )
    ask(warehouse, f"DELETE FROM {marts}.fact_klines WHERE symbol = 'ETHUSDT'")
    summary = drill()
    assert not summary.is_different, summary.lines
    assert not summary.is_equal
    assert [(one.symbol, one.day, one.reason) for one in summary.gone] == [
        ("BTCUSDT", date(2024, 5, 30), "objects of its rows were deleted for good"),
        ("ETHUSDT", date(2024, 6, 1), "its rows were deleted on purpose"),
    ]
    assert "NOT PROVEN" in summary.sentence
    assert found(summary)["fact_klines"].rows >= 1440
    assert found(summary)["fact_klines"].left_out > 0


def test_it_empties_only_what_is_its_own_and_a_killed_one_leaves_nothing_in_the_way(
    dbt, drill, warehouse, lake, config, database, object_store, tmp_path
):
    with closing(database.connect()) as root, root.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {config.marts_schema}{SUFFIX}")
        cursor.execute(f"CREATE TABLE {config.marts_schema}{SUFFIX}.mine (n INT)")
        with pytest.raises(SchemaInUse, match="mine"):
            drill(DAY)
        cursor.execute(f"DROP TABLE {config.marts_schema}{SUFFIX}.mine")
    with pytest.raises(WarehouseError, match="dbt has built none"):
        drill(DAY)
    keep(warehouse, lake, MAY_30)
    dbt("run", "--select", *MODELS)
    load_backlog(lake, warehouse, "run")
    dbt("run", "--select", *MODELS, *BACKFILL)

    worker = Worker(sys.executable, "support.safekeeping_actor", tmp_path / "log")
    try:
        for nth in (2, 6, 9):
            worker.start(
                {
                    "step": "drill", "failpoint": {"what": "commit", "nth": nth, "side": "before"}, "now": NOW.isoformat(),
                    "days": DAY, "settings": config.model_dump(mode="json"), "object_store": object_store.port,
                    "database": f"{database.host}:{database.port}:{database.user}:{database.password}",
                }
            )  # fmt: skip
            ended = worker.finish()
            assert ended.was_killed, ended
            assert f"{config.raw_schema}{SUFFIX}" in schemas(warehouse, config)
    finally:
        worker.stop()
    summary = drill(DAY)
    assert summary.is_equal, summary.lines
    assert found(summary)["fact_klines"].rows == 1440
    assert schemas(warehouse, config) == {config.raw_schema, config.marts_schema}
    assert "nothing that could be compared" in drill({"from": "2024-05-20", "to": "2024-05-20"}).sentence
