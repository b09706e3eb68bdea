"""How a day of the coverage calendar looks."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from candlewick_ui.queries.calendar import Look, Part, look, part


@pytest.mark.parametrize(
    ("expected", "present", "final", "explained", "unexplained", "seen"),
    [
        (1440, 1440, 1440, 0, 0, Look.COMPLETE),
        (1440, 1440, 1439, 0, 0, Look.OPEN),
        (1440, 1430, 1430, 10, 0, Look.EXPLAINED),
        (1440, 1430, 1430, 9, 1, Look.GAP),
        (1440, 0, 0, 0, 1440, Look.GAP),
        (0, 0, 0, 0, 0, Look.NOTHING),
    ],
)
def test_the_worst_of_a_day_decides(expected, present, final, explained, unexplained, seen) -> None:
    day = {
        "expected_minutes": expected, "present_minutes": present, "final_minutes": final,
        "explained_minutes": explained, "unexplained_minutes": unexplained,
    }  # fmt: skip
    assert look(day) is seen


@pytest.mark.parametrize(
    ("expected", "counted", "seen"),
    [
        (1440, datetime(2026, 3, 2, 0, 20), None),
        (600, datetime(2026, 3, 1, 10, 20), Part.NOT_OVER),
        (600, datetime(2026, 3, 2, 0, 20), Part.NOT_EXPECTED),
        (0, datetime(2026, 3, 1, 0, 20), None),
    ],
)
def test_a_day_of_which_a_part_is_expected_says_why(expected, counted, seen) -> None:
    assert part({"date": date(2026, 3, 1), "expected_minutes": expected, "counted_at": counted}) is seen
