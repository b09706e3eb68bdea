"""The guard, in front of a step that deletes: what was approved, by whom, and whether it is still true."""

from __future__ import annotations

from datetime import datetime

import pytest

from candlewick.pipeline.maintenance import guard, steps
from candlewick.pipeline.maintenance.guard import APPROVE, REJECT, NotApproved
from candlewick.pipeline.maintenance.plan import Plan, PlanItem
from candlewick.pipeline.maintenance.request import MaintenanceRequest
from candlewick.pipeline.maintenance.steps import StepOff, Tools
from candlewick.settings import Settings
from candlewick.warehouse import lifecycle
from candlewick.warehouse.lifecycle import Action, LifecycleEvent, Step, Store
from support.minute_path import ask

NOW = datetime(2024, 6, 2, 2)
ANN = {"id": "7", "name": "ann"}


def plan(count=300, subject="fact_klines", **more):
    item = PlanItem(
        step="retention", subject=subject, unit="rows", count=count, total=1000, from_time=datetime(2024, 3, 1),
        to_time=datetime(2024, 3, 5), **more,
    )  # fmt: skip
    other = PlanItem(step="expire", subject="answers", unit="objects", count=count, total=1000)
    return Plan(now=NOW, request=MaintenanceRequest.read({}, Settings()), items=(item, other))


def answered(option, user):
    return {"chosen_options": [option], "params_input": {}, "responded_at": "…", "responded_by_user": user}


def approved(made):
    return guard.consent(made, answered(APPROVE, ANN), hours=24)


@pytest.fixture
def pass_guard(warehouse):
    def pass_guard(planned, current, given, run_id="run"):
        with warehouse.session() as session:
            current = current.part("retention")
            guard.demand(session, Step.RETENTION, planned, current, given, share=0.2, run_id=run_id, now=NOW)

    return pass_guard


def approvals(warehouse):
    return ask(warehouse, "SELECT run_id, step, subject, reason FROM lifecycle_events WHERE action = 'approved'")


def test_below_the_guard_nobody_is_asked_and_no_approval_is_written(pass_guard, warehouse):
    few = plan(10)

    pass_guard(few, few, guard.consent(few, None, hours=24))

    assert approvals(warehouse) == []


def test_an_approved_plan_that_is_still_the_same_is_followed_and_says_who_approved_it(pass_guard, warehouse):
    made = plan()

    pass_guard(made, plan(), approved(made))

    ((run_id, step, subject, reason),) = approvals(warehouse)
    assert (run_id, step, subject) == ("run", "retention", f"plan {made.part('retention').digest}")
    assert reason == f"ann approved plan {made.digest}: 300 of 1,000 rows of fact_klines (30%)"


@pytest.mark.parametrize("current", [plan(301), plan(299), plan(subject="indicators_1m")])
def test_a_plan_that_has_changed_since_it_was_approved_is_not_followed(pass_guard, warehouse, current):
    made = plan()

    with pytest.raises(NotApproved, match="nothing is deleted by retention: ann approved 300 of 1,000 rows"):
        pass_guard(made, current, approved(made))

    assert approvals(warehouse) == []


def test_what_has_shrunk_below_the_guard_needs_no_approval(pass_guard):
    made = plan()

    pass_guard(made, plan(100), approved(made))


def test_a_killed_step_goes_on_with_what_is_left_of_the_approved_plan(pass_guard):
    made = plan()
    pass_guard(made, plan(), approved(made))

    pass_guard(made, plan(250), approved(made))
    with pytest.raises(NotApproved):
        pass_guard(made, plan(301), approved(made))


def test_another_run_does_not_go_on_with_it(pass_guard):
    made = plan()
    pass_guard(made, plan(), approved(made))

    with pytest.raises(NotApproved):
        pass_guard(made, plan(250), approved(made), run_id="another")


def test_more_than_the_guard_that_nobody_was_asked_about_is_not_deleted(pass_guard):
    few = plan(10)

    with pytest.raises(NotApproved, match=r"would delete 900 of 1,000 rows of fact_klines .90%., and nobody was asked"):
        pass_guard(few, plan(900), guard.consent(few, None, hours=24))


def test_a_consent_to_another_plan_is_none(pass_guard):
    with pytest.raises(NotApproved, match="its plan was not approved"):
        pass_guard(plan(), plan(), approved(plan(301)))


@pytest.mark.parametrize("step", ["expire", "retention"])
def test_a_run_that_is_to_save_the_warehouse_before_deletes_nothing_without_that(warehouse, monkeypatch, step):
    monkeypatch.setitem(steps._WAYS, step, lambda *_: "deleted")
    tools = Tools(lake=None, warehouse=warehouse, dbt=None, tell=None, run_id="run")

    def perform(**params):
        made = Plan(now=NOW, request=MaintenanceRequest.read(params, Settings()), items=())
        planned = {"plan": made.hand_on(), "question": ""}
        return steps.perform(tools, step, planned, steps.consent(planned, None, hours=24))

    def saved(run_id):
        event = LifecycleEvent(
            step=Step.BACKUP, action=Action.SAVED, store=Store.BACKUP, subject="20240602T020000Z", reason="…"
        )
        with warehouse.session() as session:
            lifecycle.record(session, [event], run_id=run_id, now=NOW)

    assert perform() == "deleted"
    saved("another")
    with pytest.raises(
        StepOff, match=f"nothing is deleted by {step}: this run was to save the warehouse before, and has not"
    ):
        perform(backup=True)
    saved("run")
    assert perform(backup=True) == "deleted"


def test_a_rejection_deletes_nothing_and_says_who():
    with pytest.raises(NotApproved, match=r"^nothing is deleted: ann rejected plan"):
        guard.consent(plan(), answered(REJECT, ANN), hours=24)


@pytest.mark.parametrize("option", [REJECT, APPROVE])
def test_a_default_that_was_taken_as_nobody_answered_is_no_approval_whatever_it_says(option):
    with pytest.raises(NotApproved, match=r"^nothing is deleted: nobody answered within 24 h"):
        guard.consent(plan(), answered(option, None), hours=24)
