"""Joining, cutting and taking away spans of minutes, against the same done minute by minute."""

from __future__ import annotations

import itertools
import random
from datetime import date, datetime, timedelta

import pytest

from candlewick.spans import MINUTE, Span, common, days, joined, months, without

ZERO = datetime(2024, 1, 1)


def span(start: int, end: int) -> Span:
    return Span(ZERO + start * MINUTE, ZERO + end * MINUTE)


def minutes(spans) -> set[int]:
    return {(one.start - ZERO) // MINUTE + n for one in spans for n in range(one.minutes)}


@pytest.mark.parametrize("seed", range(20))
def test_spans_agree_with_sets_of_minutes(seed):
    draw = random.Random(seed)  # noqa: S311 -- the same spans each time

    def some() -> list[Span]:
        starts = [draw.randrange(60) for _ in range(draw.randrange(8))]
        return [span(start, start + draw.randrange(12)) for start in starts]

    left, right = some(), some()
    for found, expected in (
        (joined(left), minutes(left)),
        (common(left, right), minutes(left) & minutes(right)),
        (without(left, right), minutes(left) - minutes(right)),
    ):
        assert minutes(found) == expected
        assert found == sorted(found)
        assert all(one.end <= other.start for one, other in itertools.pairwise(found))


def test_a_span_is_cut_at_midnight_and_where_months_begin():
    two = Span(datetime(2024, 1, 31, 23), datetime(2024, 2, 1, 2))

    assert [(day, piece.minutes) for day, piece in days(two)] == [(date(2024, 1, 31), 60), (date(2024, 2, 1), 120)]
    assert [piece.minutes for piece in months(two)] == [60, 120]
    assert sum(piece.minutes for piece in months(Span(ZERO, ZERO + timedelta(days=400)))) == 400 * 1440
