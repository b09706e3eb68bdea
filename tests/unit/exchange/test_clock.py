from candlewick.exchange.clock import RESYNC_SECONDS, ExchangeClock


def synced(clock, server_ms=5_000_000, took=0.2):
    time = ExchangeClock(clock.as_clock())
    asked = clock.monotonic_s
    clock.advance(took)
    time.read(server_ms, asked, clock.monotonic_s)
    return time


def test_the_earliest_time_counts_from_the_receipt_and_the_latest_from_the_question(clock):
    time = synced(clock, server_ms=5_000_000, took=0.2)
    assert time.earliest_ms() == 5_000_000
    assert time.latest_ms() in (5_000_201, 5_000_202)


def test_both_bounds_move_with_the_monotonic_clock_and_allow_for_its_drift(clock):
    time = synced(clock, server_ms=5_000_000, took=0.2)
    clock.advance(100)
    assert 5_000_000 + 100_000 - 50 <= time.earliest_ms() <= 5_000_000 + 100_000 - 49
    assert 5_000_000 + 100_200 + 50 <= time.latest_ms() <= 5_000_000 + 100_200 + 53


def test_a_jump_of_the_wall_clock_changes_nothing(clock):
    time = synced(clock)
    clock.wall_ms += 86_400_000
    assert (time.earliest_ms(), time.is_fresh) == (5_000_000, True)


def test_a_reading_grows_old(clock):
    time = synced(clock)
    clock.advance(RESYNC_SECONDS - 1)
    assert time.is_fresh
    clock.advance(1)
    assert not time.is_fresh
    assert time.is_known


def test_the_wall_clock_stands_in_before_the_first_reading(clock):
    time = ExchangeClock(clock.as_clock())
    assert not time.is_known
    assert time.earliest_ms() == time.latest_ms() == clock.wall_ms
