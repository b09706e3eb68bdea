"""One step of maintenance as a job of a ``warm`` process, with a failpoint at every put, deletion, commit and DDL.

The clock is the job's; dbt is the real one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from candlewick.pipeline.dbt_project import profile
from candlewick.pipeline.maintenance import steps
from candlewick.pipeline.maintenance.guard import NotApproved
from candlewick.pipeline.maintenance.steps import StepOff
from candlewick.pipeline.transform import run_dbt
from support.watched import open_watched


def main(job: dict[str, Any]) -> dict[str, Any]:
    """Do ``job["step"]``: ``begin``, or a step's name; a refusal is an answer, any other error a crash."""
    with_ = open_watched(job)
    config, seen = with_.config, with_.failpoint.seen
    environment = profile(with_.warehouse.address, config)
    tools = steps.Tools(
        lake=with_.lake,
        warehouse=with_.warehouse,
        dbt=lambda *words: run_dbt(words, environment, name="maintenance", config=config).sentence,
        tell=lambda _: None,
        run_id=job["run_id"],
        clock=lambda: datetime.fromisoformat(job["now"]),
    )
    try:
        if job["step"] == "begin":
            return {"planned": steps.begin(tools, job["params"]), "seen": seen}
        return {"said": steps.perform(tools, job["step"], job["planned"], job["consent"]), "seen": seen}
    except (NotApproved, StepOff) as refused:
        return {"refused": str(refused), "seen": seen}
