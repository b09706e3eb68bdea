"""What every DAG shares: defaults of tasks, retries by kind of error, assets, schedules, the environment of dbt.

Imported while DAGs are parsed: everything heavy is imported where it is used.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from airflow.sdk import (
    Asset,
    ExceptionRetryPolicy,
    RetryAction,
    RetryDecision,
    RetryPolicy,
    RetryRule,
    TriggerRule,
    Variable,
    task,
)
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from candlewick.alerts.notifier import DeadlineMissed, RunTimedOut, TaskFailed
from candlewick.pipeline import schedules
from candlewick.settings import settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow.sdk import Context

    from candlewick.pipeline.maintenance.steps import Tools

log = logging.getLogger(__name__)

START = datetime(2026, 1, 1, tzinfo=UTC)  # no run before; catchup is off, so its only use is to be in the past
QUARANTINED: Final = "quarantined"
NICENESS = 10  # of history: the minute path goes first, also for the processor
POOL_EXCHANGE, POOL_LOAD, POOL_BACKFILL, POOL_DBT = "binance", "warehouse_load", "backfill", "dbt"
# The tables of dbt's selector `minute`, by what they are made from.
OF_CANDLES = (
    "fact_klines", "klines_5m", "klines_15m", "hourly_klines", "klines_4h", "daily_klines", "indicators_1m", "market_stats_24h",
)  # fmt: skip
OF_BOOKS = ("fact_orderbook", "orderbook_metrics")


class RetryByKind(RetryPolicy):
    """Try again what passes, fail at once what does not; what is not listed follows the task's ``retries``.

    The rules are made when a task failed, in its own process: rules with import paths would import the database
    driver while DAGs are parsed.
    """

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """Decide by the exception; the exchange's own waiting time is kept when it names one."""
        wait = getattr(exception, "retry_after_seconds", None)
        if wait is not None:
            return RetryDecision.retry(timedelta(seconds=float(wait)), reason="the exchange named the time to wait")
        return ExceptionRetryPolicy(rules()).evaluate(exception, try_number, max_tries, context)


def rules() -> list[RetryRule]:
    """Return the rules, first match wins: a subclass stands before its base."""
    from candlewick.exchange.errors import BadRequest, HostRefused, IpBanned, NoHostLeft, Unavailable
    from candlewick.lake.store import LakeError, LakeUnavailable
    from candlewick.pipeline.load import UnknownObject
    from candlewick.pipeline.transform import TransformBusy, TransformError
    from candlewick.warehouse.database import WarehouseBusy, WarehouseError

    retry, fail = RetryAction.RETRY, RetryAction.FAIL
    return [
        RetryRule(
            [WarehouseBusy, TransformBusy, LakeUnavailable],
            retry,
            timedelta(seconds=10),
            "a lock or a lost server passes",
        ),
        RetryRule(NoHostLeft, retry, timedelta(seconds=30), "a host's circuit breaker has to close first"),
        RetryRule(Unavailable, retry, timedelta(seconds=10), "no usable answer; another try may get one"),
        RetryRule([BadRequest, HostRefused, IpBanned], fail, None, "the exchange's answer stays the same"),
        RetryRule(UnknownObject, fail, None, "the name stays wrong"),
        RetryRule(
            [WarehouseError, TransformError, LakeError], fail, None, "the error stays until somebody corrects it"
        ),
    ]


def default_args() -> dict[str, Any]:
    """Return the defaults of every task."""
    return {
        "owner": "candlewick",
        "retries": 2,
        "retry_delay": timedelta(seconds=10),
        "retry_policy": RetryByKind(),
        "execution_timeout": timedelta(minutes=10),
        "on_failure_callback": [TaskFailed()],
    }


def run_defaults() -> dict[str, Any]:
    """Return the defaults of every DAG."""
    return {
        "start_date": START,
        "catchup": False,
        "max_active_runs": 1,
        "on_failure_callback": [RunTimedOut()],
    }


def deadline(minutes: int) -> DeadlineAlert | None:
    """Return the alert of a run that is not done so many minutes after it was queued.

    The triggerer sends it, whatever the workers are stuck in. A paused DAG has no run, hence no deadline: staleness sees that.
    None under `airflow dags test`: Airflow 3.3.2 ends such a run of a DAG with a deadline with a traceback, though it
    succeeded (apache/airflow#73428).
    """
    if sys.argv[1:3] == ["dags", "test"]:
        return None
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(minutes=minutes),
        callback=AsyncCallback(DeadlineMissed),
    )


def schedule(dag_id: str, default: str) -> schedules.Schedule:
    """Return the DAG's schedule; one Variable, read while the DAG is parsed, changes it at run time."""
    chosen = schedules.choose(dag_id, default, lambda: Variable.get(schedules.VARIABLE, default=None))
    if chosen.problem:
        log.warning("schedule of %s: %s", dag_id, chosen.problem)
    return chosen


def forced_keys(params: Mapping[str, Any] | None) -> list[str]:
    """Return the object keys that the run's ``force_process`` asks to load again."""
    return [word for word in _forced(params) if word != QUARANTINED]


def forces_quarantine(params: Mapping[str, Any] | None) -> bool:
    """Whether the run's ``force_process`` asks to load again what is in quarantine."""
    return QUARANTINED in _forced(params)


def _forced(params: Mapping[str, Any] | None) -> list[str]:
    value = (params or {}).get("force_process") or []
    return [value] if isinstance(value, str) else list(value)


# An asset is named by its role, never by a setting: of two assets with one name and different URIs Airflow keeps one
# active and fails every task that names the other. And its URI's scheme is our own: a provider's (s3, mysql) would
# import that provider's hooks, boto3 among them, while DAGs are parsed.
def raw_asset() -> Asset:
    """Return the asset of the payloads as received."""
    return Asset(name="lake.raw", uri="x-lake://raw", group="lake")


def table_asset(table: str, *, schema: Literal["raw", "marts"] = "marts") -> Asset:
    """Return the asset of a warehouse table."""
    return Asset(name=f"{schema}.{table}", uri=f"x-warehouse://{schema}/{table}", group="warehouse")


def dbt_asset(unique_id: str) -> Asset:
    """Return the asset of what a dbt model reads; dbt's sources are the raw schema."""
    kind, *_, name = unique_id.split(".")
    return table_asset(name, schema="raw" if kind == "source" else "marts")


def built_assets(*, books: bool = False) -> list[Asset]:
    """Return the assets that a run of dbt's selector `minute` writes; only the live path and a rebuild bring order books."""
    return [table_asset(table) for table in (*OF_CANDLES, *(OF_BOOKS if books else ()))]


def staging_assets() -> list[Asset]:
    """Return the assets the load writes."""
    return [table_asset("staging_klines", schema="raw"), table_asset("staging_orderbook", schema="raw")]


@contextmanager
def skip_when_banned() -> Iterator[None]:
    """Turn a ban into a skip that says so: nothing is asked, what is captured is still loaded and transformed."""
    from airflow.sdk.exceptions import AirflowSkipException

    from candlewick.alerts import conditions
    from candlewick.alerts.announce import announce
    from candlewick.exchange.errors import IpBanned

    try:
        yield
    except IpBanned as ban:
        announce([conditions.ip_banned(ban, settings().exchange)])
        raise AirflowSkipException(f"nothing is asked while this address is banned: {ban}") from ban


@task(trigger_rule=TriggerRule.ONE_FAILED, retries=0, on_failure_callback=[])
def verdict() -> None:
    """Fail the run when any task failed: a run's state is that of its last tasks, and these run after failures too."""
    raise RuntimeError("a task of this run failed; look at the red ones")


@task(outlets=[table_asset("storage_samples", schema="raw")])
def sizes() -> str:
    """Write down how large everything is: hourly, so that growth is known after a day."""
    from candlewick.connections import warehouse
    from candlewick.pipeline.maintenance.sizes import sample
    from candlewick.warehouse.database import utc_now

    return sample(warehouse(), settings(), utc_now()).sentence


@task.short_circuit
def facts_are_built() -> bool:
    """Skip all that follows while market_minute has built nothing yet: on a new platform that is no failure."""
    return has_facts()


def has_facts() -> bool:
    """Whether dbt has made its tables."""
    from candlewick.connections import warehouse
    from candlewick.warehouse import facts

    house = warehouse()
    with house.session() as session:
        return facts.are_built(session, house.config.marts_schema)


def once_loaded(_: Any) -> None:
    """Skip a task that compares the newest load with the clock while there never was one; a ``pre_execute`` of the task."""
    from airflow.sdk.exceptions import AirflowSkipException

    from candlewick.connections import warehouse
    from candlewick.warehouse import processed

    with warehouse().session() as session:
        if not processed.have_begun(session):
            raise AirflowSkipException("nothing was ever loaded, so nothing can be old yet; market_minute loads first")


def dbt_environment() -> dict[str, str]:
    """Return what the dbt project's profile reads, from the connection `warehouse_transform`."""
    from candlewick.connections import WAREHOUSE_TRANSFORM, connection
    from candlewick.pipeline.dbt_project import profile
    from candlewick.warehouse.database import Address

    found = connection(WAREHOUSE_TRANSFORM)
    account = Address(found.host or "127.0.0.1", found.port or 3306, found.login or "", found.password or "")
    return profile(account, settings())


def build_history(run_id: str, name: str) -> str:
    """Load what killed tasks have left on the lane of backfills, and build what changed, in one dbt process.

    What is loaded is built also when the rest cannot be read now. ``name`` is of dbt's folder, one for each DAG.
    """
    from candlewick.connections import lake, warehouse
    from candlewick.lake.store import LakeError
    from candlewick.pipeline.bulk import load_backlog
    from candlewick.pipeline.transform import run_dbt

    os.nice(NICENESS)
    unread: LakeError | None = None
    try:
        with lake() as store:
            load_backlog(store, warehouse(), run_id)
    except LakeError as error:
        unread = error
    built = run_dbt(["run", "--selector", "minute", "--vars", "{lane: backfill}"], dbt_environment(), name=name)
    if unread:
        raise unread
    return built.sentence


@contextmanager
def maintaining(run_id: str) -> Iterator[Tools]:
    """Open what a task of market_maintenance works with; what is off is skipped, what was not allowed is skipped and told."""
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

    from candlewick.alerts import conditions
    from candlewick.alerts.announce import announce
    from candlewick.connections import lake, warehouse
    from candlewick.pipeline.maintenance.guard import NotApproved
    from candlewick.pipeline.maintenance.request import RequestRefused
    from candlewick.pipeline.maintenance.steps import StepOff, Tools
    from candlewick.pipeline.transform import run_dbt

    os.nice(NICENESS)
    try:
        with lake() as store:
            yield Tools(
                lake=store,
                warehouse=warehouse(),
                dbt=lambda *arguments: run_dbt(arguments, dbt_environment(), name="maintenance").sentence,
                tell=announce,
                run_id=run_id,
            )
    except RequestRefused as refusal:
        raise AirflowFailException(str(refusal)) from None
    except StepOff as off:
        raise AirflowSkipException(str(off)) from None
    except NotApproved as denied:
        announce([conditions.maintenance_held(str(denied), run_id)])
        raise AirflowSkipException(str(denied)) from None


def prepare_dbt(_context: Context, operator: Any) -> None:
    """Prepare a Cosmos task (an interceptor, run in the task just before its dbt).

    The profile's values go where the dbt process inherits them, not into the operator's ``env``: that is a template
    field, which Airflow stores and shows. And an error of dbt becomes one of ours, with dbt's own sentences: Cosmos
    says "non-zero exit code", which tells neither people nor the retry policy anything.
    """
    from candlewick.pipeline.dbt_project import HASH_VARIABLE, project_hash
    from candlewick.pipeline.transform import failure

    def told_by_kind(result: Any) -> None:
        if result.exit_code != 0:
            raise failure(f"dbt {operator.task_id}", result.exit_code, result.full_output)

    os.environ.update(dbt_environment(), CANDLEWICK_DBT_EXECUTABLE=str(settings().dbt), DBT_USE_COLORS="false")
    os.environ[HASH_VARIABLE] = project_hash(settings())  # Cosmos keeps a parsed project between tasks
    operator.handle_exception_subprocess = told_by_kind
