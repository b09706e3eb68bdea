"""Files are fetched ahead of the part that needs them, and never more than a window of them."""

from __future__ import annotations

import pytest

from candlewick.pipeline.backfill.ahead import FilesAhead
from support.ports import wait_until


class Fetching:
    """Remembers which files were fetched."""

    def __init__(self):
        self.fetched = []

    def __call__(self, file):
        self.fetched.append(file)
        if file == "bad":
            raise ValueError("it broke")
        return f"got {file}"

    def reach(self, number):
        wait_until(lambda: len(self.fetched) >= number, f"{number} files fetched")
        return sorted(self.fetched)


def test_a_window_is_fetched_and_moves_on_with_each_file_taken():
    fetch = Fetching()
    with FilesAhead(fetch, iter("abcdef"), 2) as ahead:
        assert fetch.reach(2) == ["a", "b"]
        assert ahead.get("a") == "got a"
        assert fetch.reach(3) == ["a", "b", "c"]
    assert len(fetch.fetched) <= 3


def test_a_file_nobody_foresaw_is_fetched_when_it_is_needed():
    fetch = Fetching()
    with FilesAhead(fetch, iter("ab"), 2) as ahead:
        assert ahead.get("a day of it") == "got a day of it"


def test_an_error_is_told_where_the_file_is_needed():
    with FilesAhead(Fetching(), iter(["bad", "b"]), 2) as ahead:
        assert ahead.get("b") == "got b"
        with pytest.raises(ValueError, match="it broke"):
            ahead.get("bad")
