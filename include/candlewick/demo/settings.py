"""Knobs of the running server; ``/_control/settings`` changes them."""

from dataclasses import dataclass


@dataclass
class Settings:
    """All of them, with the values Binance has."""

    latency_ms: int = 0
    """Added to every answer; requests wait side by side."""
    archive_delay_seconds: int = 7200
    """A file appears this long after its last candle closed."""
    weight_limit: int = 6000
    """Request weight of one client address in a minute."""
    patience: int = 10
    """So many 429 within a minute; the next refusal is a ban."""
    ban_seconds: int = 120
