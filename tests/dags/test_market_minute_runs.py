"""``airflow dags test market_minute`` on a real database, object store and simulated exchange."""

from __future__ import annotations

import json

import pytest

from candlewick.pipeline.symbols import seed
from support.fake_dbt import result


@pytest.fixture
def seeded(warehouse):
    return seed(warehouse)


def ask(warehouse, query):
    with warehouse.session() as session:
        return session.all(query)


def test_a_run_brings_candles_to_staging_and_starts_one_dbt(airflow, platform, warehouse, seeded, dbt):
    dbt.will(results=[result("fact_klines", rows=300)])

    done = airflow.test_run("market_minute", **platform)

    assert airflow.run_state() == "success", done.stdout[-4000:]
    assert airflow.states() == {
        "plan": ["success"],
        "extract": ["success", "success"],
        "load": ["success"],
        "transform": ["success"],
        "verdict": ["skipped"],
    }
    staged = ask(warehouse, "SELECT symbol, COUNT(*) > 90 FROM staging_klines GROUP BY symbol ORDER BY symbol")
    assert staged == [(symbol, 1) for symbol in sorted(seeded)]
    assert dbt.call["argv"][:3] == ["run", "--selector", "minute"]
    assert dbt.call["environment"]["CANDLEWICK_RAW_SCHEMA"] == platform["CANDLEWICK_RAW_SCHEMA"]
    assert dbt.call["environment"]["CANDLEWICK_DBT_PASSWORD"] not in done.stdout + done.stderr


@pytest.mark.usefixtures("seeded")
def test_near_a_full_store_people_are_told_and_candles_go_on_without_books(airflow, platform, warehouse, dbt):
    dbt.will(results=[result("fact_klines", rows=300)])
    with warehouse.session() as session:
        session.run("INSERT INTO storage_samples (sampled_at, store, name, byte_count, capacity_bytes) VALUES "
                    "('2024-06-01 11:05', 'warehouse', 'a.b', 95, 100)")  # fmt: skip

    airflow.test_run("market_minute", **platform)

    assert airflow.run_state() == "success"
    assert ask(warehouse, "SELECT subject FROM pipeline_events WHERE kind = 'nearly_full' ORDER BY 1") == [
        ("history waits",), ("nearly full",), ("order books stop",)
    ]  # fmt: skip
    assert ask(warehouse, "SELECT COUNT(*) > 90 FROM staging_klines") == [(1,)]
    assert ask(warehouse, "SELECT COUNT(*) FROM staging_orderbook") == [(0,)]


def test_a_shard_is_called_by_its_symbols(airflow, platform, seeded):
    airflow.test_run("market_minute", **platform)

    names = airflow.metadata(
        "SELECT rendered_map_index FROM task_instance WHERE task_id = 'extract' AND run_id = "
        "(SELECT run_id FROM dag_run ORDER BY id DESC LIMIT 1) ORDER BY map_index"
    )
    assert sorted(" ".join(name for (name,) in names).split()) == sorted(seeded)


@pytest.mark.usefixtures("seeded")
def test_while_the_address_is_banned_nothing_is_asked_but_the_rest_goes_on(airflow, platform, warehouse, market):
    market.add_faults({"kind": "418", "count": 1})

    airflow.test_run("market_minute", **platform)

    assert airflow.states() == {
        "plan": ["skipped"],
        "extract": ["skipped"],
        "load": ["success"],
        "transform": ["success"],
        "verdict": ["skipped"],
    }
    assert [row[0] for row in ask(warehouse, "SELECT subject FROM pipeline_events WHERE kind = 'ip_banned'")] == [
        "binance"
    ]


@pytest.mark.usefixtures("seeded")
def test_a_model_that_fails_fails_the_run_and_leaves_dbts_words(airflow, platform, warehouse, dbt):
    dbt.will(results=[result("fact_klines", "error", "1054 (42S22): Unknown column 'x'")], code=1)

    airflow.test_run("market_minute", **platform)

    assert airflow.run_state() == "failed"
    ((subject, message, tries),) = ask(
        warehouse, "SELECT subject, message, try_number FROM pipeline_events WHERE kind = 'task_failed'"
    )
    assert (subject, tries) == ("market_minute.transform", 1)
    assert "fact_klines: 1054 (42S22): Unknown column 'x'" in message


@pytest.mark.usefixtures("seeded")
def test_a_deadlock_is_tried_again(airflow, platform, dbt):
    dbt.will(results=[result("fact_klines", "error", "1213 (40001): Deadlock found")], code=1)

    airflow.test_run("market_minute", **platform)

    tries = airflow.metadata(
        "SELECT try_number FROM task_instance WHERE task_id = 'transform' ORDER BY rowid DESC LIMIT 1"
    )
    assert tries == [(3,)]


@pytest.mark.usefixtures("seeded")
def test_named_objects_are_loaded_again(airflow, platform, warehouse):
    airflow.test_run("market_minute", **platform)
    ((key,),) = ask(warehouse, "SELECT MIN(object_key) FROM processed_files WHERE data_type = 'klines'")

    airflow.test_run("market_minute", "--conf", json.dumps({"force_process": [key]}), **platform)

    ((loads,),) = ask(
        warehouse,
        "SELECT COUNT(DISTINCT s.load_id) FROM staging_klines s JOIN processed_files p USING (object_id) "
        f"WHERE p.object_key = '{key}'",
    )
    assert loads == 2


def test_a_word_that_is_not_known_is_refused_before_anything_runs(airflow, platform):
    done = airflow.test_run("market_minute", "--conf", '{"force_process": "everything"}', **platform)

    assert done.returncode != 0
    assert "force_process" in done.stdout + done.stderr
