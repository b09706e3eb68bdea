"""Who changed what: a row of Airflow's own audit log for every change, in the transaction of the change where they share a database."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.models.log import Log
from airflow.utils.session import create_session

from candlewick_ui.problems import request_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from sqlalchemy.orm import Session

PREFIX = "candlewick_"
ROW = "candlewick_audit_row"  # where the session of a change keeps its row


@contextmanager
def recorded(
    user: BaseUser, change: str, *, dag_id: str | None = None, run_id: str | None = None, **about: Any
) -> Iterator[Session]:
    """Write down a change that is made in this block; one that raises was not made, and leaves no row.

    The row is written first: a log that cannot be written stops the change, not the other way round.

    Args:
        user: who asked for it.
        change: what is done, as `pause_dag`; the log's event is this behind `candlewick_`.
        dag_id: of the DAG it is about.
        run_id: of its run.
        about: whatever else tells what was changed, and to what; no secrets.

    Yields:
        A session on Airflow's metadata, committed at the end of the block.
    """
    with create_session() as session:
        row = Log(
            event=f"{PREFIX}{change}",
            owner=user.get_name(),
            owner_display_name=user.get_name(),
            dag_id=dag_id,
            run_id=run_id,
            extra=json.dumps({**about, "request_id": request_id()}, default=str),
        )
        session.add(row)
        session.flush()
        session.info[ROW] = row
        yield session


def note_run(session: Session, run_id: str) -> None:
    """Say in the row of a change which run it made: one has no name before it is made."""
    session.info[ROW].run_id = run_id
