"""The docs site is published whole."""

from __future__ import annotations

import pytest

from candlewick.pipeline.dbt_docs import SITE, publish


@pytest.fixture
def target(tmp_path):
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def generate(target, words):
    for name in SITE:
        (target / name).write_text(words)


def words_of(site):
    return {(site / name).read_text() for name in SITE}


def test_a_reader_sees_the_newest_site(target, tmp_path):
    site = tmp_path / "docs"
    for words in ("first", "second", "third"):
        generate(target, words)
        publish(target, site)
        assert words_of(site) == {words}


def test_the_site_before_is_kept_for_who_still_reads_it_and_older_ones_are_not(target, tmp_path):
    generate(target, "any")
    editions = [publish(target, tmp_path / "docs") for _ in range(4)]

    assert [edition.is_dir() for edition in editions] == [False, False, True, True]


def test_an_incomplete_target_leaves_the_published_site(target, tmp_path):
    site = tmp_path / "docs"
    generate(target, "whole")
    publish(target, site)
    (target / "catalog.json").unlink()

    with pytest.raises(FileNotFoundError):
        publish(target, site)

    assert words_of(site) == {"whole"}


def test_a_folder_somebody_made_is_replaced(target, tmp_path):
    site = tmp_path / "docs"
    site.mkdir()
    generate(target, "ours")

    publish(target, site)

    assert words_of(site) == {"ours"}
