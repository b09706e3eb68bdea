"""The cards of the market, as the server makes them."""

import pytest

from support.html_page import Page


def test_a_card_has_the_numbers_of_the_warehouse(platform_ui):
    text = platform_ui.get("market").text
    for row in platform_ui.sql("SELECT symbol, last_price, high_price, low_price, volume FROM market_stats_24h"):
        for name in ("last_price", "high_price", "low_price", "volume"):
            assert f'data-field="{name}" data-value="{row[name]}"' in text


def test_the_cards_alone_are_what_the_page_has(platform_ui):
    cards = platform_ui.get("market/cards").text
    assert "<html" not in cards
    assert cards.count('<li class="card"') == len(platform_ui.config.symbols)


@pytest.fixture
def newcomer(platform_ui):
    """A symbol that is tracked, and of which nothing has come yet."""
    platform_ui.sql(
        "INSERT INTO {raw}.tracked_symbols (exchange, symbol, active, added_at) VALUES ('binance', 'NEWUSDT', 1, UTC_TIMESTAMP(3))"
    )
    yield "NEWUSDT"
    platform_ui.sql("DELETE FROM {raw}.tracked_symbols WHERE symbol = 'NEWUSDT'")


@pytest.mark.parametrize("order", ["symbol", "gain", "loss", "turnover"])
def test_a_symbol_without_a_candle_has_a_card_that_says_so(platform_ui, newcomer, order):
    text = platform_ui.get("market/cards", order=order).text
    assert f"No candle of {newcomer} is in the marts" in text
    assert text.count('<li class="card"') == len(platform_ui.config.symbols) + 1
    if order != "symbol":
        assert text.rindex('<li class="card"') == text.index(f'<li class="card" id="card-{newcomer}"')


@pytest.fixture
def nobody(platform_ui):
    """No symbol is tracked."""
    platform_ui.sql("UPDATE {raw}.tracked_symbols SET active = 0")
    yield
    platform_ui.sql("UPDATE {raw}.tracked_symbols SET active = 1")


@pytest.fixture
def unbuilt(platform_ui):
    """A platform that just began: dbt has made no card yet."""
    platform_ui.sql("RENAME TABLE market_stats_24h TO stats_of_later")
    yield
    platform_ui.sql("RENAME TABLE stats_of_later TO market_stats_24h")


@pytest.mark.parametrize("path", ["market", "market/cards"])
def test_before_the_first_run_of_dbt_the_market_says_what_it_waits_for(platform_ui, unbuilt, path):
    answer = platform_ui.get(path)
    assert answer.status_code == 200
    assert "The first cards are on their way" in answer.text


@pytest.fixture
def halted(platform_ui):
    """A symbol the exchange does not trade now."""
    platform_ui.sql("UPDATE {raw}.tracked_symbols SET status = 'HALT' WHERE symbol = 'ETHUSDT'")
    yield
    platform_ui.sql("UPDATE {raw}.tracked_symbols SET status = 'TRADING' WHERE symbol = 'ETHUSDT'")


def test_a_symbol_that_is_halted_is_not_called_fresh(platform_ui, halted):
    text = platform_ui.get("market/cards").text
    card = text[text.index('id="card-ETHUSDT"') :].partition("</li>")[0]
    assert ">HALT</span>" in card
    assert "fresh" not in card


@pytest.mark.parametrize("path", ["market", "market/cards", "analytics"])
def test_without_a_tracked_symbol_the_page_says_what_to_do(platform_ui, nobody, path):
    answer = platform_ui.get(path)
    assert answer.status_code == 200
    assert "is tracked" in answer.text
    assert 'href="/candlewick/settings"' in answer.text


def test_analytics_name_the_windows_there_are(platform_ui):
    answer = platform_ui.get("analytics", window="9y")
    assert answer.status_code == 422
    assert "expected one of 24h" in answer.text


@pytest.mark.parametrize(("asked", "checked"), [({}, 5), ({"panes": ""}, 0), ({"panes": ["rsi", "atr"]}, 2)])
def test_analytics_remember_which_panes_are_wanted_and_that_none_is(platform_ui, asked, checked):
    page = Page(platform_ui.get("analytics", symbol="BTCUSDT", **asked).text)
    panes = [one for one in page.elements if one.attributes.get("name") == "panes"]
    assert len(panes) == 5
    assert sum("checked" in one.attributes for one in panes) == checked
