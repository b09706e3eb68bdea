"""The minute path of the code of before, upgraded, taken back and upgraded again: each version goes on where the other ended."""

from __future__ import annotations

import pytest

from candlewick.exchange.binance import from_connection
from candlewick.pipeline.dbt_project import profile
from candlewick.pipeline.transform import run_dbt
from candlewick.warehouse import marts, schema
from candlewick.warehouse.host_state import HostStateStore
from support.minute_path import cycle
from support.older_code import OlderCode, commit_before

SYMBOLS = ["BTCUSDT", "ETHUSDT"]
MINUTES = 7  # more than are read again each cycle: what a version does not find, nobody brings by the way
HEAD, BEFORE = schema.revisions()[-1], schema.revisions()[-2]


@pytest.fixture
def older(tmp_path):
    commit = commit_before(HEAD)
    if not commit:
        pytest.skip("no git history to take the code of before from")
    return OlderCode(commit, tmp_path / "older")


@pytest.fixture
def platform(empty, older, lake, market, object_store, database, config):
    """Run a cycle of either version, some minutes after the last one."""

    class Platform:
        expected = config.first_fetch_minutes + 1 - MINUTES  # the first cycle begins there, however late it is

        def older(self):
            self._advance()
            older.cycle(database, object_store, market.url, config, SYMBOLS)

        def newer(self):
            self._advance()
            client = from_connection(market.url, {}, HostStateStore(empty.open, config.raw_schema), config)
            cycle(lambda: _open(client), lake, empty, {"name": "two", "symbols": SYMBOLS})
            self.dbt("run", "--selector", "minute")

        def dbt(self, *arguments):
            environment = profile(database, config)
            return run_dbt(arguments, environment, name="newer", config=config)

        def _advance(self):
            market.advance(MINUTES * 60_000)
            self.expected += MINUTES

    return Platform()


class _open:  # noqa: N801  # a client that is open already, as the context manager the cycle asks for
    def __init__(self, client):
        self.client = client

    def __enter__(self):
        return self.client

    def __exit__(self, *_):
        self.client.close()


def facts(warehouse, until=None):
    with warehouse.session() as session:
        return session.all(
            "SELECT symbol, open_time, close_price, volume, is_final, load_id, object_id, created_at "
            f"FROM {warehouse.config.marts_schema}.fact_klines WHERE open_time <= COALESCE(%s, open_time) ORDER BY 1, 2",
            (until,),
        )


def nothing_is_left_behind(warehouse, expected):
    """Every minute since the first is there for both symbols, nothing waits, nothing was refused."""
    marts_schema = warehouse.config.marts_schema
    with warehouse.session() as session:
        found = session.all(
            "SELECT symbol, COUNT(*), TIMESTAMPDIFF(MINUTE, MIN(open_time), MAX(open_time)) + 1, SUM(is_final) "
            f"FROM {marts_schema}.fact_klines GROUP BY symbol"
        )
        assert [(symbol, int(count), int(final)) for symbol, count, span, final in found if count == span] == [
            (symbol, expected, expected - 1) for symbol in SYMBOLS
        ]
        hours = session.one(f"SELECT SUM(candle_count) FROM {marts_schema}.hourly_klines")
        assert hours is not None
        assert int(hours[0]) == len(SYMBOLS) * expected
        assert session.all("SELECT COUNT(*) FROM quarantined_rows") == [(0,)]
        assert session.all("SELECT DISTINCT load_state FROM extraction_outcomes") == [("loaded",)]
        assert (
            session.all(
                "SELECT model FROM pending_loads WHERE model IN ('fact_klines', 'hourly_klines', 'indicators_1m')"
            )
            == []
        )


def test_each_version_goes_on_where_the_other_ended_and_no_candle_is_lost(empty, platform, config):
    schema.upgrade(empty, BEFORE)
    platform.older()
    platform.older()
    nothing_is_left_behind(empty, platform.expected)
    old, built = facts(empty), marts.built(empty)
    newest = max(row[1] for row in old if row[4])

    assert schema.upgrade(empty) == HEAD
    assert facts(empty) == old
    platform.newer()
    nothing_is_left_behind(empty, platform.expected)
    assert [row for row in facts(empty, newest) if row[4]] == [row for row in old if row[4]]

    marts.take_back(empty, built, marts.built(empty).columns)
    assert schema.downgrade(empty, BEFORE) == BEFORE
    assert marts.built(empty).columns == built.columns
    platform.older()
    nothing_is_left_behind(empty, platform.expected)

    assert schema.upgrade(empty) == HEAD
    platform.newer()
    nothing_is_left_behind(empty, platform.expected)
    assert [row for row in facts(empty, newest) if row[4]] == [row for row in old if row[4]]
