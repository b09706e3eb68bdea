"""What is missing of a span, in as few questions as possible."""

from __future__ import annotations

import pytest

from candlewick.pipeline.backfill.stretches import missing_stretches


@pytest.mark.parametrize(
    ("present", "wanted"),
    [
        (set(), [(0, 100)]),
        (set(range(100)), []),
        ({0, 1, 98, 99}, [(2, 98)]),
        (set(range(100)) - {3, 5}, [(3, 6)]),
        (set(range(100)) - {3, 90}, [(3, 4), (90, 91)]),
        (set(range(40, 100)), [(0, 40)]),
        (set(range(100)) - set(range(20)) - {25}, [(0, 20), (25, 26)]),
    ],
)
def test_neighbours_that_fit_into_one_page_are_one_question(present, wanted):
    assert missing_stretches(present, 0, 100, 1, page_limit=10) == wanted


def test_a_span_begins_and_ends_on_the_grid():
    assert missing_stretches(set(), 1, 121, 60, page_limit=1000) == [(60, 180)]
