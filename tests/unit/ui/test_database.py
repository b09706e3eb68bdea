"""The one reader of a process, however many ask for it first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from types import SimpleNamespace

import pytest
from sqlalchemy.exc import DBAPIError

from candlewick.warehouse.database import SERVER_GONE
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


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *((code, database.DatabaseDown) for code in (*SERVER_GONE, 1040, 1045, 1142, 1226)),
        *((code, database.NotBuilt) for code in (1146, 1356, 1054)),
        *((code, database.DatabaseBusy) for code in (1969, 3024)),
    ],
)
def test_what_a_server_says_when_it_cannot_answer_is_no_error_nobody_foresaw(code, kind):
    reader = database.Reader(lambda: None, raw_schema="raw")
    error = DBAPIError("SELECT 1", {}, Exception(code, "said"))
    assert type(reader._typed(error)) is kind
