"""The cards of the market, as the server makes them."""

import pytest


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


@pytest.mark.parametrize("path", ["market", "analytics"])
def test_without_a_tracked_symbol_the_page_says_what_to_do(platform_ui, nobody, path):
    answer = platform_ui.get(path)
    assert answer.status_code == 200
    assert "is tracked" in answer.text
    assert 'href="/candlewick/settings"' in answer.text
