"""Parse the DAG folder as Airflow does and print what came out; run in a process of its own."""

from __future__ import annotations

import json
import sys

from airflow.dag_processing.dagbag import DagBag

HEAVY = ["pandas", "numpy", "boto3", "botocore", "MySQLdb", "alembic", "requests"]


def seconds(span) -> float | None:
    return span.total_seconds() if span else None


def kinds(callbacks) -> list[str]:
    callbacks = callbacks if isinstance(callbacks, list) else [callbacks] if callbacks else []
    return [type(callback).__name__ for callback in callbacks]


def task(operator) -> dict:
    return {
        "pool": operator.pool,
        "rule": operator.trigger_rule.value,
        "retries": operator.retries,
        "policy": type(operator.retry_policy).__name__ if getattr(operator, "retry_policy", None) else None,
        "timeout": seconds(operator.execution_timeout),
        "callbacks": kinds(operator.on_failure_callback),
        "upstream": sorted(operator.upstream_task_ids),
        "inlets": sorted(asset.name for asset in operator.inlets),
        "outlets": sorted(asset.name for asset in operator.outlets),
        "outlet_uris": sorted(asset.uri for asset in operator.outlets),
        "priority": operator.priority_weight,
    }


def dag(one) -> dict:
    return {
        "schedule": one.schedule,
        "timetable": one.timetable.summary if hasattr(one.timetable, "summary") else "",
        "max_active_runs": one.max_active_runs,
        "max_active_tasks": one.max_active_tasks,
        "catchup": one.catchup,
        "timeout": seconds(one.dagrun_timeout),
        "start": one.start_date.isoformat(),
        "callbacks": kinds(one.on_failure_callback),
        "deadlines": [
            [seconds(alert.interval), type(alert.reference).__name__, alert.callback.path]
            for alert in one.deadline or []
        ],
        "tags": sorted(one.tags),
        "doc": one.doc_md or "",
        "tasks": {operator.task_id: task(operator) for operator in one.tasks},
    }


bag = DagBag()
print(  # noqa: T201  # the answer
    json.dumps(
        {
            "errors": bag.import_errors,
            "heavy": [name for name in HEAVY if name in sys.modules],
            "dags": {dag_id: dag(one) for dag_id, one in bag.dags.items()},
        }
    )
)
