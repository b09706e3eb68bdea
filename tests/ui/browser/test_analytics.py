"""The analytics page in a browser."""

import re

import pytest

FIGURES = ("price", "depth", "spread", "volume-profile", "price-distribution", "return-distribution", "correlation")
DRAWN = "name => document.querySelector(`[data-figure=${name}] .plot`).data"


def wait_until_drawn(page):
    for name in FIGURES:
        page.wait_for_selector(f"[data-figure={name}][aria-busy=false]", timeout=30_000)


def traces(page, figure, name):
    return [trace for trace in page.evaluate(DRAWN, figure) if trace.get("name") == name]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_chart_is_drawn(visit, theme, width):
    analytics = visit("analytics?symbol=BTCUSDT", theme=theme, width=width)
    wait_until_drawn(analytics.page)
    for name in FIGURES:
        assert analytics.page.locator(f"[data-figure={name}] svg.main-svg").count()
        assert "Loading" not in analytics.page.locator(f"#told-{name}").text_content()
    assert analytics.page.locator(".trouble:visible").count() == 0
    assert not analytics.is_wider_than_its_window()


def test_the_candles_are_those_of_the_warehouse_digit_for_digit(visit, platform_ui):
    visited = visit("analytics?symbol=ETHUSDT&interval=1h&bars=100")
    page = visited.page
    wait_until_drawn(page)
    rows = platform_ui.sql(
        "SELECT open_price, close_price FROM hourly_klines WHERE symbol = 'ETHUSDT' ORDER BY hour_start DESC LIMIT 20"
    )
    [told] = traces(page, "price", "candle")
    shown = [one for one in told["customdata"] if one[0]][::-1][:20]
    assert [(one[0], one[3]) for one in shown] == [
        tuple(f"{row[name]:f}".rstrip("0").rstrip(".") for name in ("open_price", "close_price")) for row in rows
    ]


def test_indicators_are_those_of_the_marts(visit, platform_ui):
    visited = visit("analytics?symbol=BTCUSDT&bars=100")
    page = visited.page
    wait_until_drawn(page)
    [newest] = platform_ui.sql(
        "SELECT rsi, atr FROM indicators_1m WHERE symbol = 'BTCUSDT' ORDER BY open_time DESC LIMIT 1"
    )
    for name, column in (("RSI 14", "rsi"), ("ATR 14", "atr")):
        [line] = traces(page, "price", name)
        assert [value for value in line["y"] if value is not None][-1] == newest[column]


def test_another_interval_and_another_symbol_are_drawn_and_remembered(visit):
    visited = visit("analytics?symbol=BTCUSDT")
    page = visited.page
    wait_until_drawn(page)
    with page.expect_response("**/figures/price?*interval=1h*"):
        page.get_by_text("1h", exact=True).click()
    with page.expect_response("**/figures/price?*symbol=BNBUSDT*"):
        page.get_by_label("Symbol").select_option("BNBUSDT")
    assert "symbol=BNBUSDT" in page.url
    assert "interval=1h" in page.url
    visited.until("document.querySelector('#told-price').textContent.startsWith('BNBUSDT')")
    page.reload()
    wait_until_drawn(page)
    assert page.locator("#told-price").text_content().startswith("BNBUSDT")


def test_a_pane_that_is_not_wanted_is_gone(visit):
    visited = visit("analytics?symbol=BTCUSDT")
    page = visited.page
    wait_until_drawn(page)
    assert traces(page, "price", "RSI 14")
    with page.expect_response("**/figures/price?*"):
        page.get_by_text("RSI 14", exact=True).first.click()
    visited.until("!document.querySelector('[data-figure=price] .plot').data.some(one => one.name === 'RSI 14')")


def test_the_past_is_one_button_away_and_so_is_now(visit):
    visited = visit("analytics?symbol=BTCUSDT&bars=100")
    page = visited.page
    wait_until_drawn(page)
    with page.expect_response("**/figures/price?*until=*"):
        page.get_by_role("button", name="earlier").click()
    assert page.locator("#live").text_content() == "a stretch of the past"
    with page.expect_response(lambda one: "/figures/price" in one.url and "until" not in one.url):
        page.get_by_role("button", name="now").click()


def test_a_dark_airflow_has_dark_charts(visit):
    visited = visit("analytics?symbol=BTCUSDT")
    page = visited.page
    wait_until_drawn(page)
    colour = "document.querySelector('[data-figure=price] .plot').layout.font.color"
    light = page.evaluate(colour)
    with page.expect_response("**/figures/price?*theme=dark*"):
        page.evaluate("document.documentElement.className = 'dark';"
                      "document.documentElement.dispatchEvent(new CustomEvent('themechange'))")  # fmt: skip
    visited.until(f"{colour} !== '{light}'")


def test_a_chart_that_cannot_be_had_says_why_and_the_others_are_drawn(visit):
    def prepare(page):
        page.route("**/figures/depth*", lambda route: route.fulfill(
            status=503, content_type="application/problem+json", body='{"detail": "the warehouse rests", "request_id": "r1"}'
        ))  # fmt: skip

    visited = visit("analytics?symbol=BTCUSDT", prepare=prepare, forgiven=("503",))
    page = visited.page
    wait_until_drawn(page)
    assert "the warehouse rests (request r1)" in page.locator("[data-figure=depth] .trouble").text_content()
    assert page.locator("[data-figure=spread] svg.main-svg").count()


def only_trouble(page):
    """Return what the panel that cannot be had says, and its button."""
    panel = page.locator("figure.chart").filter(has=page.locator(".trouble:visible"))
    return panel.locator(".trouble"), panel.get_by_role("button", name="Retry")


def test_a_chart_that_failed_is_asked_for_again_with_the_next_update_and_the_head_says_so_until_then(visit):
    mended = []

    def prepare(page):
        page.clock.install()
        page.route("**/figures/volume-profile*", lambda route: route.continue_() if mended else route.abort())

    visited = visit("analytics?symbol=BTCUSDT", prepare=prepare, forgiven=("ERR_FAILED",))
    page = visited.page
    wait_until_drawn(page)
    said, retry = only_trouble(page)
    assert said.text_content() == "This chart could not be loaded: the server does not answer; is Airflow running?"
    assert retry.is_visible()
    visited.until("document.getElementById('live').textContent === '1 chart failed'")
    mended.append(True)
    for milliseconds in (16_000, 16_000, 3_000):  # nothing came for so long, so the page asks
        page.clock.fast_forward(milliseconds)
    visited.until("document.querySelector('[data-figure=volume-profile] svg.main-svg') !== null")
    visited.until("document.getElementById('live').textContent === 'live'")
    assert page.locator(".trouble:visible, .retry:visible").count() == 0


def test_a_chart_that_failed_is_had_again_by_the_keyboard_in_a_stretch_of_the_past_too(visit):
    troubled = ["yes"]

    def prepare(page):
        page.route("**/figures/correlation*", lambda route: route.abort() if troubled else route.continue_())

    visited = visit("analytics?symbol=BTCUSDT&until=2026-01-02T00:00", prepare=prepare, forgiven=("ERR_FAILED",))
    page = visited.page
    wait_until_drawn(page)
    _, retry = only_trouble(page)
    assert page.locator("#live").text_content() == "1 chart failed"
    with page.expect_event("requestfailed"):
        retry.press("Enter")
    visited.until("document.querySelector('[data-figure=correlation] .retry').textContent === 'Retry'")
    assert retry.evaluate("one => one === document.activeElement")
    troubled.clear()
    retry.press("Enter")
    visited.until("document.querySelector('[data-figure=correlation] svg.main-svg') !== null")
    visited.until("document.getElementById('live').textContent === 'a stretch of the past'")
    assert page.evaluate("document.activeElement.dataset.figure") == "correlation"


def test_the_candles_of_another_symbol_do_not_stay_under_the_name_of_one_that_failed(visit):
    visited = visit("analytics?symbol=BTCUSDT", forgiven=("ERR_FAILED",))
    page = visited.page
    wait_until_drawn(page)
    page.route("**/figures/price*symbol=ETHUSDT*", lambda route: route.abort())
    page.get_by_label("Symbol").select_option("ETHUSDT")
    page.wait_for_selector("[data-figure=price] .retry:visible")
    assert page.locator("[data-figure=price] svg.main-svg").count() == 0
    assert page.locator("#told-price").text_content() == ""


@pytest.mark.parametrize("width", [1280, 390])
def test_a_symbol_nobody_has_heard_of_is_one_sentence_and_the_tracked_ones_are_offered(visit, platform_ui, width):
    visited = visit("analytics?symbol=nope", width=width, forgiven=("404",))
    page = visited.page
    assert page.locator(".empty p").first.text_content() == (
        "NOPE is no symbol of binance that is known here: it has never been tracked, and none of its history was brought."
    )
    assert page.locator("figure.chart").count() == 0
    assert not visited.is_wider_than_its_window()
    offered = page.get_by_label("Tracked symbols")
    assert sorted(offered.locator("option").all_text_contents()) == sorted(platform_ui.config.symbols)
    offered.select_option("ETHUSDT")
    page.get_by_role("button", name="Show it").click()
    wait_until_drawn(page)
    assert page.locator("#told-price").text_content().startswith("ETHUSDT")


def test_a_symbol_that_is_tracked_no_more_is_shown_with_what_there_is_of_it(visit, platform_ui):
    platform_ui.sql("UPDATE {raw}.tracked_symbols SET active = 0 WHERE symbol = 'BNBUSDT'")
    try:
        page = visit("analytics?symbol=BNBUSDT").page
        wait_until_drawn(page)
        assert page.locator("[data-figure=price] svg.main-svg").count()
    finally:
        platform_ui.sql("UPDATE {raw}.tracked_symbols SET active = 1 WHERE symbol = 'BNBUSDT'")


def test_what_is_shown_of_the_past_and_what_is_not_says_so(visit):
    visited = visit("analytics?symbol=BTCUSDT&until=2026-01-02T00:00")
    page = visited.page
    wait_until_drawn(page)
    for name in ("price", "depth", "spread"):
        assert "before 2026-01-02 00:00 UTC" in page.locator(f"#told-{name}").text_content()
    for name in ("volume-profile", "price-distribution", "return-distribution", "correlation"):
        assert "Not of the time chosen above" in page.locator(f"[data-figure={name}] .as-of:visible").text_content()
    page.get_by_role("button", name="now").click()
    visited.until("!document.querySelector('#told-depth').textContent.includes('before')")
    assert page.locator(".as-of:visible").count() == 0


def test_a_time_still_to_come_is_not_taken_for_the_past(visit):
    visited = visit("analytics?symbol=BTCUSDT&until=2099-05-06T07:08")
    page = visited.page
    wait_until_drawn(page)
    ahead = page.locator("#ahead")
    assert ahead.text_content() == "2099-05-06 07:08 UTC is still to come; shown is what there is now."
    visited.until("document.getElementById('live').textContent === 'live'")
    assert "until" not in page.url
    assert page.locator(".as-of:visible").count() == 0
    with page.expect_response("**/figures/price?*until=2026-01-02T*"):
        page.locator("#until").fill("2026-01-02T00:00")
    assert page.locator("#live").text_content() == "a stretch of the past"
    assert not ahead.is_visible()


def hovered(page, at_share):
    box = page.locator("[data-figure=price] .nsewdrag").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] * at_share, box["y"] + box["height"] / 2)
    page.wait_for_selector("[data-figure=price] .hoverlayer .legendtitletext, [data-figure=price] .hoverlayer text")
    return page.locator("[data-figure=price] .hoverlayer text").first.text_content()


@pytest.mark.parametrize(
    ("interval", "end"), [("1m", ":.. UTC"), ("15m", ":(00|15|30|45) UTC"), ("4h", "(00|04|08|12|16|20):00 UTC")]
)
def test_the_pointer_says_when_a_candle_opens_and_that_it_is_utc(visit, interval, end):
    page = visit(f"analytics?symbol=BTCUSDT&interval={interval}&bars=100").page
    wait_until_drawn(page)
    assert re.fullmatch(rf"\d{{4}}-\d\d-\d\d .*{end}", hovered(page, 0.37))


def test_no_button_sends_a_chart_elsewhere(visit):
    page = visit("analytics?symbol=BTCUSDT").page
    wait_until_drawn(page)
    titles = {one.get_attribute("data-title") for one in page.locator(".modebar-btn").all()}
    assert {"Zoom", "Pan", "Zoom in", "Zoom out", "Reset axes"} <= titles
    assert not [title for title in titles if "hare" in title or "loud" in title]


def test_no_pane_at_all_is_remembered(visit):
    visited = visit("analytics?symbol=BTCUSDT&panes=rsi")
    page = visited.page
    wait_until_drawn(page)
    with page.expect_response("**/figures/price?*"):
        page.get_by_text("RSI 14", exact=True).first.click()
    page.reload()
    wait_until_drawn(page)
    assert page.locator("input[name=panes]:checked").count() == 0
    assert not traces(page, "price", "volume")


def test_a_thumb_gets_past_the_charts(visit):
    visited = visit("analytics?symbol=BTCUSDT", width=390, touch=True)
    page = visited.page
    wait_until_drawn(page)
    page.locator("[data-figure=price]").evaluate("one => one.scrollIntoView()")
    before = page.evaluate("window.scrollY")
    thumb = page.context.new_cdp_session(page)
    for kind, heights in (("touchStart", (500,)), ("touchMove", range(480, 180, -20)), ("touchEnd", (None,))):
        for y in heights:
            points = [] if y is None else [{"x": 150, "y": y}]
            thumb.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    visited.until(f"window.scrollY > {before + 200}")


def test_times_below_a_chart_are_local_on_hover(visit):
    page = visit("analytics?symbol=BTCUSDT").page
    wait_until_drawn(page)
    time = page.locator("#told-price time").first
    time.hover()
    assert "(local)" in time.get_attribute("title")


def test_only_the_first_words_of_a_chart_are_read_aloud_by_themselves(visit):
    visited = visit("analytics?symbol=BTCUSDT&bars=100")
    wait_until_drawn(visited.page)
    with visited.page.expect_response("**/figures/price?*interval=5m*"):
        visited.page.get_by_text("5m", exact=True).click()
    visited.until("!document.querySelector('#told-price').hasAttribute('role')")


def test_a_chart_that_could_not_be_had_at_first_does_not_say_that_it_loads(visit):
    visited = visit("analytics?symbol=BTCUSDT", forgiven=("503",), prepare=lambda page: page.route(
        "**/figures/depth*", lambda route: route.fulfill(status=503, body="busy")
    ))  # fmt: skip
    wait_until_drawn(visited.page)
    assert visited.page.locator("#told-depth").text_content() == ""


def test_thousands_of_candles_are_few_elements(visit):
    page = visit("analytics?symbol=BTCUSDT&bars=5000").page
    wait_until_drawn(page)
    assert len(traces(page, "price", "candle")[0]["x"]) > 3000
    assert page.locator("[data-figure=price] path").count() < 500
