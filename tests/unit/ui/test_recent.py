"""Who was let pass is known for a second, and no longer."""

from candlewick_ui import recent
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


def test_tokens_made_up_by_the_thousands_are_not_all_kept(monkeypatch):
    monkeypatch.setattr(recent, "MOST", 3)
    passed = Recent()
    for number in range(10):
        passed.keep(f"token {number}", "viewer")

    assert len(passed._passed) <= 3
    assert passed.user("token 9") == "viewer"
