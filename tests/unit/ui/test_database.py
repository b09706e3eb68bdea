"""The one reader of a process, however many ask for it first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from types import SimpleNamespace

from candlewick_ui import database

ASKING = 8


def test_requests_that_come_at_once_share_one_pool(monkeypatch):
    made, another = [], Event()

    def slowly(*_arguments, **_named):
        made.append(another)
        if len(made) > 1:
            another.set()
        another.wait(0.2)  # until somebody else makes one as well, if anybody does
        return SimpleNamespace(open=None)

    monkeypatch.setattr(database, "warehouse", slowly)
    database._reader.cache_clear()
    try:
        with ThreadPoolExecutor(ASKING) as pool:
            readers = list(pool.map(lambda _: database.reader(), range(ASKING)))
    finally:
        database._reader.cache_clear()

    assert (len(set(readers)), len(made)) == (1, 1)
