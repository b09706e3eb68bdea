"""How much was traded in each bar, and by whom: takers who bought, takers who sold."""

from __future__ import annotations

from candlewick_ui.analytics.exact import exactly
from candlewick_ui.providers.base import Answer, Asked, Provider, ProviderParameters
from candlewick_ui.queries.candles import newest_candles

COLUMNS = (
    "open_time", "volume", "taker_buy_volume", "taker_sell_volume", "quote_volume", "taker_buy_quote_volume",
    "trade_count", "is_final",
)  # fmt: skip


@exactly()
def answer(asked: Asked, parameters: ProviderParameters) -> Answer:
    """Return the volumes of the newest candles; what takers did not buy they sold."""
    rows = newest_candles(asked.reader, asked.exchange, asked.symbol, parameters.interval, parameters.limit)
    for row in rows:
        row["taker_sell_volume"] = row["volume"] - row["taker_buy_volume"]
    return Answer(COLUMNS, rows)


PROVIDER = Provider(
    "volume",
    "Traded amount of each bar in base and quote asset, bought and sold by takers, and the number of trades.",
    ProviderParameters,
    answer,
)
