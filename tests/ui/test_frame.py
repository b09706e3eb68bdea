"""What all pages share: the login before them, the files they need, errors a person can read."""

import gzip
import re

import httpx
import pytest


@pytest.fixture
def market(platform_ui):
    return platform_ui.get("market")


def addresses(text):
    return re.findall(r'(?:src|href)="(/candlewick/static/[^"]+)"', text)


def test_a_page_without_a_login_leads_to_airflows_and_back(platform_ui):
    answer = platform_ui.get("market", user=None)
    assert answer.status_code == 303
    assert "/auth/login" in answer.headers["location"]
    assert "candlewick%2Fmarket" in answer.headers["location"]


def test_the_apps_own_address_leads_to_the_market(platform_ui):
    answer = platform_ui.get("")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/candlewick/market"


def test_no_file_is_to_be_had_without_a_login(platform_ui, market):
    for address in addresses(market.text):
        assert httpx.get(platform_ui.url + address, trust_env=False).status_code == 303


def test_files_are_kept_by_the_browser_because_their_address_is_their_version(platform_ui, market):
    found = addresses(market.text)
    assert len(found) >= 5
    for address in found:
        answer = platform_ui.client().get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert "private" in answer.headers["cache-control"]


def test_a_file_of_another_version_is_not_to_be_had(platform_ui, market):
    [style] = [one for one in addresses(market.text) if one.endswith(".css")]
    version = style.split("/")[3]
    answer = platform_ui.client().get(style.replace(version, "0" * 16))
    assert answer.status_code == 404
    assert "reload the page" in answer.json()["detail"]


@pytest.mark.parametrize("name", ["__init__.py", "..%2Fapp.py", "none.css"])
def test_nothing_but_our_style_sheets_and_scripts_is_served(platform_ui, market, name):
    folder = addresses(market.text)[0].rpartition("/")[0]
    assert platform_ui.client().get(f"{folder}/{name}").status_code == 404


def test_plotly_comes_out_of_its_package_compressed_once(platform_ui):
    [address] = [one for one in addresses(platform_ui.get("analytics").text) if one.endswith("plotly.js")]
    plain = platform_ui.client().get(address, headers={"Accept-Encoding": "identity"})
    assert b"plotly.js v" in plain.content[:200]
    with platform_ui.client().stream("GET", address, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert gzip.decompress(b"".join(answer.iter_raw())) == plain.content


def test_a_page_that_is_asked_for_wrongly_says_so_as_a_page(platform_ui):
    answer = platform_ui.get("market", order="sideways")
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("text/html")
    assert "order:" in answer.text
    assert "sideways" in answer.text
    assert answer.headers["x-request-id"] in answer.text


def test_what_is_asked_for_is_never_part_of_a_page_as_it_is(platform_ui):
    answer = platform_ui.get("market", order="<script>alert(1)</script>")
    assert "<script>alert" not in answer.text


def test_the_page_one_is_on_is_marked_in_the_navigation(market):
    assert re.findall(r'<a href="([^"]+)" aria-current="page">', market.text) == ["/candlewick/market"]


@pytest.mark.parametrize("path", ["market", "data", "lineage", "settings", "figures/correlation", "no/such/page"])
def test_a_page_runs_scripts_of_this_server_alone(platform_ui, path):
    policy = platform_ui.get(path).headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'self'" in policy


def test_pages_have_no_script_in_their_text(platform_ui):
    for path in ("market", "analytics"):
        text = platform_ui.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", text)
        assert not re.search(r"\son\w+=", text)
