"""The platform as a whole: the services in their order, the steps that start it, and the way down.

``Platform`` is what ``make`` drives and what tests can drive too::

    platform = Platform.create("demo", environ)
    platform.up()
    subprocess.run([...], env=platform.environment)
    platform.down()
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cached_property
from typing import TYPE_CHECKING

from candlewick.local import checks, code, dbt, outside
from candlewick.local.airflow import Airflow
from candlewick.local.database import PrivateDatabase, session
from candlewick.local.errors import LauncherError, ServiceFailed
from candlewick.local.exchange import SimulatedExchange
from candlewick.local.home import Credentials, Home
from candlewick.local.object_store import PrivateStore
from candlewick.local.preflight import preflight, refuse_interrupted
from candlewick.local.processes import Processes, tail
from candlewick.local.progress import Step, console, step
from candlewick.local.shutdown import stop_all
from candlewick.local.wiring import LOOPBACK, wire
from candlewick.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from candlewick.local.processes import Record, Service

DEMO, LIVE = "demo", "live"
READY_SECONDS = 120.0


class Platform:
    """One ``CANDLEWICK_HOME`` in one mode, ``demo`` (simulated exchange) or ``live``."""

    def __init__(self, settings: Settings, mode: str, environ: Mapping[str, str]) -> None:
        self.settings, self.mode, self.environ = settings, mode, dict(environ)
        self.home = Home(root_of(settings), mode)
        self.home.make()
        self.processes = Processes(self.home.root)
        self.credentials = Credentials.load(self.home)
        self.wiring = wire(settings, self.credentials, environ, mode)
        self.airflow = Airflow(self.home, settings, self.credentials)
        self.database = PrivateDatabase(self.home, settings, self.credentials)
        self.store = PrivateStore(self.home, settings, self.credentials)
        self.exchange = SimulatedExchange(settings)

    @classmethod
    def create(cls, mode: str | None, environ: Mapping[str, str]) -> Platform:
        """Return the platform of this environment; without a mode, the one that was started last."""
        settings = Settings()
        noted = root_of(settings) / "mode"
        return cls(settings, mode or (noted.read_text().strip() if noted.is_file() else DEMO), environ)

    @cached_property
    def environment(self) -> dict[str, str]:
        """The environment in which Airflow, dbt and our own commands talk to this platform."""
        env = self.airflow.environment(self.wiring.variables, self.environ)
        return {**env, **dbt.environment(self.settings, self.wiring.account("WAREHOUSE_TRANSFORM"))}

    @property
    def private_services(self) -> list[str]:
        """Names of the services of our own, in the order they start."""
        names = []
        if self.wiring.is_private("WAREHOUSE"):
            names.append("database")
        if self.wiring.is_private("LAKE"):
            names.append("s3")
        if self.mode == DEMO and (self.wiring.is_private("BINANCE") or self.wiring.is_private("BINANCE_ARCHIVE")):
            names.append("exchange")
        return names

    # --- up -----------------------------------------------------------------------------------------------------------

    def up(self) -> None:
        """Start everything that is not running yet and bring the schema, pools and DAGs into place.

        Raises:
            LauncherError: a step failed; what runs by then keeps running.
        """
        with self.home.locked():
            preflight(self)
            refuse_interrupted(self)
            (self.home.root / "mode").write_text(self.mode)
            for title, work in self.steps():
                with step(title) as current:
                    work(current)
            code.note_running(self.home.root, code.revision())

    def steps(self) -> list[tuple[str, Callable[[Step], None]]]:
        """Return the steps of a start, in order."""
        return [
            ("Warehouse", self.start_warehouse),
            ("Object store", self.start_store),
            ("Exchange", self.start_exchange),
            ("Schema, symbols, buckets; dbt manifest; Airflow metadata", self.prepare),
            ("Airflow", self.start_airflow),
            ("Pools and DAGs", self.prepare_dags),
        ]

    def start_warehouse(self, current: Step) -> None:
        """Start the private database, or check the one from outside; then see whether readers get in."""
        if self.wiring.is_private("WAREHOUSE"):
            self._start(self.database.service, "database", self.database.ready)
            self.database.create_accounts()
        else:
            outside.require_warehouse(self.wiring, self.settings, self.mode)
        account = self.wiring.account("WAREHOUSE")
        with session(self.wiring.account("WAREHOUSE_READ")):
            what = "MariaDB on" if self.wiring.is_private("WAREHOUSE") else "from outside,"
            current.result = f"{what} {account.host}:{account.port}"

    def start_store(self, current: Step) -> None:
        """Start the private S3 endpoint; one from outside is tried when the buckets are made."""
        if self.wiring.is_private("LAKE"):
            self._start(self.store.service, "s3", self.store.ready)
            current.result = f"S3 on {LOOPBACK}:{self.settings.s3_port}"
        else:
            current.result = "from outside"

    def start_exchange(self, current: Step) -> None:
        """Start the simulated exchange, or see whether the real one answers."""
        if "exchange" in self.private_services:
            self._start(self.exchange.service, "exchange", self.exchange.ready)
        current.result = checks.require_exchange(self.wiring.bases("BINANCE"))

    def prepare(self, current: Step) -> None:
        """Do three slow things at once that do not depend on each other; each is mostly one process starting up."""
        work = {"schema": self.provision, "manifest": self.write_manifest, "metadata": self.migrate_airflow}
        with ThreadPoolExecutor() as pool:
            futures = {pool.submit(do): name for name, do in work.items()}
            results = {}
            for future in as_completed(futures):
                results[futures[future]] = future.result()
                current.now(f"{futures[future]} done")
        current.result = "; ".join(results[name] for name in work)

    def provision(self) -> str:
        """Upgrade the raw schema, seed the symbols, make the buckets; then complete the transformer's rights."""
        said = self.command("candlewick.local.provision")
        if self.wiring.is_private("WAREHOUSE"):
            self.database.grant_tables()
        else:
            outside.require_tables(self.wiring, self.settings)
        # Airflow's own log lines come the same way; the three commands' words are what a person wants.
        return "; ".join(line for line in said.splitlines() if line.startswith(("schema ", "symbols ", "buckets ")))

    def write_manifest(self) -> str:
        """Parse the dbt project when it changed."""
        return "dbt parsed" if dbt.write_manifest(self.home, self.settings, self.environment) else "dbt unchanged"

    def migrate_airflow(self) -> str:
        """Create or upgrade Airflow's metadata database when its version changed."""
        self.airflow.write_users()
        if not self.airflow.needs_migration():
            return "Airflow unchanged"
        self._run([self.airflow.command, "db", "migrate"], "airflow db migrate")
        self.airflow.migrated()
        return "Airflow migrated"

    def start_airflow(self, current: Step) -> None:
        """Start the four components and wait until all are healthy."""
        records = [self.processes.start(service) for service in self.airflow.services(self.environment)]
        deadline = time.monotonic() + READY_SECONDS
        while not self.airflow.healthy():
            self._require_alive(records)
            waiting = [name for name, said in self.airflow.health().items() if said != "healthy"]
            current.now(f"waiting for {', '.join(waiting) or 'its API'}")
            if time.monotonic() > deadline:
                raise ServiceFailed(
                    f"Airflow was not healthy within {READY_SECONDS:.0f} s; the logs are in {self.home.logs}."
                )
            time.sleep(0.5)
        current.result = self.airflow.url

    def prepare_dags(self, current: Step) -> None:
        """Create pools, wait until the DAG files are read, unpause the DAGs that are new."""
        self.airflow.create_pools()
        deadline = time.monotonic() + READY_SECONDS
        reader = self.processes.running("dag-processor")
        since = reader.create_time if reader else time.time()
        files = {path.name for path in self.settings.dags_dir.glob("*.py")}
        while missing := files - self.airflow.dag_files():
            if errors := self.airflow.import_errors(since):
                raise LauncherError(f"Airflow cannot read these DAG files: {'; '.join(errors)}.")
            current.now(f"waiting for {', '.join(sorted(missing))}")
            if time.monotonic() > deadline:
                log = self.home.logs / "dag-processor.log"
                raise LauncherError(
                    f"No DAG came out of {', '.join(sorted(missing))} in {READY_SECONDS:.0f} s; see {log}."
                )
            time.sleep(1)
        self.airflow.unpause_new()
        current.result = ", ".join(sorted(self.airflow.dags())) or "there are no DAG files"

    def _start(self, make: Callable[[], Service], name: str, ready: Callable[[], bool]) -> None:
        record = self.processes.running(name) or self.processes.start(make())
        self.processes.wait_ready(record, ready, READY_SECONDS)

    def _require_alive(self, records: list[Record]) -> None:
        for record in records:
            if record.process() is None:
                raise ServiceFailed(
                    f"{record.name} ended while it started; its last words:\n{tail(record)}\nThe log is {record.log}."
                )

    def command(self, module: str, *words: str) -> str:
        """Run a command of ours in the platform's environment; return what it printed.

        Raises:
            LauncherError: it failed; the message is its last line.
        """
        return self._run([sys.executable, "-m", module, *words], " ".join((module, *words)))

    def _run(self, argv: list[str], what: str) -> str:
        """Run one of our own commands to its end; return what it said."""
        done = subprocess.run(
            argv, env=self.environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        with (self.home.logs / "setup.log").open("a", encoding="utf-8") as log:
            log.write(f"$ {what}\n{done.stdout}{done.stderr}")
        said = (done.stderr if done.returncode else done.stdout).strip().splitlines()
        if done.returncode:
            raise LauncherError(
                f"{said[-1] if said else what + ' failed'} (the whole output is in {self.home.logs / 'setup.log'})"
            )
        return "\n".join(said)

    # --- down ---------------------------------------------------------------------------------------------------------

    def down(self) -> None:
        """Stop everything that was started under this home, whatever mode it was started in."""
        with self.home.locked():
            stopped = stop_all(self.processes, self.settings.stop_grace_seconds)
        console.print(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.", soft_wrap=True)


def root_of(settings: Settings) -> Path:
    """Return the home folder as the bootstrap writes it: symbolic links followed."""
    return settings.home.resolve()


def base_environment() -> dict[str, str]:
    """Return this process's environment without what would draw children to another installation."""
    return {key: value for key, value in os.environ.items() if key not in {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"}}
