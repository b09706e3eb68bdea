import pytest

from candlewick.exchange.binance import from_connection
from candlewick.market import Interval
from candlewick.settings import Settings


def test_the_base_url_is_asked_first(binance, transport):
    binance().klines("BTCUSDT", Interval.MINUTE_1, 0, 1)
    assert transport.questions() == ["api.test"]


@pytest.mark.parametrize("fallbacks", ["https://data-api.test", [1], {"a": 1}])
def test_fallback_hosts_that_are_no_list_of_urls_are_refused_with_an_example(states, fallbacks):
    with pytest.raises(ValueError, match=r"expected fallback_hosts to be a list .*data-api\.binance\.vision"):
        from_connection("https://api.test", {"fallback_hosts": fallbacks}, states, Settings())


@pytest.mark.parametrize("url", ["", "ftp://api.test", "https://", "https://user@api.test"])
def test_a_host_that_is_no_base_url_is_refused(states, url):
    with pytest.raises(ValueError, match="expected the base URL of a host"):
        from_connection(url, {}, states, Settings())


def test_a_host_without_a_scheme_means_https_and_a_trailing_slash_does_not_matter(binance, transport):
    client = binance(fallbacks=["DATA-API.test/"])
    transport.by_host["api.test"] = {"status": 451}
    answer = client.klines("BTCUSDT", Interval.MINUTE_1, 0, 1)
    assert answer.host == "data-api.test"
