"""Request weight per client address and minute, 429 beyond it, and the ban of those who do not stop."""

from dataclasses import dataclass

from candlewick.demo.answers import Answer, error
from candlewick.demo.intervals import MINUTE_MS
from candlewick.demo.settings import Settings


@dataclass
class _Client:
    minute: int = -1
    used: int = 0
    refused: int = 0
    banned_until_ms: int = 0


class Limiter:
    """The window and the bans of every client; the settings say where its limits are."""

    def __init__(self) -> None:
        self._clients: dict[str, _Client] = {}

    def charge(self, client: str, weight: int, now_ms: int, settings: Settings) -> tuple[int, Answer | None]:
        """Weight used in this minute, and the refusal if the request may not go on."""
        state = self._clients.setdefault(client, _Client())
        minute = now_ms // MINUTE_MS
        if state.minute != minute:
            state.minute, state.used, state.refused = minute, 0, 0
        state.used += weight
        if now_ms < state.banned_until_ms:
            return state.used, banned(state.banned_until_ms, now_ms)
        if state.used <= settings.weight_limit:
            return state.used, None
        state.refused += 1
        if state.refused > settings.patience:
            state.banned_until_ms = now_ms + settings.ban_seconds * 1000
            return state.used, banned(state.banned_until_ms, now_ms)
        return state.used, too_many(settings.weight_limit, seconds_to_next_minute(now_ms))

    def used(self, now_ms: int) -> dict[str, int]:
        """Weight of each client in the current minute."""
        return {name: state.used for name, state in self._clients.items() if state.minute == now_ms // MINUTE_MS}

    def forget(self) -> None:
        """Lift all bans and forget all weights."""
        self._clients.clear()


def seconds_to_next_minute(now_ms: int) -> int:
    """Rounded up, so that waiting so long is enough."""
    return (MINUTE_MS - now_ms % MINUTE_MS + 999) // 1000


def too_many(limit: int, retry_after: int) -> Answer:
    """429: the weight of this minute is used up."""
    return error(
        429,
        -1003,
        f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API.",
        {"Retry-After": str(retry_after)},
    )


def banned(until_ms: int, now_ms: int) -> Answer:
    """418: banned until that time."""
    return error(
        418,
        -1003,
        f"Way too much request weight used; IP banned until {until_ms}. "
        "Please use WebSocket Streams for live updates to avoid bans.",
        {"Retry-After": str(max(1, (until_ms - now_ms + 999) // 1000))},
    )
