"""The shared row under concurrency, lost connections and an absent database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import MySQLdb
import pytest

from candlewick.exchange.errors import HostStateUnavailable
from candlewick.exchange.state import BreakerState, HostState
from candlewick.warehouse.database import from_ms
from candlewick.warehouse.host_state import HostStateStore

NOW_MS = 1_717_243_230_123


def add_one(states):
    for state in states:
        state.used_weight += 1


def look(states):
    return list(states)


def rows(warehouse, columns="host, used_weight"):
    with warehouse.session() as session:
        return session.all(f"SELECT {columns} FROM host_state ORDER BY host")


def test_a_host_never_seen_before_has_a_clean_state(store):
    assert store.change(["a"], NOW_MS, look) == [HostState("a")]


def test_states_come_in_the_order_asked_for(store):
    assert [state.host for state in store.change(["b", "a", "c"], NOW_MS, look)] == ["b", "a", "c"]


def test_every_field_is_kept_to_the_millisecond(store):
    full = HostState("a", 28_620_720, 17, 6000, NOW_MS + 1, NOW_MS + 2, "why", BreakerState.HALF_OPEN, 3, NOW_MS + 999)

    def fill(states):
        for name in HostState.__slots__:
            setattr(states[0], name, getattr(full, name))

    store.change(["a"], NOW_MS, fill)
    assert store.change(["a"], NOW_MS, look) == [full]


def test_the_row_tells_when_it_changed_and_keeps_that_when_nothing_did(store, warehouse):
    store.change(["a"], NOW_MS, add_one)
    store.change(["a"], NOW_MS + 5000, look)
    assert rows(warehouse, "updated_at") == [(from_ms(NOW_MS),)]


def test_a_rule_that_raises_leaves_everything_as_it_was(store, warehouse):
    def raising(states):
        add_one(states)
        raise LookupError("no")

    with pytest.raises(LookupError):
        store.change(["a"], NOW_MS, raising)
    assert store.change(["a"], NOW_MS, look)[0].used_weight == 0
    store.change(["a"], NOW_MS, add_one)
    assert rows(warehouse) == [("a", 1)]


def test_no_change_is_lost_between_many_connections_that_start_on_an_empty_table(warehouse, config):
    stores = [HostStateStore(warehouse.open, config.raw_schema) for _ in range(8)]

    def work(store):
        for number in range(25):
            store.change(["a", "b"] if number % 2 else ["b", "a"], NOW_MS, add_one)
        store.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, stores))
    assert rows(warehouse) == [("a", 200), ("b", 200)]


def test_threads_of_one_process_share_one_connection(warehouse, config):
    opened = []

    def connect():
        opened.append(1)
        return warehouse.open()

    store = HostStateStore(connect, config.raw_schema)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: store.change(["a"], NOW_MS, add_one), range(100)))
    store.close()
    assert (rows(warehouse), len(opened)) == ([("a", 100)], 1)


def test_a_connection_the_server_closed_is_opened_anew(store, warehouse):
    store.change(["a"], NOW_MS, add_one)
    with warehouse.session() as session:
        session.run(f"KILL {store._session.connection.thread_id()}")
    store.change(["a"], NOW_MS, add_one)
    assert rows(warehouse) == [("a", 2)]


def test_a_connection_lost_inside_a_change_leaves_that_change_done_once(store, warehouse):
    killed = []

    def kill_then_add(states):
        if not killed:
            killed.append(1)
            with warehouse.session() as session:
                session.run(f"KILL {store._session.connection.thread_id()}")
        add_one(states)

    store.change(["a"], NOW_MS, kill_then_add)
    assert rows(warehouse) == [("a", 1)]


def test_a_database_that_cannot_be_reached_is_tried_twice_and_told(config):
    tries = []

    def refuse():
        tries.append(1)
        raise MySQLdb.OperationalError(2003, "Can't connect to server on 'db'")

    with pytest.raises(HostStateUnavailable, match=r"host_state.*Can't connect.*check the warehouse connection"):
        HostStateStore(refuse, config.raw_schema).change(["a"], NOW_MS, look)
    assert len(tries) == 2


def test_a_missing_table_is_told_at_once(store, warehouse):
    with warehouse.session() as session:
        session.run("DROP TABLE host_state")
    with pytest.raises(HostStateUnavailable, match="migrations ran"):
        store.change(["a"], NOW_MS, look)
