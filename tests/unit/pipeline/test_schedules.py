"""The schedule: the Variable's word, else the default; never an error."""

from __future__ import annotations

import pytest

from candlewick.pipeline.schedules import choose

DEFAULT = "* * * * *"


def chosen(text, dag_id="market_minute"):
    return choose(dag_id, DEFAULT, lambda: text)


@pytest.mark.parametrize("wished", ["*/2 * * * *", "0 2 * * 0", "@hourly", "0 0 29 2 *"])
def test_the_variable_changes_the_schedule(wished):
    assert (chosen(f'{{"market_minute": "{wished}"}}').cron, chosen(f'{{"market_minute": "{wished}"}}').problem) == (
        wished,
        "",
    )


@pytest.mark.parametrize("text", [None, "", "{}", '{"another": "0 0 * * *"}'])
def test_without_a_word_for_the_dag_the_default_holds_silently(text):
    assert (chosen(text).cron, chosen(text).problem) == (DEFAULT, "")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("every minute", "expected JSON"),
        ('["* * * * *"]', "expected a JSON object"),
        ('{"market_minute": "each minute"}', "expected a cron expression"),
        ('{"market_minute": "61 * * * *"}', "expected a cron expression"),
        ('{"market_minute": "* * * * * *"}', "expected a cron expression"),
        ('{"market_minute": 5}', "expected a cron expression"),
        ('{"market_minute": "@sometimes"}', "expected a cron expression"),
        ('{"market_minute": "0 0 31 2 *"}', "expected a cron expression of five fields whose time comes"),
        ('{"market_minute": "0 0 31 4,6,9,11 *"}', "expected a cron expression of five fields whose time comes"),
    ],
)
def test_a_word_that_cannot_be_followed_falls_back_and_says_why(text, sentence):
    schedule = chosen(text)

    assert schedule.cron == DEFAULT
    assert schedule.problem.startswith(sentence)
    assert schedule.problem.endswith("the default '* * * * *' is used")


def test_a_store_of_variables_that_does_not_answer_falls_back():
    def read():
        raise ConnectionError("no database")

    schedule = choose("market_minute", DEFAULT, read)

    assert schedule.cron == DEFAULT
    assert "no database" in schedule.problem
