"""Nobody's data goes by accident: above a share of anything a person is asked, and what was approved must still be true.

The question and its answer travel through Airflow, the decision is made here, in the step that deletes: an answer that
comes late, twice or to an older plan deletes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from candlewick.warehouse.lifecycle import Action, LifecycleEvent, Step, Store, has_done, record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from candlewick.pipeline.maintenance.plan import Plan, PlanItem
    from candlewick.warehouse.database import Session

APPROVE, REJECT = "Approve", "Reject"


class NotApproved(Exception):
    """Nothing is deleted; the message says who or what did not allow it."""


class Consent(BaseModel):
    """What a run may delete: ``digest`` names the plan, ``by`` who approved it; empty: nobody had to be asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: str
    by: str = ""


def consent(plan: Plan, answer: Mapping[str, Any] | None, *, hours: int) -> Consent:
    """Turn the answer of Airflow's human-in-the-loop task into a consent; without a question there is none.

    Args:
        plan: the one that was shown.
        answer: ``chosen_options`` and ``responded_by_user`` (None: nobody answered, the default was taken).
        hours: how long an answer was waited for.

    Raises:
        NotApproved: it was rejected, or nobody answered in time.
    """
    if answer is None:
        return Consent(digest=plan.digest)
    user = answer.get("responded_by_user")
    by = (user or {}).get("name") or (user or {}).get("id") or ""
    if not by:
        raise NotApproved(
            f"nothing is deleted: nobody answered within {hours} h whether plan {plan.digest} may be followed; "
            "the next run asks again, or trigger one now"
        )
    if answer.get("chosen_options") != [APPROVE]:
        raise NotApproved(f"nothing is deleted: {by} rejected plan {plan.digest}; the next run asks again")
    return Consent(digest=plan.digest, by=by)


def demand(
    session: Session, step: Step, planned: Plan, current: Plan, given: Consent | None, *, share: float, run_id: str, now: datetime
) -> None:  # fmt: skip
    """Let a deleting step pass, or not; an approval that is used is written down and committed.

    Args:
        session: a transaction on the ledger.
        step: who wants to delete.
        planned: the plan of the run, as shown.
        current: this step's part of it, made again just now with the same cutoffs.
        given: what was approved; None: a question was not answered with yes.
        share: of anything, above which a person has to be asked.
        run_id: of the run.
        now: the present, naive UTC.

    Raises:
        NotApproved: nothing may be deleted.
    """
    if given is None or given.digest != planned.digest:
        raise NotApproved(f"nothing is deleted by {step.value}: its plan was not approved")
    above = current.above(share)
    if not above:
        return
    approved = planned.part(step.value)
    if not given.by:
        raise NotApproved(
            f"nothing is deleted by {step.value}: made again, its plan would delete {_named(above)}, and nobody was asked as "
            "it was less when the run began; the next run asks"
        )
    if current.digest == approved.digest:
        reason = f"{given.by} approved plan {planned.digest}: {_named(above)}"
        record(session, [_approval(step, approved, reason)], run_id=run_id, now=now)
        session.commit()
        return
    # A killed step finds less to do than was approved, and goes on.
    has_begun = has_done(session, run_id, step, Action.APPROVED, _subject(approved))
    if not (has_begun and approved.holds(current)):
        raise NotApproved(
            f"nothing is deleted by {step.value}: {given.by} approved {_named(approved.above(share)) or 'less than that'}, but made "
            f"again the plan would delete {_named(above)}; look at what has changed, the next run asks again"
        )


def _named(items: tuple[PlanItem, ...]) -> str:
    return ", ".join(f"{i.count:,} of {i.total:,} {i.unit} of {i.subject} ({i.share:.0%})" for i in items)


def _approval(step: Step, approved: Plan, reason: str) -> LifecycleEvent:
    store = Store.WAREHOUSE if step is Step.RETENTION else Store.ARCHIVE
    return LifecycleEvent(step=step, action=Action.APPROVED, store=store, subject=_subject(approved), reason=reason)


def _subject(approved: Plan) -> str:
    return f"plan {approved.digest}"
