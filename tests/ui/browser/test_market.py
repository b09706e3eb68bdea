"""The market page in a browser."""

import pytest

FIELDS = ("last_price", "price_change_percent", "high_price", "low_price", "volume", "quote_volume")


def values(page, symbol):
    return {name: page.locator(f"#card-{symbol} [data-field={name}]").get_attribute("data-value") for name in FIELDS}


def in_the_warehouse(platform_ui, symbol):
    [row] = platform_ui.sql(f"SELECT {', '.join(FIELDS)} FROM market_stats_24h WHERE symbol = %s", symbol)
    return {name: str(value) for name, value in row.items()}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_card_says_what_the_warehouse_says(visit, platform_ui, theme, width):
    market = visit("market", theme=theme, width=width)
    for symbol in platform_ui.config.symbols:
        assert values(market.page, symbol) == in_the_warehouse(platform_ui, symbol)
        assert market.page.locator(f"#card-{symbol} svg.sparkline path").get_attribute("d")
    assert not market.is_wider_than_its_window()


def test_light_and_dark_are_as_airflow_is_also_when_that_changes(visit):
    market = visit("market", theme="light")
    light = market.colour()
    assert visit("market", theme="dark").colour() != light
    # Airflow's window and ours are two documents of one origin: what one stores, the other hears.
    other = market.page.context.new_page()
    other.goto(market.page.url)
    other.evaluate("localStorage.setItem('theme', 'dark')")
    market.until("document.documentElement.classList.contains('dark')")
    assert market.colour() != light


def test_a_symbol_is_found_by_its_name(visit):
    page = visit("market").page
    page.get_by_label("Find a symbol").fill("eth")
    assert [card.get_attribute("data-symbol") for card in page.locator(".card:visible").all()] == ["ETHUSDT"]
    page.get_by_label("Find a symbol").fill("no such")
    assert page.get_by_text("No tracked symbol has this in its name.").is_visible()


def test_cards_are_sorted_by_what_is_asked_for(visit, platform_ui):
    page = visit("market").page
    with page.expect_response("**/market/cards?order=turnover"):
        page.get_by_label("Sorted by").select_option("turnover")
    page.wait_for_selector("[data-order=turnover]")
    rows = platform_ui.sql("SELECT symbol FROM market_stats_24h ORDER BY quote_volume DESC, symbol")
    assert [card.get_attribute("data-symbol") for card in page.locator(".card").all()] == [
        row["symbol"] for row in rows
    ]
    assert page.url.endswith("order=turnover")


def test_a_card_changes_by_itself(visit, platform_ui):
    """The stream is cut off, so the page polls; its clock is ours."""

    def prepare(page):
        page.route("**/api/v1/stream*", lambda route: route.abort())
        page.clock.install()

    page = visit("market", prepare=prepare, forgiven=("ERR_FAILED",)).page
    old = values(page, "BTCUSDT")["last_price"]
    platform_ui.sql("UPDATE market_stats_24h SET last_price = last_price + 1 WHERE symbol = 'BTCUSDT'")
    try:
        new = in_the_warehouse(platform_ui, "BTCUSDT")["last_price"]
        assert new != old
        page.clock.fast_forward(16_000)
        page.clock.fast_forward(3_000)
        page.wait_for_selector(f'#card-BTCUSDT [data-field=last_price][data-value="{new}"]')
    finally:
        platform_ui.sql("UPDATE market_stats_24h SET last_price = last_price - 1 WHERE symbol = 'BTCUSDT'")


def test_a_silent_stream_is_not_taken_for_a_market_that_stands_still(visit, platform_ui):
    """Nothing tells of this change: no load was made. A card has to become late although no message comes any more."""
    market = visit("market", prepare=lambda page: page.clock.install())
    page = market.page
    market.until("document.getElementById('live').dataset.state === 'live'")
    platform_ui.sql("UPDATE market_stats_24h SET last_price = last_price + 1 WHERE symbol = 'BTCUSDT'")
    try:
        new = in_the_warehouse(platform_ui, "BTCUSDT")["last_price"]
        for _ in range(3):
            page.clock.fast_forward(16_000)
        page.wait_for_selector(f'#card-BTCUSDT [data-field=last_price][data-value="{new}"]')
        assert page.locator("#live").text_content() == "live"
    finally:
        platform_ui.sql("UPDATE market_stats_24h SET last_price = last_price - 1 WHERE symbol = 'BTCUSDT'")


def test_cards_that_cannot_be_updated_say_so_and_stay_until_they_can_be(visit):
    market = visit("market", forgiven=("503", "status of 503"), prepare=lambda page: page.clock.install())
    page = market.page
    market.until("document.getElementById('live').dataset.state === 'live'")
    page.route("**/market/cards*", lambda route: route.fulfill(
        status=503, content_type="application/problem+json", body='{"detail": "the warehouse rests", "request_id": "r1"}'
    ))  # fmt: skip
    for _ in range(3):
        page.clock.fast_forward(16_000)
    page.get_by_text("These cards are not being updated: the warehouse rests (request r1)").wait_for()
    market.until("document.getElementById('live').dataset.state === 'lost'")
    assert page.locator(".card").count() == 3
    page.unroute("**/market/cards*")
    for _ in range(3):
        page.clock.fast_forward(16_000)
    market.until("document.getElementById('live').dataset.state === 'live'")
    assert page.locator("#trouble").is_hidden()


def test_what_is_short_on_a_card_is_exact_under_the_pointer(visit):
    page = visit("market").page
    fact = page.locator("#card-BTCUSDT [data-field=volume]")
    box = fact.bounding_box()
    hit = page.evaluate(
        "([x, y]) => document.elementFromPoint(x, y)?.title", [box["x"] + box["width"] - 4, box["y"] + 8]
    )
    assert hit == fact.get_attribute("title")


def test_a_time_is_utc_and_local_on_hover(visit):
    page = visit("market").page
    time = page.locator("#card-BTCUSDT time").first
    assert time.text_content().endswith(" UTC")
    time.hover()
    assert "(local)" in time.get_attribute("title")
    assert "E" in time.get_attribute("title")  # EST or EDT


def test_the_keyboard_gets_past_the_navigation_first(visit):
    page = visit("market").page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_a_card_leads_to_the_analytics_of_its_symbol(visit):
    page = visit("market").page
    page.locator("#card-BNBUSDT h2 a").click()
    page.wait_for_url("**/candlewick/analytics?symbol=BNBUSDT*")


def test_without_a_login_the_page_is_airflows_login(visit):
    page = visit("market", user=None, forgiven=("401",)).page
    assert "/auth/login" in page.url


def test_a_viewer_may_read(visit):
    assert visit("market", user="viewer").page.locator(".card").count() == 3


def test_it_is_there_inside_of_airflows_own_frame(visit, platform_ui):
    """Whoever clicks on the navigation's entry sees the page in a frame of Airflow's page."""
    page = visit("../plugin/candlewick-market").page
    frame = page.frame_locator("iframe")
    frame.locator("#card-BTCUSDT").wait_for(timeout=30_000)
    assert frame.locator(".card").count() == 3
