"""Lineage, and the dbt docs behind the login."""

from __future__ import annotations

import json

import pytest

from support.html_page import opened


@pytest.fixture(scope="module")
def manifest(platform_ui):
    return json.loads((platform_ui.config.home / "dbt" / "docs" / "manifest.json").read_text())


def test_every_model_source_and_exposure_is_a_box_and_a_row(platform_ui, manifest):
    page = opened(platform_ui, "lineage")
    models = {one["name"] for one in manifest["nodes"].values() if one["resource_type"] in ("model", "seed")}
    sources = {f"{one['source_name']}.{one['name']}" for one in manifest["sources"].values()}
    exposures = {one["name"] for one in manifest["exposures"].values()}
    (table,) = page.tables
    assert {row["Name"] for row in table.rows} == models | sources | exposures
    assert len(page.texts("rect")) == len(table.rows)


def test_a_table_names_the_tasks_that_write_it(platform_ui):
    page = opened(platform_ui, "lineage")
    writers = {row["Name"]: row["Written by"] for row in page.tables[0].rows}
    assert "market_minute" in writers["fact_klines"]
    assert "market_hourly" in writers["price_distribution"]
    one = opened(platform_ui, "lineage", node="fact_klines")
    assert "market_minute · transform" in " ".join(one.texts("dd"))


def test_one_table_is_shown_with_what_it_comes_from_and_what_comes_from_it(platform_ui):
    page = opened(platform_ui, "lineage", node="daily_klines")
    boxes = {
        text.split()[1].rstrip(":")
        for text in page.texts("title")
        if text.split()[0] in ("model", "source", "exposure", "seed")
    }
    assert {"raw.staging_klines", "fact_klines", "hourly_klines", "daily_klines", "indicators_1d"} <= boxes
    assert "orderbook_metrics" not in boxes


def test_a_table_nobody_knows_is_refused_with_a_sentence(platform_ui):
    answer = platform_ui.get("lineage", node="<b>x</b>")
    assert answer.status_code == 404
    assert "<b>x</b>" not in answer.text


@pytest.mark.parametrize("name", ["index.html", "manifest.json", "catalog.json"])
def test_the_files_of_the_docs_are_those_that_were_published_and_need_a_login(platform_ui, name):
    published = (platform_ui.config.home / "dbt" / "docs" / name).read_bytes()
    answer = platform_ui.get(f"dbt/site/{name}")
    assert answer.content == published
    assert (
        platform_ui.client()
        .get(f"/candlewick/dbt/site/{name}", headers={"If-None-Match": answer.headers["etag"]})
        .status_code
        == 304
    )
    refused = platform_ui.get(f"dbt/site/{name}", user=None)
    assert refused.status_code in (302, 303, 307, 401)
    assert b"nodes" not in refused.content


@pytest.mark.parametrize("name", ["..%2f..%2fmanifest.json", "secrets.json", "index.html%00"])
def test_nothing_else_is_served_beside_them(platform_ui, name):
    assert platform_ui.get(f"dbt/site/{name}").status_code == 404


def test_the_docs_run_their_own_scripts_and_no_others(platform_ui):
    policy = platform_ui.get("dbt/site/index.html").headers["content-security-policy"]
    scripts = next(part for part in policy.split(";") if part.strip().startswith("script-src"))
    assert "'sha256-" in scripts
    assert "'unsafe-inline'" not in scripts
    assert "default-src 'self'" in policy


def test_the_page_says_when_the_docs_were_built(platform_ui):
    page = opened(platform_ui, "dbt/")
    assert page.one("docs").attributes["src"] == "/candlewick/dbt/site/index.html"
