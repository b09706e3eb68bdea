"""A run of market_gaps without Airflow and dbt: detect, fetch, merge, detect again, classify."""

from __future__ import annotations

from candlewick.pipeline.gaps.detect import detect
from candlewick.pipeline.gaps.fetch import fetch_due
from candlewick.pipeline.gaps.settle import classify_open
from candlewick.warehouse.facts import AS_STAGED, OF_THE_MODEL
from candlewick.warehouse.gaps import read_evidence
from support.backfilling import Backfilling


class GapHunting(Backfilling):
    """Runs on one warehouse; the clock is the simulated exchange's."""

    def hunt(self, **options: object) -> None:
        """One run, as the DAG's tasks do it."""
        detect(self.warehouse, now=self.now, **options)
        self.fetch()
        self.merge()
        detect(self.warehouse, now=self.now)
        self.classify()

    def fetch(self):
        with self.tools("gaps") as tools:
            return fetch_due(tools, now=self.now)

    def classify(self):
        with self.tools("gaps") as tools:
            return classify_open(tools, now=self.now)

    def merge(self) -> None:
        """Do what dbt does with loads that were not inserted directly, as far as these tests need it."""
        marts = self.config.marts_schema
        columns = ", ".join((*AS_STAGED, *OF_THE_MODEL))
        values = ", ".join((*AS_STAGED, *OF_THE_MODEL.values()))
        with self.warehouse.session() as session:
            for (load_id,) in session.all("SELECT load_id FROM pending_loads WHERE model = 'fact_klines'"):
                session.run(
                    f"INSERT IGNORE INTO {marts}.fact_klines ({columns}) SELECT {values} FROM {marts}.stg_klines "
                    "WHERE load_id = %s",
                    (load_id,),
                )
                session.run("INSERT INTO pending_loads VALUES ('coverage_counts', %s)", (load_id,))
            session.run("DELETE FROM pending_loads WHERE model = 'fact_klines'")

    def wait_for_the_next_attempt(self) -> None:
        with self.warehouse.session() as session:
            session.run("UPDATE gap_ledger SET next_attempt_at = UTC_TIMESTAMP(3) WHERE next_attempt_at IS NOT NULL")

    def forget(self, where: str) -> int:
        """Delete facts behind everybody's back."""
        with self.warehouse.session() as session:
            return session.run(f"DELETE FROM {self.config.marts_schema}.fact_klines WHERE {where}")

    def ledger(self, columns: str = "symbol, from_time, to_time, reason, status", where: str = "status <> 'closed'"):
        return self.ask(f"SELECT {columns} FROM gap_ledger WHERE {where} ORDER BY symbol, from_time, gap_id")

    def evidence(self, where: str = "status <> 'closed'") -> list[dict]:
        return [read_evidence(row[0]) for row in self.ledger("evidence", where)]

    def coverage(self, symbol: str = "BTCUSDT"):
        return self.ask(
            "SELECT date, expected_minutes, present_minutes, final_minutes FROM coverage_counts WHERE symbol = %s ORDER BY 1",
            symbol,
        )
