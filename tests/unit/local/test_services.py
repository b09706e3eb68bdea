"""Services: with which words each is started."""

from __future__ import annotations

from candlewick.demo import cli as exchange_command
from candlewick.local.exchange import SimulatedExchange
from candlewick.settings import Settings


def test_a_replay_ends_today_so_that_its_candles_are_fresh(tmp_path):
    _, _, module, *words = SimulatedExchange(Settings(demo_replay=tmp_path)).service().argv
    options = exchange_command._parser().parse_args(words)
    assert module == "candlewick.demo"
    assert (options.replay, options.shift_days) == (tmp_path, "today")


def test_without_a_replay_the_market_is_simulated():
    assert "--replay" not in SimulatedExchange(Settings()).service().argv
