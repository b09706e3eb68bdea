"""Who was let pass is known for a second, and no longer."""

from candlewick_ui.recent import Recent


def test_a_token_is_known_for_a_second_after_it_was_let_pass():
    now = 100.0
    passed = Recent(now=lambda: now)
    passed.keep("token", "viewer")
    now = 100.9
    assert passed.user("token") == "viewer"
    assert passed.user("another token") is None

    now = 101.0
    assert passed.user("token") is None


def test_a_second_later_nothing_is_left_of_it_and_never_was_the_token_itself():
    now = 100.0
    passed = Recent(now=lambda: now)
    passed.keep("token", "viewer")
    assert "token" not in repr(passed._passed)

    now = 101.0
    passed.keep("another token", "viewer")
    assert len(passed._passed) == 1
