"""The pictures of the documentation."""

from screenshots import PICTURES, take


def test_every_picture_is_taken_of_the_real_page(chromium, platform_ui, tmp_path):
    files = list(take(chromium, platform_ui.url, platform_ui.server.token("admin"), tmp_path))
    assert len({file.name for file in files}) == len(PICTURES)
    for file in files:
        assert file.read_bytes().startswith(b"\x89PNG")
        assert file.stat().st_size > 10_000
