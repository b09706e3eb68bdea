"""Minutes without an order book, read from the outcomes of requests."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from candlewick.market import DataType, Source
from candlewick.pipeline.gaps.depth import look_at_books
from candlewick.warehouse import outcomes, symbols
from candlewick.warehouse.gaps import read_evidence
from support.minute_path import NOON, ask


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


class Books:
    """Requests for books of one symbol, each at second five of its minute."""

    def __init__(self, warehouse) -> None:
        self.warehouse = warehouse
        with warehouse.session() as session:
            symbols.add(session, "binance", ["BTCUSDT"], NOON - timedelta(minutes=3))

    def asked(self, *minutes: int, error: str | None = None, load_state: str = "loaded") -> None:
        with self.warehouse.session() as session:
            outcomes.record(
                session,
                [
                    outcomes.Outcome(
                        exchange="binance", symbol="BTCUSDT", data_type=DataType.DEPTH, interval_code="", run_id="run",
                        shard="s", page=1, status="failed" if error else "stored", source=Source.REST,
                        captured_at=at(minute) + timedelta(seconds=5), load_state="none" if error else load_state,
                        error_kind=error,
                    )
                    for minute in minutes
                ],
            )  # fmt: skip

    def look(self, minute: int):
        return look_at_books(self.warehouse, now=at(minute) + timedelta(minutes=5))

    def ledger(self):
        rows = ask(
            self.warehouse,
            "SELECT from_time, to_time, reason, status, next_attempt_at, evidence FROM gap_ledger WHERE data_type = 'depth' "
            "AND status <> 'closed' ORDER BY 1",
        )
        return [(*row[:4], row[4], read_evidence(row[5])) for row in rows]


@pytest.fixture
def books(warehouse):
    return Books(warehouse)


def test_minutes_count_from_the_first_request_on(books):
    assert books.look(10).sentence == "minutes without a book: none"
    books.asked(*range(10))
    books.look(10)

    assert books.ledger() == []


def test_a_minute_nobody_asked_in_is_explained_as_such_and_never_tried(books):
    books.asked(0, 1, 5, 6)
    books.look(7)

    (row,) = books.ledger()
    assert row[:5] == (at(2), at(5), "not_captured", "explained", None)
    assert row[5]["no_request_between"] == [str(at(2)), str(at(5))]


def test_what_goes_on_between_two_looks_is_one_row(books):
    books.asked(0)
    for minute in (3, 6, 9):
        books.look(minute)

    assert [row[:2] for row in books.ledger()] == [(at(1), at(9))]
    books.asked(9)
    books.look(10)
    assert len(books.ledger()) == 1


def test_failed_requests_leave_their_minutes_unexplained_with_the_errors(books):
    books.asked(0, 4)
    books.asked(1, 2, error="Unavailable")
    books.asked(3, error="RateLimited")
    summary = books.look(5)

    (row,) = books.ledger()
    assert row[:5] == (at(1), at(4), "fetch_failed", "unexplained", None)
    assert row[5]["errors"] == {"Unavailable": 2, "RateLimited": 1}
    assert [gap.symbol for gap in summary.unexplained] == ["BTCUSDT"]


def test_a_book_in_quarantine_is_no_book(books):
    books.asked(0, 2)
    books.asked(1, load_state="quarantined")
    books.look(3)

    assert [row[:4] for row in books.ledger()] == [(at(1), at(2), "rejected", "explained")]


def test_a_halt_and_a_proven_outage_explain_their_minutes(books, warehouse):
    books.asked(0, 9)
    with warehouse.session() as session:
        session.run(
            "INSERT INTO symbol_states (exchange, symbol, valid_from, valid_to, status) VALUES ('binance', 'BTCUSDT', %s, %s, 'HALT')",
            (at(1), at(3)),
        )
        session.run(
            "INSERT INTO gap_ledger (exchange, symbol, data_type, interval_code, from_time, to_time, minutes, reason, status, "
            "detected_at, updated_at) VALUES ('binance', 'BTCUSDT', 'klines', '1m', %s, %s, 3, 'exchange_outage', 'explained', %s, %s)",
            (at(5), at(8), NOON, NOON),
        )
    books.look(10)

    assert [(row[0], row[1], row[2]) for row in books.ledger()] == [
        (at(1), at(3), "symbol_halted"), (at(3), at(5), "not_captured"), (at(5), at(8), "exchange_outage"),
        (at(8), at(9), "not_captured"),
    ]  # fmt: skip
