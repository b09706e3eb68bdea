"""Analysts read the warehouse with an account of their own, as docs/api.md shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DatabaseError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"


def run(platform, *words, **more):
    environment = {**platform.server.environment, **more}
    return subprocess.run(
        [sys.executable, *words], env=environment, cwd=platform.server.home, text=True, capture_output=True, check=False
    )


@pytest.fixture(scope="module")
def dsn(platform_ui):
    """What the command prints."""
    done = run(platform_ui, "-m", "candlewick.dsn")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_example_of_the_page_runs_and_sees_the_hours(platform_ui, dsn):
    example = re.search(r"```python\n(import os\n.*?)```", PAGE.read_text(), re.DOTALL).group(1)
    done = run(platform_ui, "-c", example, WAREHOUSE_DSN=dsn)
    assert done.returncode == 0, done.stderr
    count = float(re.search(r"count\s+([\d.]+)", done.stdout).group(1))
    hours = platform_ui.sql(
        "SELECT COUNT(*) AS n FROM {marts}.hourly_klines WHERE symbol = 'BTCUSDT' "
        "AND hour_start >= UTC_TIMESTAMP() - INTERVAL 2 DAY"
    )
    assert abs(count - (hours[0]["n"] - 1)) <= 1


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM hourly_klines", "UPDATE {raw}.tracked_symbols SET active = 0", "CREATE TABLE mine (a INT)"],
)
def test_the_account_changes_nothing(platform_ui, dsn, statement):
    engine = create_engine(dsn, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection, pytest.raises(DatabaseError, match="denied"):
        connection.execute(text(statement.format(raw=platform_ui.raw)))
    engine.dispose()


def test_the_writers_account_is_given_to_nobody(platform_ui):
    done = run(
        platform_ui,
        "-c",
        "import os; del os.environ['AIRFLOW_CONN_WAREHOUSE_READ']; from candlewick import dsn; raise SystemExit(dsn.main())",
    )
    assert done.returncode == 1
    assert "expected a connection warehouse_read, got none" in done.stderr
    assert "mysql://" not in done.stdout + done.stderr
