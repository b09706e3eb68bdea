"""The command: where it listens, how it ends, and that nothing but the seed decides what it serves."""

import json
import socket

import pytest

from candlewick.demo.testing import RunningExchange

QUESTIONS = [
    ("/api/v3/klines", {"symbol": "S017USDT", "interval": "1m", "limit": 200}),
    ("/api/v3/klines", {"symbol": "SHIBUSDT", "interval": "1d", "limit": 10}),
    ("/api/v3/depth", {"symbol": "BTCUSDT", "limit": 50}),
    ("/data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-05-30.zip", {}),
]


def answers(seed):
    with RunningExchange(seed=seed, symbols="default,40") as running:
        running.set_clock("2024-06-01T12:00:30Z")
        return [running.get(path, **params).content for path, params in QUESTIONS]


def test_two_processes_with_one_seed_serve_the_same_bytes_and_another_seed_others():
    first, again, other = answers(7), answers(7), answers(8)
    assert first == again
    assert all(a != b for a, b in zip(first, other, strict=True))


def test_it_ends_cleanly_on_sigterm_even_with_a_request_under_way():
    running = RunningExchange().start()
    with socket.create_connection(("127.0.0.1", running.port)) as idle:
        idle.sendall(b"GET /api/v3/ping HTTP/1.1\r\n")
        assert running.stop() == 0


def test_it_listens_on_every_port_it_was_given():
    with RunningExchange(ports=3) as running:
        assert len(set(running.urls)) == 3


def test_symbols_can_be_any_number_and_any_name():
    with RunningExchange(symbols="300,BTCUSDT,fooeur") as running:
        symbols = {symbol["symbol"]: symbol for symbol in running.get("/api/v3/exchangeInfo").json()["symbols"]}
    assert len(symbols) == 302
    assert {"S000USDT", "S299USDT", "BTCUSDT"} <= set(symbols)
    assert (symbols["FOOEUR"]["baseAsset"], symbols["FOOEUR"]["quoteAsset"]) == ("FOO", "EUR")


def test_faults_can_be_there_from_the_start(tmp_path):
    (tmp_path / "faults.json").write_text(json.dumps([{"kind": "503", "count": 1, "path": "/api/"}]))
    with RunningExchange(faults=tmp_path / "faults.json") as running:
        assert [running.get("/api/v3/ping").status_code for _ in range(2)] == [503, 200]


def test_it_says_so_when_it_cannot_start():
    with pytest.raises(RuntimeError, match="did not start"):
        RunningExchange(replay="/nowhere").start()
