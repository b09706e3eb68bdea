"""Killed on either side of every put, commit and rename: the next cycle leaves what the exchange has, all of it, once."""

from __future__ import annotations

import logging

import pytest

from candlewick.pipeline.transform import TransformBusy, run_dbt
from support.crashable import FIRST_BUILD, FULL_REFRESH, MERGE, STEPS
from support.failpoint import Failpoint

SIDES = ("before", "after")
TWO_PAGES = 1010

log = logging.getLogger(__name__)


ITSELF, DATABASE, OBJECT_STORE = None, "database", "object_store"


def long(*values):
    return pytest.param(*values, marks=pytest.mark.chaos)


def kill_everywhere(platform, truth, step, what, victim, *, least, steps, **prepare):
    """Kill at each point on both sides; after each, cycles go on and everything has to be there, once."""
    server = getattr(platform, victim) if victim else None
    for side in SIDES:
        points = []
        for point in platform.points(step, what, side, server, **prepare):
            truth.nothing_is_skipped()
            platform.advance(7)
            platform.succeed(*steps)
            truth.staging_is_whole()
            if "dbt" in steps:
                truth.marts_are_whole()
            points.append(point)
        log.info("%s killed %s each of %s times %s of %s", victim or step, side, len(points), what, step)
        assert len(points) >= least
    platform.cycle()
    truth.staging_is_whole()
    truth.marts_are_whole()


@pytest.mark.parametrize(
    ("step", "what", "victim", "minutes", "least"),
    [
        ("extract", "commit", ITSELF, 7, 10),  # reserved weight of each request, outcomes, the session's end
        ("extract", "put", ITSELF, 7, 4),  # candles and a book for each symbol
        ("extract", "put", OBJECT_STORE, 7, 4),
        ("load", "commit", ITSELF, 7, 3),  # a batch each, the session's end
        ("load", "commit", DATABASE, 7, 3),
        long("load", "commit", ITSELF, TWO_PAGES, 3),
        long("extract", "put", ITSELF, TWO_PAGES, 6),
        long("extract", "put", DATABASE, 7, 4),
        long("extract", "commit", DATABASE, 7, 10),
    ],
)
def test_killed_at_every_put_and_commit_of_extract_and_load(platform, truth, step, what, victim, minutes, least):
    kill_everywhere(platform, truth, step, what, victim, least=least, steps=("extract", "load"), minutes=minutes)


@pytest.mark.parametrize(
    ("what", "side", "build"),
    [
        ("commit fact_klines", "before", MERGE),
        ("commit fact_klines", "after", MERGE),
        ("commit hourly_klines", "after", MERGE),
        ("rename fact_klines", "before", FIRST_BUILD),
        ("rename fact_klines", "after", FIRST_BUILD),
        ("rename fact_klines", "before", FULL_REFRESH),
    ],
)
def test_dbt_killed_at_what_decides_over_the_facts(platform, truth, what, side, build):
    platform.before("dbt", build=build)

    assert platform.run("dbt", Failpoint(what, 1, side), build=build).was_killed
    platform.advance(7)
    platform.cycle()
    truth.staging_is_whole()
    truth.marts_are_whole()


@pytest.mark.chaos
@pytest.mark.parametrize(
    ("what", "victim", "build", "least"),
    [
        ("commit", ITSELF, MERGE, 20),
        ("upsert", ITSELF, MERGE, 4),
        ("consume", ITSELF, MERGE, 4),
        ("commit", DATABASE, MERGE, 20),
        ("commit", ITSELF, FIRST_BUILD, 20),
        ("rename", ITSELF, FIRST_BUILD, 4),
        ("consume", ITSELF, FIRST_BUILD, 4),
        ("rename", DATABASE, FIRST_BUILD, 4),
        ("commit", ITSELF, FULL_REFRESH, 20),
        ("rename", ITSELF, FULL_REFRESH, 4),
    ],
)
def test_killed_at_every_commit_and_rename_of_dbt(platform, truth, what, victim, build, least):
    kill_everywhere(platform, truth, "dbt", what, victim, least=least, steps=STEPS, build=build)


@pytest.mark.parametrize(("step", "back_at_once"), [("extract", False), ("load", True), ("dbt", True), ("dbt", False)])
def test_the_database_server_dies_in_the_middle_of_a_step(platform, truth, step, back_at_once):
    platform.before(step)
    platform.run_while_server_dies(step, platform.database, platform.seconds[step] * 0.6, back_at_once=back_at_once)
    truth.nothing_is_skipped()
    platform.advance(7)
    platform.cycle()
    truth.staging_is_whole()
    truth.marts_are_whole()


@pytest.mark.parametrize("step", ["extract", "load"])
def test_the_object_store_dies_in_the_middle_of_a_step(platform, truth, step):
    platform.before(step, TWO_PAGES)
    platform.run_while_server_dies(step, platform.object_store, platform.seconds[step] / 2, back_at_once=False)
    truth.nothing_is_skipped()
    platform.advance(7)
    platform.succeed("extract", "load")
    truth.staging_is_whole()


def test_a_dbt_without_its_database_is_worth_another_try(platform, truth):
    platform.before("dbt")
    platform.database.kill()
    with pytest.raises(TransformBusy):
        run_dbt(["run", "--selector", "minute"], platform.dbt_environment, name="chaos", config=platform.config)
    platform.database.start()
    platform.succeed("dbt")
    truth.marts_are_whole()
