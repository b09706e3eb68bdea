"""How a day of the coverage calendar looks."""

from __future__ import annotations

import pytest

from candlewick_ui.queries.calendar import Look, look


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
