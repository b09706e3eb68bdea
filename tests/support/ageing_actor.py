"""Archiving or expiring as a job of a ``warm`` process, with a failpoint at every put, commit and deletion."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from candlewick.pipeline.maintenance import archive, archiving, expire
from support.watched import open_watched

assert archiving.AT_ONCE  # imported here, before the forks


def main(job: dict[str, Any]) -> dict[str, Any]:
    """Do ``job["step"]``: archive or expire."""
    with_ = open_watched(job)
    now, run = datetime.fromisoformat(job["now"]), {"archive": archive.run, "expire": expire.run}[job["step"]]
    said = run(with_.lake, with_.warehouse, "maintenance", now, job["days"]).sentence
    return {"said": said, "seen": with_.failpoint.seen}
