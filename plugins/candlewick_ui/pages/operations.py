"""*Operations*: the jobs and how they go, a backfill and how far it is, and everything people may change about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from fastapi import Request
from fastapi.responses import Response
from markupsafe import Markup

from candlewick_ui.database import Reader, ReaderOfMarts
from candlewick_ui.identity import has_right
from candlewick_ui.jobs import listing
from candlewick_ui.jobs.states import runs_of
from candlewick_ui.jobs.unplanned import unplanned
from candlewick_ui.pages.forms import inputs, offered_days
from candlewick_ui.pages.frame import PageUser, page, page_router
from candlewick_ui.pages.tables import badge
from candlewick_ui.problems import Problem
from candlewick_ui.queries import backfills
from candlewick_ui.tracking import HISTORY_JOB as BACKFILL

SHOWN_BACKFILLS, SHOWN_RUNS = 10, 20
RUN_STATE = badge({"success": "good", "failed": "bad", "running": "warning", "queued": "warning"})
BACKFILL_STATE = badge({"finished": "good", "incomplete": "bad", "failed": "bad", "running": "warning"})
_ENDED = Markup('<span class="badge" title="{} ended it; Airflow counts it as failed">stopped</span>')
UNFINISHED = {"queued", "running"}

router = page_router()


@router.get("/operations")
def operations(request: Request, user: PageUser, reader: ReaderOfMarts) -> Response:
    """Answer with every job, and the backfills."""
    jobs = listing.listed(user)
    job = next((one for one in jobs if one.dag_id == BACKFILL), None)
    return page(
        request,
        user,
        "operations.html",
        jobs=jobs,
        backfill=job,
        fields=backfill_fields(user) if job and job.may_trigger else None,
        backfills=shown_backfills(user, reader) if job else [],
        waiting=listing.unfinished(user, BACKFILL) if job and may_see_runs(user, BACKFILL) else [],
        may_cancel=has_right(user, "PUT", BACKFILL, DagAccessEntity.RUN),
        show_run=run_state,
        show_backfill=BACKFILL_STATE,
    )


@router.get("/operations/{dag_id}")
def one_job(request: Request, user: PageUser, dag_id: str) -> Response:
    """Answer with one job: its runs, a form to start it with params, its schedule.

    Raises:
        Problem: there is none of this name, or the user may not see it.
    """
    job = listing.one(user, dag_id)
    return page(
        request,
        user,
        "operations_job.html",
        job=job,
        runs=listing.runs(user, dag_id, SHOWN_RUNS) if may_see_runs(user, dag_id) else None,
        fields=inputs(job.params),
        may_cancel=has_right(user, "PUT", dag_id, DagAccessEntity.RUN),
        show_run=run_state,
    )


def run_state(run: listing.Run) -> str:
    """Write the state of a run; one that a person has ended is stopped, not failed."""
    return _ENDED.format(run.ended_by) if run.ended_by else RUN_STATE(run.state)


def shown_backfills(user: BaseUser, reader: Reader) -> list[dict[str, Any]]:
    """Return the newest backfills, and between them those that ended before they had a plan, newest first."""
    rows = with_runs(user, backfills.newest(reader, SHOWN_BACKFILLS).rows)
    without = unplanned(user, reader) if may_see_runs(user, BACKFILL) else []
    if len(rows) == SHOWN_BACKFILLS:
        without = [row for row in without if row["requested_at"] > rows[-1]["requested_at"]]
    for row in reversed(without):  # the ledger's own order stays
        older = (number for number, one in enumerate(rows) if one["requested_at"] < row["requested_at"])
        rows.insert(next(older, len(rows)), row)
    return rows


def backfill_fields(user: BaseUser) -> list[Any] | None:
    """Return the fields of a backfill, its span filled in with the last month; None until the DAG was parsed."""
    try:
        params = listing.one(user, BACKFILL).params
    except Problem:
        return None
    for name, day in zip(("start", "end"), offered_days(), strict=True):
        params[name] = {**params[name], "value": day.isoformat()}
    return inputs(params)


def with_runs(user: BaseUser, found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tell which backfills are really at work: one whose run has ended is not, whatever its ledger still says.

    Who may not see runs is told what the ledger says.
    """
    rows = [
        {**row, "is_planned": True, "is_at_work": row["state"] == backfills.RUNNING, "shown_state": row["state"]}
        for row in found
    ]
    begun = [row for row in rows if row["is_at_work"]]
    if may_see_runs(user, BACKFILL):
        known = runs_of(BACKFILL, [row["run_id"] for row in begun])
        for row in begun:
            state, ended_by = known.get(row["run_id"], (None, None))
            if state not in UNFINISHED:
                has_failed = state == "failed" and not ended_by
                row |= {"is_at_work": False, "shown_state": "failed" if has_failed else "stopped"}
    return rows


def may_see_runs(user: BaseUser, dag_id: str) -> bool:
    """Tell whether Airflow shows the user the runs of a job that it shows."""
    return has_right(user, "GET", dag_id, DagAccessEntity.RUN)
