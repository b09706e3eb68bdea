"""Archive files fetched and loaded as a job of a ``warm`` process, with a failpoint at every put and commit."""

from __future__ import annotations

from typing import Any

from candlewick.archive_file import ArchiveFile
from candlewick.exchange.archive import from_connection
from candlewick.pipeline.archive_fetch import fetch_file
from candlewick.pipeline.bulk import load_objects
from support.watched import open_watched


def main(job: dict[str, Any]) -> dict[str, Any]:
    """Bring ``job["files"]`` (names) into the lake, then into the warehouse."""
    with_ = open_watched(job)
    archive = from_connection(job["exchange"], {}, with_.config)
    files = [ArchiveFile.named(name) for name in job["files"]]
    fetched = [fetch_file(archive, with_.lake, with_.warehouse, file, "run") for file in files]
    archive.close()
    summary = load_objects(with_.lake, with_.warehouse, "run", [one.object_id for one in fetched])
    return {"states": [one.state for one in fetched], "rows": summary.rows_by_object, "seen": with_.failpoint.seen}
