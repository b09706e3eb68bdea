"""A sweep as a job of a ``warm`` process, with a failpoint at every commit and deletion."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from candlewick.pipeline.maintenance import sweep
from support.watched import open_watched


def main(job: dict[str, Any]) -> dict[str, Any]:
    """Sweep once at ``job["now"]``."""
    with_ = open_watched(job)
    done = sweep.run(with_.lake, with_.warehouse, "run", datetime.fromisoformat(job["now"]))
    return {"sentence": done.sentence, "seen": with_.failpoint.seen}
