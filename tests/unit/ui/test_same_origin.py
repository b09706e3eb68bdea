"""Who may change something with a login's cookie."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from candlewick_ui.same_origin import refusal

JSON = {"content-type": "application/json", "content-length": "2"}
LOGIN = {"cookie": "_token=abc", "host": "127.0.0.1:8080"}
OURS, THEIRS = "http://127.0.0.1:8080", "https://evil.example"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({**JSON, **LOGIN, "sec-fetch-site": "same-origin", "origin": OURS}, id="a page of ours"),
        pytest.param({**JSON, **LOGIN, "origin": OURS}, id="a browser that names only the origin"),
        pytest.param({"authorization": "Bearer abc", **JSON}, id="a program with a token"),
        pytest.param({**JSON}, id="nobody: the login wall answers"),
        pytest.param({**LOGIN, "sec-fetch-site": "same-origin"}, id="a change without a body"),
        pytest.param(
            {**JSON, **LOGIN, "sec-fetch-site": "cross-site", "origin": "https://desk.example"},
            id="an origin Airflow allows",
        ),
    ],
)
def test_a_change_goes_on_when_it_comes_from(headers: dict[str, str]) -> None:
    assert refusal(Headers(headers), {"https://desk.example"}) is None


@pytest.mark.parametrize(
    ("headers", "status", "word"),
    [
        pytest.param({**JSON, **LOGIN, "sec-fetch-site": "cross-site", "origin": THEIRS}, 403, THEIRS, id="another site"),
        pytest.param({**JSON, **LOGIN, "sec-fetch-site": "same-site", "origin": OURS}, 403, OURS, id="another port of the host"),
        pytest.param({**JSON, **LOGIN, "origin": THEIRS}, 403, THEIRS, id="another site in an old browser"),
        pytest.param(
            {**LOGIN, "authorization": "Basic YW5uOnB3", "sec-fetch-site": "cross-site", "origin": THEIRS},
            403, THEIRS, id="another site, through a proxy that has a login of its own",
        ),
        pytest.param({**LOGIN, "authorization": "Bearer ", "origin": THEIRS}, 403, THEIRS, id="another site, with no token at all"),
        pytest.param({**JSON, **LOGIN}, 403, "does not say", id="a cookie and no word of where it comes from"),
        pytest.param(
            {**LOGIN, "content-type": "application/x-www-form-urlencoded", "content-length": "3", "sec-fetch-site": "same-origin"},
            415, "application/json", id="a form",
        ),
        pytest.param({**LOGIN, "transfer-encoding": "chunked"}, 415, "none named", id="a body of no type"),
    ],
)  # fmt: skip
def test_a_change_is_refused_when_it_comes_from(headers: dict[str, str], status: int, word: str) -> None:
    refused = refusal(Headers(headers))
    assert refused is not None
    assert refused[0] == status
    assert word in refused[1]
