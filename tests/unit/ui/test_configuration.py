"""The effective configuration, and what of it is not shown."""

from __future__ import annotations

import json

import pytest
from airflow.sdk import Connection

from candlewick.settings import Settings
from candlewick_ui.queries.configuration import HIDDEN, changed, knobs, masked, shown


def test_every_setting_has_its_variable_its_value_and_its_meaning() -> None:
    found = {
        knob.variable: knob
        for _, section in knobs(Settings(symbols="BTCUSDT,ETHUSDT", shard_size=7))
        for knob in section
    }
    assert found.keys() == {f"CANDLEWICK_{name.upper()}" for name in Settings.model_fields}
    assert all(knob.meaning for knob in found.values())
    assert found["CANDLEWICK_SYMBOLS"].value == "BTCUSDT,ETHUSDT"
    assert (found["CANDLEWICK_SHARD_SIZE"].value, found["CANDLEWICK_SHARD_SIZE"].default) == ("7", "100")
    assert not found["CANDLEWICK_SHARD_SIZE"].is_default


def test_settings_that_were_changed_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"CANDLEWICK_{name.upper()}", raising=False)
    assert changed(knobs(Settings())) == 0
    assert changed(knobs(Settings(shard_size=7, depth_levels=5))) == 2


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("api_token", "abc", HIDDEN),
        ("api_token", "", ""),
        ("home", "/x/y", "/x/y"),
        ("url", "https://me:secret@host:8/x?key=1#z", f"https://{HIDDEN}@host:8/x?{HIDDEN}"),
        ("flag", True, "true"),
        ("days", {"BTCUSDT": 3}, "BTCUSDT=3"),
    ],
)
def test_a_value_is_shown_without_its_secret(name: str, value: object, said: str) -> None:
    assert shown(name, value) == said


def test_of_a_connection_neither_password_nor_unknown_extras_are_shown() -> None:
    extra = {
        "endpoint_url": "http://me:hunter2@store:9000", "aws_session": "hunter2", "key": {"pem": "hunter2"},
        "config_kwargs": {"s3": {"addressing_style": "path", "mine": "hunter2"}}, "fallback_hosts": ["https://x:hunter2@a", "b"],
    }  # fmt: skip
    conn = Connection(
        conn_id="lake", conn_type="aws", host="h", port=9, login="id", password="hunter2", extra=json.dumps(extra)
    )
    found = masked(conn, "lake", "the object store")
    assert "hunter2" not in repr(found)
    assert (found.address, found.login, found.password) == ("h:9", "id", HIDDEN)
    assert found.extra == {
        "endpoint_url": f"http://{HIDDEN}@store:9000",
        "aws_session": HIDDEN,
        "key": HIDDEN,
        "config_kwargs": f"s3: addressing_style: path, mine: {HIDDEN}",
        "fallback_hosts": f"https://{HIDDEN}@a, b",
    }


def test_of_a_webhook_only_the_host_is_shown() -> None:
    conn = Connection(conn_id="alerts_webhook", conn_type="http", host="https://hooks.example/services/T0/hunter2")
    assert masked(conn, "alerts_webhook", "").address == f"https://hooks.example/{HIDDEN}"


def test_a_connection_without_a_password_says_so() -> None:
    assert masked(Connection(conn_id="binance", conn_type="http", host="h"), "binance", "").password == ""


def test_a_login_before_a_host_without_a_scheme_is_masked_too() -> None:
    conn = Connection(conn_id="binance", conn_type="http", host="key:se/cret@mirror.example")
    assert masked(conn, "binance", "").address == f"{HIDDEN}@mirror.example"


def test_extra_that_is_json_as_text_is_not_shown() -> None:
    extra = {"config_kwargs": '{"proxies": {"https": "http://user:hunter2@proxy"}}'}
    conn = Connection(conn_id="lake", conn_type="aws", extra=json.dumps(extra))
    assert masked(conn, "lake", "").extra == {"config_kwargs": HIDDEN}
