"""What one process learns about a host holds for the next."""

from __future__ import annotations


def statuses(market):
    return [each["status"] for each in market.requests()]


def test_a_ban_stops_the_other_process_at_every_host_until_it_ends(workers, market, row):
    first, second = workers(2)
    assert second.do("ask", 1) == [200]  # it knows the exchange's time and was welcome
    market.add_faults({"kind": "418", "retry_after": 120, "count": 1, "path": "klines"})
    assert first.do("ask", 1) == ["IpBanned"]
    market.forget_requests()
    assert second.do("ask", 8) == ["IpBanned"] * 8
    assert first.do("ask", 8) == ["IpBanned"] * 8
    (third,) = workers(1)
    assert third.do("ask", 1) == ["IpBanned"]
    assert market.requests() == []
    assert row("banned_until", 0) == row("banned_until", 1) != (None,)
    market.advance(121_000)
    for worker in (first, second, third):
        worker.do("advance", 121)
        assert worker.do("ask", 1) == [200]


def test_two_processes_together_stay_under_their_share_of_the_limit(workers, market, warehouse):
    market.change_settings(weight_limit=200)
    with warehouse.session() as session:
        session.run(
            "INSERT INTO host_state (host, weight_limit, updated_at) VALUES (%s, 200, '2024-06-01')",
            (market.url.removeprefix("http://"),),
        )
    both = workers(2, retry_after_max_seconds=1)
    # One after the other they learn the time. At once, one's question might be counted twice: safe, but one less fits.
    told = [status for worker in both for status in worker.do("ask", 1)]
    for worker in both:
        worker.start("ask", 119)
    told += [status for worker in both for status in worker.result()]
    assert set(statuses(market)) == {200}
    assert told.count(200) == (160 - 2) // 2
    assert told.count("BudgetExhausted") == 240 - (160 - 2) // 2
    assert max(each["used_weight"] for each in market.requests()) <= 160


def test_failures_of_one_process_spare_the_other_a_resting_host(workers, market):
    preferred = market.urls[0].removeprefix("http://")
    market.add_faults({"kind": "500", "host": preferred})
    first, second = workers(2, breaker_failures=2)
    assert first.do("ask", 1) == [200]
    market.forget_requests()
    assert second.do("ask", 1) == [200]
    assert preferred not in {each["host"] for each in market.requests()}
