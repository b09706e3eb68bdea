"""The pages about the data's health in a browser."""

import pytest

PATHS = ("data", "data/gaps", "data/revisions", "data/reconciliation", "data/quality", "data/ingestion", "data/deduplication",
         "data/weight", "data/storage", "data/pipeline", "lineage", "operations", "operations/market_maintenance", "settings", "dbt/")  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_every_page_fits_its_window_and_takes_the_theme(visit, path, theme, width):
    page = visit(path, theme=theme, width=width)
    page.page.wait_for_selector("h1")
    assert not page.is_wider_than_its_window()
    assert page.colour() == {"light": "rgb(247, 248, 250)", "dark": "rgb(14, 17, 22)"}[theme]


@pytest.mark.parametrize(("path", "table"), [("settings", "#tracked .table"), ("operations", "#jobs")])
def test_what_can_be_done_to_a_row_is_to_be_seen_without_scrolling(visit, path, table):
    box = visit(path).page.locator(table)
    assert box.evaluate("box => box.scrollWidth <= box.clientWidth")


def test_a_gap_of_the_calendar_leads_to_its_rows_in_the_ledger(visit, platform_ui):
    page = visit("data").page
    cell = page.locator("a.cell").first
    said = cell.get_attribute("aria-label")
    cell.click()
    page.wait_for_url("**/data/gaps?**")
    symbol = said.split()[0]
    assert page.locator("#filter-symbol").input_value() == symbol
    rows = page.locator("section tbody tr, .table[aria-label='Gaps'] tbody tr")
    assert rows.count() >= 1
    assert all(symbol in text for text in rows.all_inner_texts())


def test_a_filter_is_set_by_keyboard_alone(visit):
    page = visit("data/ingestion").page
    page.locator("#filter-status").focus()
    page.keyboard.press("f")  # the choice that begins so
    page.keyboard.press("Enter")
    if "status=" not in page.url:
        page.get_by_role("button", name="Show").focus()
        page.keyboard.press("Enter")
    page.wait_for_url("**status=failed**")
    assert page.locator(".table[aria-label='Requests'] tbody tr").count() == 1


def test_the_dbt_docs_run_inside_of_the_page(visit, platform_ui):
    opened = visit("dbt/#!/model/model.candlewick.fact_klines")
    docs = opened.page.frame_locator("#docs")
    docs.get_by_role("heading", name="fact_klines").first.wait_for(timeout=20_000)
    assert docs.get_by_text("close_price").first.is_visible()


def test_a_table_of_the_lineage_is_chosen_by_a_click(visit):
    page = visit("lineage").page
    page.locator("svg a", has_text="daily_klines").first.click()
    page.wait_for_url("**node=daily_klines")
    assert page.locator("h1").inner_text() == "Lineage of daily_klines"
    assert page.locator("svg a.chosen").count() == 1
    page.get_by_role("link", name="in the dbt docs").click()
    page.wait_for_url("**/dbt/**")
    assert page.url.endswith("#!/model/model.candlewick.daily_klines")


@pytest.mark.parametrize("path", ["data/storage", "data/pipeline", "settings"])
def test_where_one_is_is_to_be_seen_on_a_narrow_screen(visit, path):
    page = visit(path, width=390).page
    for here in page.locator("nav [aria-current]").all():
        box = here.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390


def test_the_calendar_begins_with_the_newest_day_on_a_narrow_screen(visit):
    page = visit("data", width=390).page
    box = page.locator(".calendar thead th").last.bounding_box()
    assert box["x"] + box["width"] <= 390


def test_what_can_be_done_to_a_job_is_on_a_narrow_screen(visit):
    page = visit("operations", width=390).page
    for button in page.locator("#jobs .actions .button").all():
        box = button.bounding_box()
        assert box["x"] + box["width"] <= 390


def test_a_long_name_in_a_table_is_not_squeezed_into_a_column_of_letters(visit):
    page = visit("data/ingestion").page
    heights = page.eval_on_selector_all("td code", "names => names.map(name => name.getBoundingClientRect().height)")
    assert 0 < max(heights) < 80  # some lines; in a column of letters it would be hundreds


def luminance(colour):
    """Relative luminance by WCAG 2.2, of `rgb(…)`."""
    parts = [int(part) / 255 for part in colour.partition("(")[2].rstrip(")").split(",")[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_lines_of_the_lineage_stand_out_from_what_is_behind_them(visit, theme):
    opened = visit("lineage", theme=theme)
    line = opened.page.eval_on_selector(".lineage path", "one => getComputedStyle(one).stroke")
    lighter, darker = sorted((luminance(line), luminance(opened.colour(".lineage"))), reverse=True)
    assert (lighter + 0.05) / (
        darker + 0.05
    ) >= 4  # WCAG wants 3 of a graphic; they are thin, and let some of it through


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_a_filter_that_was_not_understood_is_corrected_where_it_stands(visit, theme, width):
    opened = visit("data?days=1000&symbol=ETH", theme=theme, width=width, forgiven=("422",))
    page = opened.page
    assert "Days: expected a whole number from 1 to 92" in page.get_by_role("alert").inner_text()
    assert not opened.is_wider_than_its_window()
    page.get_by_label("Days").fill("3")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**days=3**")
    assert page.locator(".calendar tbody th").all_inner_texts() == ["ETHUSDT"]
