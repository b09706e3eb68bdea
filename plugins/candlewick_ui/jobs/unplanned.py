"""Backfills that ended before they had a plan: the ledger has none of them, Airflow and the alerts have."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from candlewick.settings import settings
from candlewick_ui.jobs import listing
from candlewick_ui.queries import backfills
from candlewick_ui.tracking import HISTORY_JOB

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

    from candlewick_ui.database import Reader

LOOKED_AT, MOST = 20, 5


def unplanned(user: BaseUser, reader: Reader) -> list[dict[str, Any]]:
    """Return the newest runs of market_backfill that failed, or were stopped, before their parts were written down.

    Returns:
        Rows with what was asked for in words, ``shown_state``, ``reason`` (None: only the log of the run has it) and
        ``requested_at`` (naive UTC), newest first.
    """
    failed = [run for run in listing.runs(user, HISTORY_JOB, LOOKED_AT) if run.state == "failed"]
    planned = backfills.planned(reader, [run.run_id for run in failed])
    found = [run for run in failed if run.run_id not in planned][:MOST]
    reasons = backfills.reasons(reader, [run.run_id for run in found if not run.ended_by])
    return [_row(run, reasons.get(run.run_id)) for run in found]


def _row(run: listing.Run, reason: str | None) -> dict[str, Any]:
    """A run can be given anything by Airflow's own command: what is no list of symbols is shown as it is."""
    symbols = run.conf.get("symbols", settings().symbols)
    return {
        "run_id": run.run_id,
        "symbols": ", ".join(map(str, symbols)) if isinstance(symbols, list | tuple) else str(symbols),
        "span": f"{run.conf.get('interval', '1m')}, {run.conf.get('start', '?')} to {run.conf.get('end', '?')}, {run.conf.get('source', 'auto')}",
        "is_planned": False,
        "is_at_work": False,
        "shown_state": "stopped" if run.ended_by else "failed",
        "ended_by": run.ended_by,
        "reason": reason,
        "requested_at": (run.queued_at or run.run_after).astimezone(UTC).replace(tzinfo=None),
    }
