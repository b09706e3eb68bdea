"""What a run of maintenance may be asked for, and the sentence when it makes no sense."""

from __future__ import annotations

import pytest

from candlewick.pipeline.maintenance.request import AGES, STEPS, MaintenanceRequest, RequestRefused
from candlewick.settings import Settings

CONFIG = Settings(retention_klines_days=120, retention_klines_by_symbol={"ETHUSDT": 0})


def read(**params):
    return MaintenanceRequest.read(params, CONFIG)


def test_a_run_that_is_asked_for_nothing_does_what_is_configured_and_no_backup():
    request = read()

    assert (request.retention_klines_days, request.retention_klines_by_symbol) == (120, {"ETHUSDT": 0})
    assert [step for step in STEPS if getattr(request, step)] == ["archive", "expire", "retention", "care", "sweep"]
    assert request.dry_run is False
    assert request.applied_to(CONFIG) == CONFIG


def test_the_ages_of_a_run_overrule_the_configuration_for_this_run_alone():
    applied = read(retention_klines_days=30, retention_klines_by_symbol={"BTCUSDT": 365}).applied_to(CONFIG)

    assert (applied.retention_klines_days, applied.retention_klines_by_symbol) == (30, {"BTCUSDT": 365})
    assert (CONFIG.retention_klines_days, applied.archive_after_days) == (120, CONFIG.archive_after_days)


def test_every_age_is_a_setting_of_the_same_name():
    assert set(AGES) <= set(Settings.model_fields)
    assert set(MaintenanceRequest.model_fields) == {"dry_run", *STEPS, *AGES}


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"archive_after_days": 0}, "archive_after_days: input should be greater than or equal to 1, got 0; correct it"),
        ({"archive_after_days": "7"}, "archive_after_days: input should be a valid integer, got '7'; correct it"),
        ({"archive_after_days": 7.5}, "archive_after_days: input should be a valid integer, got 7.5; correct it"),
        ({"archive_after_days": True}, "archive_after_days: input should be a valid integer, got True; correct it"),
        ({"retention_outcomes_days": 7}, "retention_outcomes_days: input should be greater than or equal to 8, got 7"),
        ({"retention_klines_days": -1}, "retention_klines_days: input should be greater than or equal to 0, got -1"),
        ({"expire": "no"}, "expire: input should be a valid boolean, got 'no'; correct it"),
        ({"expire": None}, "expire: input should be a valid boolean, got None; correct it"),
        ({"now": "2024-06-01"}, "got now; correct its name"),
        ({"archive_after_days": 30}, "expected archived_keep_days (30) above archive_after_days (30)"),
        ({"retention_klines_by_symbol": {"btcusdt": 3}}, "got 'btcusdt': 3; correct it"),
        ({"retention_klines_by_symbol": {"BTCUSDT": -3}}, "got 'BTCUSDT': -3; correct it"),
        ({"retention_klines_by_symbol": {"BTCUSDT": 36_501}}, "BTCUSDT: expected at most 36500 days, got 36501; correct it"),
        ({"archived_keep_days": 10**9}, "archived_keep_days: expected at most 36500 days, got 1000000000; correct it"),
        ({"retention_klines_by_symbol": {"BTCUSDT": None}}, "retention_klines_by_symbol.BTCUSDT: input should be"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_in_one_sentence(params, said):
    with pytest.raises(RequestRefused) as refused:
        read(**params)

    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
