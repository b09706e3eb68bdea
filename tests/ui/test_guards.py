"""What stands before every route, on a real api-server: headers, cross-origin rules, limits, numbers of requests."""

from __future__ import annotations

import pytest

from support.api_server import TRUSTED_ORIGIN, ApiServer
from support.ports import wait_until

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("path", ["api/v1/symbols", "api/docs", "api/openapi.json", "api/v1/nothing"])
def test_every_answer_has_the_security_headers(platform_ui, path):
    headers = platform_ui.get(path).headers

    assert "script-src 'self';" in headers["content-security-policy"]
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["referrer-policy"] == "same-origin"


def logged(platform_ui, word):
    """Return the lines of the api-server's log with a word; an answer is there before the line that tells of it."""

    def lines():
        return [line for line in platform_ui.server.log.read_text().splitlines() if word in line]

    wait_until(lambda: bool(lines()), f"a line with {word}")
    return lines()


def test_a_number_the_caller_gives_comes_back_and_is_in_the_log(platform_ui):
    answer = platform_ui.client().get("/candlewick/api/v1/symbols", headers={"X-Request-ID": "ann-4711"})

    assert answer.headers["x-request-id"] == "ann-4711"
    logged(platform_ui, "ann-4711")


def test_a_number_with_a_line_break_or_other_nonsense_is_replaced(platform_ui):
    answer = platform_ui.client().get("/candlewick/api/v1/symbols", headers={"X-Request-ID": "a b{}" + "x" * 70})

    assert len(answer.headers["x-request-id"]) == 32


def test_every_log_line_of_a_request_carries_its_number(platform_ui):
    platform_ui.client().get("/candlewick/api/v1/jobs/no-such-job", headers={"X-Request-ID": "find-me-again"})
    lines = logged(platform_ui, "/jobs/no-such-job")

    assert [line for line in lines if "find-me-again" not in line] == []


def test_a_preflight_of_an_allowed_origin_is_answered_as_airflows_settings_say(platform_ui):
    asked = {
        "Origin": TRUSTED_ORIGIN,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "Authorization",
    }
    answer = platform_ui.client(None).options("/candlewick/api/v1/symbols", headers=asked)

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == TRUSTED_ORIGIN
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "PATCH" in answer.headers["access-control-allow-methods"]


def test_a_preflight_of_another_origin_is_refused(platform_ui):
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    answer = platform_ui.client(None).options("/candlewick/api/v1/symbols", headers=asked)

    assert answer.status_code == 400
    assert "access-control-allow-origin" not in answer.headers


def test_an_allowed_origin_may_read_the_answer_and_its_number(platform_ui):
    answer = platform_ui.client().get("/candlewick/api/v1/symbols", headers={"Origin": TRUSTED_ORIGIN})

    assert answer.headers["access-control-allow-origin"] == TRUSTED_ORIGIN
    assert "X-Request-ID" in answer.headers["access-control-expose-headers"]


def test_another_origin_may_not(platform_ui):
    answer = platform_ui.client().get("/candlewick/api/v1/symbols", headers={"Origin": "https://evil.example"})

    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {},
    ],
)
def test_a_change_with_the_browsers_cookie_must_come_from_our_own_page(platform_ui, headers):
    with platform_ui.server.browser("admin") as browser:
        answer = browser.patch("/candlewick/api/v1/jobs/market_gaps", json={"is_paused": True}, headers=headers)

    assert answer.status_code == 403
    assert platform_ui.get("api/v1/jobs/market_gaps").json()["is_paused"] is False


def test_our_own_page_may_change_things(platform_ui):
    with platform_ui.server.browser("admin") as browser:
        ours = {"Origin": platform_ui.url, "Sec-Fetch-Site": "same-origin"}
        answer = browser.patch("/candlewick/api/v1/jobs/market_gaps", json={"is_paused": False}, headers=ours)

    assert answer.status_code == 200


def test_a_change_that_is_not_json_is_refused(platform_ui):
    answer = platform_ui.client().post("/candlewick/api/v1/symbols", data={"symbol": "SOLUSDT"})

    assert answer.status_code == 415


def test_a_body_that_is_too_large_is_refused_also_when_it_does_not_say_so(platform_ui):
    def endless():
        for _ in range(64):
            yield b" " * 8192

    declared = platform_ui.client().post("/candlewick/api/v1/symbols", content=b" " * 300_000, headers=JSON)
    chunked = platform_ui.client().post("/candlewick/api/v1/symbols", content=endless(), headers=JSON)

    assert declared.status_code == 413
    assert chunked.status_code == 413
    assert "262144 bytes" in chunked.json()["detail"]


def test_an_unknown_route_is_a_problem_that_says_where_the_paths_are(platform_ui):
    answer = platform_ui.get("api/v1/nothing")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == (
        "expected a path there is, got '/candlewick/api/v1/nothing'; /candlewick/api/docs lists those of the API"
    )


def test_a_method_a_path_does_not_have_is_a_problem_that_names_those_it_has(platform_ui):
    answer = platform_ui.client().put("/candlewick/api/v1/symbols", json={})

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert answer.json()["detail"].startswith("expected GET or HEAD or POST of '/candlewick/api/v1/symbols', got PUT")


@pytest.mark.parametrize(
    "path", ["symbols", "health/live", "health/ready", "metrics", "candles/BTCUSDT?format=csv", "jobs"]
)
def test_a_head_is_a_get_without_its_body(platform_ui, path):
    whole = {"Accept-Encoding": "identity"}  # Airflow packs bodies, and says so
    got, head = (
        platform_ui.client().request(method, f"/candlewick/api/v1/{path}", headers=whole) for method in ("GET", "HEAD")
    )

    assert (head.status_code, head.content) == (200, b"")
    changing = {
        "date",
        "x-request-id",
        "etag",
        "content-length",
        "vary",
    }  # of a moment; of how Airflow would pack a body
    assert {name: value for name, value in head.headers.items() if name not in changing} == {
        name: value for name, value in got.headers.items() if name not in changing
    }
    assert head.headers.keys() == got.headers.keys()


def test_a_head_of_what_has_no_get_is_refused_and_one_of_the_stream_ends(platform_ui):
    client = platform_ui.client()
    refused = client.head("/candlewick/api/v1/backfills/nobody/cancel")
    stream = client.head("/candlewick/api/v1/stream")

    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert (stream.status_code, stream.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    listening = "candlewick_stream_listeners 0.0"
    wait_until(lambda: listening in platform_ui.get("api/v1/metrics").text, "the stream's listener to be gone")


def test_a_parameter_that_cannot_be_is_told_in_a_sentence(platform_ui):
    answer = platform_ui.get("api/v1/backfills", limit=0)

    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("query.limit: input should be greater than or equal to 1, got '0'")
    assert answer.json()["errors"][0]["where"] == "query.limit"


def test_what_the_caller_has_already_is_not_sent_again(platform_ui):
    first = platform_ui.get("api/v1/symbols")
    again = platform_ui.client().get("/candlewick/api/v1/symbols", headers={"If-None-Match": first.headers["etag"]})

    assert again.status_code == 304
    assert again.content == b""


@pytest.fixture
def limited(platform_ui, tmp_path):
    """A second api-server on the same platform: ten requests a minute, and a warehouse that is not there."""
    environment = {
        name: value
        for name, value in platform_ui.server.environment.items()
        if name.startswith(("AIRFLOW_CONN", "CANDLEWICK"))
    }
    environment |= {
        "CANDLEWICK_API_REQUESTS_PER_MINUTE": "10",
        "AIRFLOW_CONN_WAREHOUSE_READ": '{"conn_type": "mysql", "host": "127.0.0.1", "port": 1, "login": "nobody"}',
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{platform_ui.server.home / 'airflow.db'}",
    }
    server = ApiServer(tmp_path, environment)
    server.start()
    yield server
    server.stop()


def test_too_many_requests_of_one_login_are_refused_and_others_go_on_and_a_lost_warehouse_is_told(limited):
    asked = [limited.client("viewer").get("/candlewick/api/v1/health/live") for _ in range(12)]

    assert [answer.status_code for answer in asked][:10] == [200] * 10
    assert asked[-1].status_code == 429
    assert int(asked[-1].headers["retry-after"]) in range(1, 7)
    seconds = asked[-1].headers["retry-after"]
    assert f"at most 10 requests a minute, got more; ask again in {seconds} s" in asked[-1].json()["detail"]
    other = limited.client("admin")
    assert other.get("/candlewick/api/v1/health/live").status_code == 200
    lost = other.get("/candlewick/api/v1/symbols")
    assert (lost.status_code, lost.headers["content-type"]) == (503, "application/problem+json")
    assert "make status" in lost.json()["detail"]
    ready = other.get("/candlewick/api/v1/health/ready")
    assert (ready.status_code, ready.json()["airflow"]) == (503, "ok")
