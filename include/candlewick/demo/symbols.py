"""What is traded: scale, precision, liveliness and listing time of each symbol."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from candlewick.demo.noise import key_of

_QUOTES = ("USDT", "USDC", "FDUSD", "BTC", "ETH", "BNB", "EUR", "TRY")


@dataclass(frozen=True)
class Symbol:
    """One market. ``price_decimals + quantity_decimals`` ≤ 8, so that quote volumes are exact in 8 decimals."""

    name: str
    listed_ms: int
    price: float
    price_decimals: int
    quantity_decimals: int
    turnover: float
    """Typical quote volume of a minute."""
    quiet: float = 0.0
    """Share of minutes without a trade."""
    volatility: float = 0.0008
    """Deviation of a one-minute log return."""

    @property
    def quote(self) -> str:
        """The asset it is priced in."""
        return next((quote for quote in _QUOTES if self.name.endswith(quote) and self.name != quote), "USDT")

    @property
    def base(self) -> str:
        """The asset that is traded."""
        return self.name.removesuffix(self.quote)


def _at(text: str) -> int:
    return int(datetime.fromisoformat(text + "+00:00").timestamp()) * 1000


DEFAULTS: tuple[Symbol, ...] = (
    Symbol("BTCUSDT", _at("2017-08-17T04:00"), 60_000, 2, 5, 400_000, 0.0, 0.0006),
    Symbol("ETHUSDT", _at("2017-08-17T04:00"), 2_800, 2, 4, 300_000, 0.0, 0.0007),
    Symbol("BNBUSDT", _at("2017-11-06T03:54"), 520, 2, 3, 60_000, 0.002),
    Symbol("LTCUSDT", _at("2017-12-13T03:32"), 80, 2, 3, 15_000, 0.02),
    Symbol("ADAUSDT", _at("2018-04-17T04:18"), 0.6, 4, 1, 20_000, 0.01, 0.0009),
    Symbol("XRPUSDT", _at("2018-05-04T08:11"), 0.9, 4, 0, 60_000, 0.001, 0.0009),
    Symbol("TRXUSDT", _at("2018-06-11T11:30"), 0.18, 4, 1, 10_000, 0.03, 0.0006),
    Symbol("LINKUSDT", _at("2019-01-16T10:00"), 14, 2, 2, 15_000, 0.02, 0.0009),
    Symbol("DOGEUSDT", _at("2019-07-05T12:00"), 0.14, 5, 0, 50_000, 0.002, 0.001),
    Symbol("SOLUSDT", _at("2020-08-11T06:00"), 140, 2, 3, 120_000, 0.001, 0.0009),
    Symbol("DOTUSDT", _at("2020-08-18T23:00"), 6, 3, 2, 10_000, 0.03, 0.0009),
    Symbol("AVAXUSDT", _at("2020-09-22T06:30"), 28, 2, 2, 15_000, 0.02, 0.0009),
    Symbol("SHIBUSDT", _at("2021-05-10T11:00"), 0.00001, 8, 0, 20_000, 0.02, 0.001),
    Symbol("ARBUSDT", _at("2023-03-23T15:00"), 0.9, 4, 1, 8_000, 0.06, 0.0009),
    Symbol("SUIUSDT", _at("2023-05-03T12:00"), 1.6, 4, 1, 12_000, 0.03, 0.001),
    Symbol("PEPEUSDT", _at("2023-05-05T16:00"), 0.000012, 8, 0, 20_000, 0.02, 0.0011),
)
_BY_NAME = {symbol.name: symbol for symbol in DEFAULTS}


def symbol_named(name: str) -> Symbol:
    """The built-in symbol, or one whose scale follows from its name alone (listed 2021-01-01 00:00 UTC)."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    digest = key_of("symbol", name)
    decade = digest % 6 - 3  # prices from 0.001 to 1000
    price_decimals = min(8, max(2, 4 - decade))
    return Symbol(
        name,
        _at("2021-01-01T00:00"),
        price=(1 + digest // 7 % 9) * 10.0**decade,
        price_decimals=price_decimals,
        quantity_decimals=max(0, min(3, 8 - price_decimals, decade + 1)),
        turnover=500.0 * (1 + digest // 67 % 20),
        quiet=0.02 * (digest // 1361 % 10),
        volatility=0.0006 + 0.0001 * (digest // 13_619 % 6),
    )


def symbols_from(text: str) -> list[Symbol]:
    """``"300"`` → S000USDT … S299USDT; ``"BTCUSDT,FOOUSDT"`` → those; ``"default,40"`` → both kinds together."""
    found: dict[str, Symbol] = {}
    for name in _names(part.strip() for part in text.split(",") if part.strip()):
        found[name] = symbol_named(name)
    return list(found.values())


def _names(parts: Iterable[str]) -> Iterable[str]:
    for part in parts:
        if part == "default":
            yield from _BY_NAME
        elif part.isdigit():
            width = max(3, len(str(int(part) - 1)))
            yield from (f"S{index:0{width}d}USDT" for index in range(int(part)))
        else:
            yield part.upper()
