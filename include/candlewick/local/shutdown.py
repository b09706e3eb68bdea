"""The way down: services in an order that lets each end its work, then whatever else carries our mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from candlewick.local.progress import step

if TYPE_CHECKING:
    from candlewick.local.processes import Processes

# Stopped in this order: who asks goes before who answers. A task that is ended tells Airflow's API so before it goes.
DOWN_ORDER = (("scheduler", "triggerer", "dag-processor"), ("api-server",), ("exchange",), ("s3",), ("database",))


def stop_all(processes: Processes, grace_seconds: float) -> list[str]:
    """Stop what is recorded, in order, and whatever else carries the mark; return names."""
    records = {record.name: record for record in processes.records()}
    known = {name for group in DOWN_ORDER for name in group}
    groups = [tuple(name for name in records if name not in known), *DOWN_ORDER]
    stopped = []
    for group in groups:
        members = [records[name] for name in group if name in records]
        if members:
            with step(f"Stopping {', '.join(record.name for record in members)}"):
                processes.stop(members, grace_seconds)
            stopped += [record.name for record in members]
    strays = processes.sweep(grace_seconds)
    return [*stopped, f"{strays} strays"] if strays else stopped
