"""Killed on either side of every put, commit and rename: the next cycle leaves what the exchange has, all of it, once."""

from __future__ import annotations

import logging

import pytest

from candlewick.pipeline.transform import TransformBusy, run_dbt
from support.failpoint import Failpoint

SIDES = ("before", "after")
TWO_PAGES = 1010

log = logging.getLogger(__name__)


@pytest.mark.parametrize(
    ("step", "what", "minutes", "least"),
    [
        ("extract", "commit", 7, 10),  # reserved weight of each request, outcomes, the session's end
        ("load", "commit", 7, 3),  # a batch each, the session's end
        ("extract", "put", TWO_PAGES, 6),  # two pages of candles and a book for each symbol
        ("load", "commit", TWO_PAGES, 3),
    ],
)
def test_extract_and_load_killed_at_every_put_and_commit(platform, truth, step, what, minutes, least):
    for side in SIDES:
        points = []
        for point in platform.points(step, what, side, minutes=minutes):
            truth.nothing_is_skipped()
            platform.advance(7)
            platform.succeed("extract", "load")
            truth.staging_is_whole()
            points.append(point)
        log.info("%s killed %s each of %s times %s", step, side, len(points), what)
        assert len(points) >= least
    platform.cycle()
    truth.marts_are_whole()


@pytest.mark.parametrize(
    ("what", "side", "first_build"),
    [
        ("commit fact_klines", "before", False),
        ("commit fact_klines", "after", False),
        ("commit hourly_klines", "after", False),
        ("rename fact_klines", "before", True),
        ("rename fact_klines", "after", True),
    ],
)
def test_dbt_killed_at_what_decides_over_the_facts(platform, truth, what, side, first_build):
    platform.before("dbt", first_build=first_build)

    assert platform.run("dbt", Failpoint(what, 1, side)).was_killed
    platform.advance(7)
    platform.cycle()
    truth.staging_is_whole()
    truth.marts_are_whole()


@pytest.mark.chaos
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    ("what", "first_build", "least"),
    [
        ("commit", False, 20),
        ("upsert", False, 4),
        ("consume", False, 4),
        ("commit", True, 20),
        ("rename", True, 4),
        ("consume", True, 4),
    ],
)
def test_dbt_killed_at_every_commit_and_rename(platform, truth, what, side, first_build, least):
    points = []
    for point in platform.points("dbt", what, side, first_build=first_build):
        platform.advance(7)
        platform.cycle()
        truth.marts_are_whole()
        points.append(point)
    log.info("dbt killed %s each of %s times %s (first build: %s)", side, len(points), what, first_build)
    assert len(points) >= least
    truth.marts_are_whole()


@pytest.mark.parametrize("back_at_once", [True, False])
@pytest.mark.parametrize("step", ["extract", "load", "dbt"])
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
