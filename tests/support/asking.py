"""Asking a platform's database as one of its accounts, and a step that nobody watches."""

from __future__ import annotations

from contextlib import closing

from candlewick.local.database import open_account
from candlewick.local.progress import Step


def step() -> Step:
    return Step("a step", lambda _: None)


def rows(account, query):
    with closing(open_account(account)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()
