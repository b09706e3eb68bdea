"""Measures in the text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/).

What happened is told as gauges over the last hour, not as counters: the ledgers forget, and a counter that shrinks would be
read as a restart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from candlewick_ui.queries.metrics import Measures

Sample = tuple[Sequence[str], float]


def exposition(measures: Measures, stream_listeners: int) -> bytes:
    """Return the measures, and how many listen to the stream of this process, as Prometheus reads them."""
    registry = CollectorRegistry()
    registry.register(_Collector(measures, stream_listeners))
    return generate_latest(registry)


class _Collector:
    def __init__(self, measures: Measures, stream_listeners: int) -> None:
        self._measures, self._stream_listeners = measures, stream_listeners

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield each metric with its samples."""
        if self._measures.cards is not None:
            yield from _cards(self._measures.cards)
        yield from _gaps(self._measures)
        yield from _work(self._measures)
        yield from _hosts(self._measures)
        yield _gauge("stream_listeners", "Listeners of the stream in this process.", (), [((), self._stream_listeners)])


def _gauge(name: str, text: str, labels: Sequence[str], samples: Iterable[Sample]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"candlewick_{name}", text, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


def _cards(cards: Sequence[Mapping[str, Any]]) -> Iterator[GaugeMetricFamily]:
    yield _gauge(
        "freshness_seconds",
        "Seconds since the newest final 1m candle closed; no sample: there is none within two days.",
        ("symbol",),
        (((card["symbol"],), card["lag_seconds"]) for card in cards if card["lag_seconds"] is not None),
    )
    yield _gauge(
        "stale",
        "1: the symbol trades and its newest final candle is older than allowed.",
        ("symbol",),
        (((card["symbol"],), int(card["is_stale"])) for card in cards),
    )
    yield _gauge("tracked_symbols", "Symbols that are followed.", (), [((), len(cards))])


def _gaps(seen: Measures) -> Iterator[GaugeMetricFamily]:
    gaps = [((gap["symbol"], gap["data_type"], gap["status"]), gap) for gap in seen.gaps]
    labels = ("symbol", "data_type", "status")
    yield _gauge("gaps", "Gaps that are open or unexplained.", labels, ((key, gap["gaps"]) for key, gap in gaps))
    yield _gauge("gap_minutes", "Minutes of these gaps.", labels, ((key, gap["minutes"]) for key, gap in gaps))


def _work(seen: Measures) -> Iterator[GaugeMetricFamily]:
    lanes = [((lane["lane"],), lane) for lane in seen.loads]
    for name, column, text in (
        ("rows_loaded", "rows_staged", "Rows loaded in the last hour."),
        ("rows_rejected", "rows_rejected", "Rows put in quarantine in the last hour."),
        ("loads", "loads", "Loads committed in the last hour."),
    ):
        yield _gauge(name, text, ("lane",), ((key, lane[column]) for key, lane in lanes))
    yield _gauge(
        "requests",
        "Requests to exchange and archive in the last hour, by outcome; error_kind is empty when it was stored.",
        ("data_type", "status", "error_kind"),
        (((one["data_type"], one["status"], one["error_kind"]), one["requests"]) for one in seen.requests),
    )
    yield _gauge(
        "pending_loads",
        "Loads a dbt model has yet to take in.",
        ("model", "lane"),
        (((queue["model"], queue["lane"]), queue["loads"]) for queue in seen.queues),
    )
    yield _gauge(
        "pipeline_events",
        "Events people were told of in the last hour.",
        ("severity",),
        (((severity,), count) for severity, count in seen.events.items()),
    )


def _hosts(seen: Measures) -> Iterator[GaugeMetricFamily]:
    hosts = seen.hosts
    labels = ("host",)
    yield _gauge(
        "weight_used",
        "Weight charged in this minute.",
        labels,
        (((host["host"],), host["used_weight"]) for host in hosts),
    )
    limits = [host for host in hosts if host["weight_limit"] is not None]
    yield _gauge(
        "weight_limit",
        "Weight the exchange allows a minute.",
        labels,
        (((host["host"],), host["weight_limit"]) for host in limits),
    )
    yield _gauge(
        "host_banned",
        "1: the host bans this address.",
        labels,
        (((host["host"],), int(host["is_banned"])) for host in hosts),
    )
    yield _gauge(
        "host_breaker_open",
        "1: the host failed too often in a row and rests.",
        labels,
        (((host["host"],), int(host["breaker_state"] == "open")) for host in hosts),
    )
