"""What the tasks of market_maintenance do, one function a task; the DAG only wires them."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from candlewick.pipeline.backup import save
from candlewick.pipeline.maintenance import archive, care, expire, guard, retention, sweep
from candlewick.pipeline.maintenance.counting import count, count_step
from candlewick.pipeline.maintenance.guard import Consent
from candlewick.pipeline.maintenance.plan import DELETING, Plan
from candlewick.pipeline.maintenance.request import MaintenanceRequest
from candlewick.pipeline.maintenance.sweep_summary import SweepSummary
from candlewick.warehouse.database import utc_now
from candlewick.warehouse.lifecycle import Action, Step, has_done

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from candlewick.lake.store import Lake
    from candlewick.warehouse.database import Warehouse
    from candlewick.warehouse.events import Event

log = logging.getLogger(__name__)


class StepOff(Exception):
    """A step that this run does not do; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What the steps work with."""

    lake: Lake
    warehouse: Warehouse
    dbt: Callable[..., str]
    """Runs one process with these arguments, returns its sentence."""
    tell: Callable[[Sequence[Event]], None]
    """Announces what people should know."""
    run_id: str
    clock: Callable[[], datetime] = field(default=utc_now)
    """The present, naive UTC; cutoffs count from the plan's ``now``."""


def begin(tools: Tools, params: Mapping[str, Any]) -> dict[str, Any]:
    """Make the plan and write it into the log; ``question`` is what a person has to be asked, empty: nothing.

    Raises:
        RequestRefused: the params make no sense.
    """
    request = MaintenanceRequest.read(params, tools.warehouse.config)
    plan = count(tools.warehouse, request, tools.clock())
    log.info(plan.text)
    share = tools.warehouse.config.guard_share
    above = plan.above(share)
    if request.dry_run and above:
        log.info("a run that is not dry would ask:\n%s", plan.question(share))
    return {"plan": plan.hand_on(), "question": plan.question(share) if above and not request.dry_run else ""}


def consent(planned: Mapping[str, Any], answer: Mapping[str, Any] | None, *, hours: int) -> dict[str, Any]:
    """Turn the answer (None: nobody was asked) into what the deleting steps are handed.

    Raises:
        NotApproved: it was rejected, or nobody answered in time.
    """
    plan = Plan.read(planned["plan"])
    if planned["question"] and answer is None:
        raise guard.NotApproved(f"nothing is deleted: plan {plan.digest} was to be approved, and no answer came")
    return guard.consent(plan, answer, hours=hours).model_dump()


def perform(tools: Tools, name: str, planned: Mapping[str, Any] | None, consented: Mapping[str, Any] | None) -> str:
    """Do one step with the plan's cutoffs; return what it did in a sentence.

    Raises:
        StepOff: it is switched off, the run is dry, has no plan, its deletion was not approved, or the backup that was asked
            for before it was not made.
        NotApproved: its plan is no longer the approved one.
    """
    plan = _to_be_followed(planned)
    if not getattr(plan.request, name):
        raise StepOff(f"{name} is switched off for this run")
    if name in DELETING and consented is None:
        raise StepOff(f"nothing is deleted by {name}: the plan was not approved")
    if name in DELETING and plan.request.backup and not _is_saved(tools):
        raise StepOff(f"nothing is deleted by {name}: this run was to save the warehouse before, and has not")
    return _WAYS[name](tools, plan, None if consented is None else Consent.model_validate(consented))


def _is_saved(tools: Tools) -> bool:
    with tools.warehouse.session() as session:
        return has_done(session, tools.run_id, Step.BACKUP, Action.SAVED)


def build_storage(tools: Tools, planned: Mapping[str, Any] | None) -> str:
    """Build what dbt says of sizes and growth.

    Raises:
        StepOff: the run is dry, or has no plan.
    """
    _to_be_followed(planned)
    return tools.dbt("build", "--select", "storage_health")


def _to_be_followed(planned: Mapping[str, Any] | None) -> Plan:
    if planned is None:
        raise StepOff("without a plan nothing is done; the task plan says why there is none")
    plan = Plan.read(planned["plan"])
    if plan.request.dry_run:
        raise StepOff("a dry run plans and does nothing else")
    return plan


def _allowed(tools: Tools, plan: Plan, given: Consent | None, step: Step) -> Any:
    """Make a deleting step's plan again, with the cutoffs of the run's; return the step's own when it may be followed."""
    current, own = count_step(tools.warehouse, plan.request, plan.now, step.value)
    with tools.warehouse.session() as session:
        guard.demand(
            session, step, plan, current, given,
            share=tools.warehouse.config.guard_share, run_id=tools.run_id, now=tools.clock(),
        )  # fmt: skip
    return own


def _archive(tools: Tools, plan: Plan, _: Consent | None) -> str:
    days = plan.request.archive_after_days
    return archive.run(
        tools.lake, tools.warehouse, run_id=tools.run_id, now=tools.clock(), after_days=days, counted_from=plan.now
    ).sentence


def _expire(tools: Tools, plan: Plan, given: Consent | None) -> str:
    _allowed(tools, plan, given, Step.EXPIRE)
    days = plan.request.archived_keep_days
    return expire.run(
        tools.lake, tools.warehouse, run_id=tools.run_id, now=tools.clock(), keep_days=days, counted_from=plan.now
    ).sentence


def _retention(tools: Tools, plan: Plan, given: Consent | None) -> str:
    own = _allowed(tools, plan, given, Step.RETENTION)
    return retention.run(tools.warehouse, tools.run_id, tools.clock(), own, tools.dbt).sentence


def _care(tools: Tools, _: Plan, __: Consent | None) -> str:
    return care.run(tools.warehouse, tools.lake, tools.run_id, tools.clock()).sentence


def _sweep(tools: Tools, _: Plan, __: Consent | None) -> str:
    summary = SweepSummary()
    try:
        return sweep.run(tools.lake, tools.warehouse, tools.run_id, tools.clock(), summary=summary).sentence
    finally:
        tools.tell(summary.events)


def _backup(tools: Tools, plan: Plan, _: Consent | None) -> str:
    return save.run(tools.warehouse, tools.lake, tools.run_id, plan.now).sentence


_WAYS: dict[str, Callable[[Tools, Plan, Consent | None], str]] = {
    "archive": _archive,
    "expire": _expire,
    "retention": _retention,
    "care": _care,
    "sweep": _sweep,
    "backup": _backup,
}
