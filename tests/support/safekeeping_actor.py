"""A backup, a restore or a drill as a job of a ``warm`` process, with a failpoint at every read, put and commit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from candlewick.pipeline.backup import parts, save
from candlewick.pipeline.backup.restore import restore
from candlewick.pipeline.drill import DrillRequest, rehearse
from support.watched import open_watched


def main(job: dict[str, Any]) -> dict[str, Any]:
    """Do ``job["step"]`` once."""
    parts.PART_BYTES = job.get("part_bytes", parts.PART_BYTES)
    with_ = open_watched(job, schema="" if job["step"] == "restore" else None)
    warehouse, lake, now = with_.warehouse, with_.lake, datetime.fromisoformat(job["now"])
    if job["step"] == "save":
        said = save.run(warehouse, lake, "run", now).sentence
    elif job["step"] == "restore":
        said = restore(warehouse, lake, "latest", now).sentence
    else:
        request = DrillRequest.read(job["days"], now.date())
        said = rehearse(warehouse, lake, request, "drill", now).sentence
    return {"said": said, "seen": with_.failpoint.seen}
