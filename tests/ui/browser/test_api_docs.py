"""The API's page in a browser: part of the pages, with a viewer that runs without a word in the console."""

import pytest

VIEWER = ".swagger-ui .info .title"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_api_is_described_on_a_page_like_the_others(visit, theme, width):
    visited = visit("api/docs", theme=theme, width=width)
    page = visited.page
    page.wait_for_selector(VIEWER)
    assert page.locator(".top a[aria-current=page]").inner_text() == "API"
    assert page.locator("h1").inner_text() == "API"
    assert page.locator(".opblock-tag").count() > 5
    assert visited.colour() == {"light": "rgb(247, 248, 250)", "dark": "rgb(14, 17, 22)"}[theme]
    assert not visited.is_wider_than_its_window()


def test_a_request_can_be_tried_out_with_the_login_there_is(visit):
    page = visit("api/docs").page
    page.wait_for_selector(VIEWER)
    page.locator(".opblock-tag", has_text="analytics").first.click()
    block = page.locator(".opblock-get", has_text="/api/v1/analytics/providers")
    block.locator(".opblock-summary").click()
    block.get_by_role("button", name="Try it out").click()
    with page.expect_response("**/api/v1/analytics/providers") as answer:
        block.get_by_role("button", name="Execute").click()
    assert answer.value.status == 200
