"""Who is told what, how often, and what happens when that itself goes wrong."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from functools import partial

import pytest

from candlewick.alerts.announce import announce
from candlewick.warehouse.database import WarehouseError
from candlewick.warehouse.events import Event, Kind, Severity

SECRET_PATH = "secret-of-the-webhook"
NOON = datetime(2026, 1, 1, 12)
FAILED = Event(
    Kind.TASK_FAILED,
    Severity.ERROR,
    "market_minute.load",
    "WarehouseError: no such table",
    "market_minute",
    "load",
    "run-1",
    -1,
    2,
)
STALE = Event(Kind.STALE, Severity.ERROR, "BTCUSDT", "newest final candle closed at 11:00")


@pytest.fixture
def tell(warehouse, told):
    """Announce as the pipeline does, at a moment of the test's choosing."""
    return partial(announce, open_warehouse=lambda: warehouse, config=told)


def rows(warehouse, columns="kind, subject, notified_via, notify_error"):
    with warehouse.session() as session:
        return session.all(f"SELECT {columns} FROM pipeline_events ORDER BY event_id")


def test_a_failure_is_a_row_a_mail_and_a_post(tell, warehouse, webhook, mail):
    tell([FAILED], now=NOON)

    assert rows(warehouse, "kind, severity, subject, message, dag_id, task_id, run_id, map_index, try_number") == [
        (
            "task_failed",
            "error",
            "market_minute.load",
            "WarehouseError: no such table",
            "market_minute",
            "load",
            "run-1",
            -1,
            2,
        )
    ]
    assert rows(warehouse, "notified_at, notified_via, notify_error") == [(NOON, "email,webhook", None)]
    (letter,) = mail.mails
    assert (letter["To"], letter["From"]) == ("owner@example.org", "candlewick@example.org")
    assert letter["Subject"] == "Candlewick error: task failed: market_minute.load"
    assert "WarehouseError: no such table" in letter.get_body(("html",)).get_content()
    ((path, document),) = webhook.posts
    assert path == "/services/T000/B000/secret-of-the-webhook"
    assert document["text"].startswith("Candlewick error: task failed: market_minute.load")
    assert document["alerts"][0]["run_id"] == "run-1"


def test_the_same_failure_is_always_a_row_but_leaves_the_machine_once_an_hour(tell, warehouse, webhook, mail):
    for minutes in (0, 1, 59, 61):
        tell([FAILED], now=NOON + timedelta(minutes=minutes))

    assert len(rows(warehouse)) == 4
    assert (len(mail.mails), len(webhook.posts)) == (2, 2)


def test_another_subject_is_told_at_once(tell, webhook, mail):
    tell([STALE], now=NOON)
    tell([STALE, Event(Kind.STALE, Severity.ERROR, "ETHUSDT", "late as well")], now=NOON)

    assert [[alert["subject"] for alert in document["alerts"]] for _, document in webhook.posts] == [
        ["BTCUSDT"],
        ["ETHUSDT"],
    ]
    assert len(mail.mails) == 2


def test_many_symbols_are_one_message(tell, webhook, mail, warehouse):
    tell([Event(Kind.STALE, Severity.ERROR, f"S{number}USDT", "late") for number in range(50)], now=NOON)

    assert len(rows(warehouse)) == 50
    assert [letter["Subject"] for letter in mail.mails] == ["Candlewick error: stale: S0USDT and 49 more"]
    assert len(webhook.posts) == 1


@pytest.mark.usefixtures("webhook", "mail")
def test_a_condition_that_lasts_is_one_row_an_hour(tell, warehouse):
    for minutes in range(0, 62, 2):
        tell([STALE], now=NOON + timedelta(minutes=minutes))

    assert len(rows(warehouse)) == 2


def test_a_refusing_receiver_is_noted_and_does_not_keep_the_other_from_hearing(tell, warehouse, webhook, mail):
    webhook.status = 500
    tell([FAILED], now=NOON)

    ((_, _, via, error),) = rows(warehouse)
    assert via == "email"
    assert error.startswith("webhook: 500")
    assert SECRET_PATH not in error
    assert len(mail.mails) == 1


def test_what_reached_nobody_is_told_at_its_next_occurrence(tell, warehouse, webhook, mail):
    webhook.status, mail.refuses = 500, True
    tell([STALE], now=NOON)
    assert rows(warehouse, "notified_at, notified_via") == [(None, None)]

    webhook.status, mail.refuses = 200, False
    tell([STALE], now=NOON + timedelta(minutes=1))

    assert rows(warehouse, "notified_via, notify_error") == [("email,webhook", None)]
    assert len(mail.mails) == 1


def test_receivers_that_do_not_exist_harm_nothing(tell, warehouse):
    tell([FAILED], now=NOON)

    ((_, _, via, error),) = rows(warehouse)
    assert via is None
    assert "email: " in error
    assert "webhook: " in error


def test_without_configured_receivers_the_row_is_all(warehouse, config, webhook, mail):
    for minutes in (0, 1):
        announce(
            [FAILED, STALE], open_warehouse=lambda: warehouse, config=config, now=NOON + timedelta(minutes=minutes)
        )

    assert [kind for kind, *_ in rows(warehouse)] == ["task_failed", "stale", "task_failed"]
    assert (mail.mails, webhook.posts) == ([], [])


def test_with_the_database_down_people_still_hear_once_an_hour(told, webhook, mail):
    def nothing_there():
        raise WarehouseError("cannot connect")

    for minutes in (0, 1, 61):
        announce([FAILED], open_warehouse=nothing_there, config=told, now=NOON + timedelta(minutes=minutes))

    assert (len(mail.mails), len(webhook.posts)) == (2, 2)


def test_two_tasks_that_fail_at_once_are_told_once(tell, warehouse, webhook, mail):
    threads = [threading.Thread(target=tell, args=([FAILED],), kwargs={"now": NOON}) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(rows(warehouse)) == 4
    assert (len(mail.mails), len(webhook.posts)) == (1, 1)


@pytest.mark.usefixtures("webhook", "mail")
def test_words_longer_than_the_table_are_cut_not_lost(tell, warehouse):
    tell([Event(Kind.TASK_FAILED, Severity.ERROR, "s" * 300, "m" * 5000)], now=NOON)

    assert rows(warehouse, "CHAR_LENGTH(subject), CHAR_LENGTH(message)") == [(191, 2000)]


def test_a_home_that_cannot_be_written_keeps_nobody_from_hearing_and_the_row_says_so(warehouse, told, webhook, mail):
    told.home.joinpath("alerts").write_text("a file where the folder belongs")

    announce([FAILED], open_warehouse=lambda: warehouse, config=told, now=NOON)

    assert (len(mail.mails), len(webhook.posts)) == (1, 1)
    assert rows(warehouse, "notified_at, notified_via, notify_error") == [(NOON, "email,webhook", None)]


def test_with_neither_database_nor_home_people_hear_rather_twice_than_never(told, webhook, mail):
    told.home.joinpath("alerts").write_text("a file where the folder belongs")

    def nothing_there():
        raise WarehouseError("cannot connect")

    for minutes in (0, 1):
        announce([FAILED], open_warehouse=nothing_there, config=told, now=NOON + timedelta(minutes=minutes))

    assert (len(mail.mails), len(webhook.posts)) == (2, 2)


@pytest.mark.usefixtures("webhook", "mail")
def test_each_change_of_a_symbols_state_is_a_row(tell, warehouse):
    for minutes, state in enumerate(["HALT", "BREAK"]):
        tell([Event(Kind.SYMBOL_STATE, Severity.WARNING, "BTCUSDT", state)], now=NOON + timedelta(minutes=minutes))

    assert rows(warehouse, "message, notified_via") == [("HALT", "email,webhook"), ("BREAK", None)]
