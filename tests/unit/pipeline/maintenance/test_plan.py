"""The plan of a run: shares, the digest of what would be deleted, and what is left of it after a kill."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from candlewick.pipeline.maintenance.plan import Plan, PlanItem
from candlewick.pipeline.maintenance.request import MaintenanceRequest
from candlewick.settings import Settings

NOW = datetime(2024, 6, 2, 2)
MARCH = {"from_time": datetime(2024, 3, 1), "to_time": datetime(2024, 3, 5)}


def item(**changed):
    return PlanItem(
        **{
            "step": "retention",
            "subject": "fact_klines",
            "unit": "rows",
            "count": 300,
            "total": 1000,
            **MARCH,
            **changed,
        }
    )


def plan(*items, now=NOW, **params):
    return Plan(now=now, request=MaintenanceRequest.read(params, Settings()), items=items)


@pytest.mark.parametrize(
    ("changed", "is_above"),
    [
        ({"count": 200}, False),
        ({"count": 201}, True),
        ({"count": 0, "total": 0}, False),
        ({"count": 5, "total": 0}, True),
        ({"count": 900, "is_guarded": False}, False),
        ({"count": 900, "step": "archive"}, False),
        ({"count": 900, "step": "expire", "unit": "bytes"}, True),
    ],
)
def test_a_person_is_asked_above_the_share_of_anything_that_is_deleted_for_good(changed, is_above):
    assert bool(plan(item(**changed)).above(0.2)) is is_above


def test_a_plan_that_is_handed_on_as_json_is_the_same_plan():
    made = plan(item(), item(step="expire", subject="answers", unit="objects"), retention_klines_days=7)

    assert Plan.read(made.hand_on()) == made
    assert Plan.read(made.hand_on()).digest == made.digest


@pytest.mark.parametrize(
    "changed",
    [{"count": 301}, {"count": 299}, {"subject": "other"}, {"to_time": datetime(2024, 3, 6)}, {"from_time": None}],
)
def test_the_digest_changes_with_whatever_would_be_deleted(changed):
    assert plan(item(**changed)).digest != plan(item()).digest


def test_the_digest_changes_with_the_moment_the_cutoffs_count_from():
    assert plan(item(), now=NOW + timedelta(days=1)).digest != plan(item()).digest


def test_the_digest_does_not_change_with_what_comes_in_meanwhile_nor_with_what_is_not_deleted_for_good():
    other = plan(
        item(total=5000),
        item(step="archive", count=9),
        item(subject="staging", is_guarded=False),
        item(subject="x", count=0),
    )

    assert other.digest == plan(item()).digest  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "is_held"),
    [
        ({}, True),
        ({"count": 10, "from_time": datetime(2024, 3, 3)}, True),
        ({"count": 0, "from_time": None, "to_time": None}, True),
        ({"count": 301}, False),
        ({"to_time": datetime(2024, 3, 6)}, False),
        ({"from_time": datetime(2024, 2, 28)}, False),
        ({"subject": "indicators_1m"}, False),
        ({"unit": "bytes"}, False),
    ],
)
def test_what_a_killed_step_has_left_is_held_by_its_plan_and_anything_more_is_not(changed, is_held):
    assert plan(item()).holds(plan(item(**changed))) is is_held


def test_the_text_names_steps_numbers_shares_spans_and_what_is_kept():
    made = plan(item(), dry_run=True).model_copy(update={"kept": ("3 objects of BTCUSDT: pending",)})

    assert made.text.splitlines()[0] == f"plan {made.digest} of 2024-06-02 02:00 UTC, a dry run"
    assert "retention | fact_klines | 300 rows | 1,000 | 30.0% | 2024-03-01 00:00 … 2024-03-05 00:00" in made.text
    assert made.text.endswith("kept: 3 objects of BTCUSDT: pending")


def test_a_dry_run_has_the_digest_of_the_run_it_stands_for():
    assert plan(item(), dry_run=True).digest == plan(item()).digest


def test_the_question_shows_what_goes_for_good_and_marks_what_is_too_much():
    asked = plan(item(), item(subject="indicators_1m", count=10), item(step="archive", subject="a → b")).question(0.2)

    assert "| **retention** | **fact_klines** | **300 rows** | **1,000** | **30.0%** |" in asked
    assert "| retention | indicators_1m | 10 rows | 1,000 | 1.0% |" in asked
    assert "a → b" not in asked
