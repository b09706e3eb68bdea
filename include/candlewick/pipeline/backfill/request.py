"""What a person asks for: symbols, interval, span, source. Whatever makes no sense is refused with one sentence."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator, model_validator

from candlewick.market import Interval
from candlewick.settings import SYMBOL_PATTERN

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

FIRST_DAY: Final = datetime(2017, 7, 1, tzinfo=UTC).replace(tzinfo=None)
"""The exchange opened in July 2017; nothing can lie before."""


class RequestRefused(ValueError):
    """A request that cannot be meant; trying again gives the same."""


class BackfillSource(StrEnum):
    """Where history comes from."""

    AUTO = "auto"
    """Archive files as far as they are published, REST for the rest."""
    ARCHIVE = "archive"
    REST = "rest"
    FILES = "files"
    """A local folder of archive files or raw JSON objects."""


class BackfillRequest(BaseModel):
    """A checked request. ``start`` and ``end`` are naive UTC, ``end`` is the first moment no longer wanted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbols: tuple[str, ...]
    interval: Interval = Interval.MINUTE_1
    start: datetime
    end: datetime
    source: BackfillSource = BackfillSource.AUTO
    folder: str = ""
    force: bool = False
    keep: bool = True

    @classmethod
    def read(cls, params: Mapping[str, Any], now: datetime) -> BackfillRequest:
        """Check what was asked for against the clock (naive UTC).

        Raises:
            RequestRefused: with the first thing that is wrong, as one sentence.
        """
        try:
            return cls.model_validate(dict(params), context={"now": now})
        except ValidationError as error:
            raise RequestRefused(_sentence(error)) from None

    @field_validator("symbols", mode="before")
    @classmethod
    def _symbols(cls, value: object) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(str(name) for name in value)) if isinstance(value, list | tuple) else ()
        bad = [name for name in names if not SYMBOL_PATTERN.fullmatch(name)]
        if not names or bad:
            raise ValueError(f"expected a list of symbols as the exchange writes them (BTCUSDT), got {bad or value!r}")
        return names

    @field_validator("interval", mode="before")
    @classmethod
    def _interval(cls, value: object) -> Interval:
        if not isinstance(value, str) or value not in set(Interval):
            raise ValueError(f"expected an interval of {', '.join(Interval)}, got {value!r}")
        return Interval(str(value))

    @field_validator("source", mode="before")
    @classmethod
    def _source(cls, value: object) -> BackfillSource:
        if not isinstance(value, str) or value not in set(BackfillSource):
            raise ValueError(f"expected a source of {', '.join(BackfillSource)}, got {value!r}")
        return BackfillSource(str(value))

    @field_validator("start", mode="before")
    @classmethod
    def _start(cls, value: object) -> datetime:
        return _moment("start", value, timedelta())

    @field_validator("end", mode="before")
    @classmethod
    def _end(cls, value: object) -> datetime:
        """A date is the last day wanted, all of it; a moment is the first one no longer wanted."""
        return _moment("end", value, timedelta(days=1))

    @field_validator("folder", mode="before")
    @classmethod
    def _folder(cls, value: object) -> object:
        return "" if value is None else value

    @model_validator(mode="after")
    def _span(self, info: ValidationInfo) -> BackfillRequest:
        now: datetime = (info.context or {})["now"]
        start, end = _shown(self.start), _shown(self.end)
        if self.end <= self.start:
            raise ValueError(f"expected an end after the start, got {start} to {end} (exclusive); swap them")
        if self.start < FIRST_DAY:
            raise ValueError(f"expected a start from {FIRST_DAY:%Y-%m-%d} on, when the exchange opened, got {start}")
        if self.start >= now:
            raise ValueError(f"expected a start in the past, got {start}; nobody has candles of the future")
        if self.end > _midnight_after(now):
            raise ValueError(f"expected an end of today at the latest, got {end}; nobody has candles of the future")
        if (self.source is BackfillSource.FILES) != bool(self.folder):
            raise ValueError(
                "expected a folder with source files, got none; name one below files_dir"
                if self.source is BackfillSource.FILES
                else f"expected a folder only with source files, got {self.folder!r} with source {self.source.value}"
            )
        return self

    def demand_known(self, known: Collection[str]) -> None:
        """Refuse symbols the exchange does not name; the archive may still have files of those that were delisted.

        Raises:
            RequestRefused: a symbol is unknown.
        """
        if self.source in (BackfillSource.ARCHIVE, BackfillSource.FILES):
            return
        if unknown := [symbol for symbol in self.symbols if symbol not in known]:
            raise RequestRefused(
                f"expected symbols the exchange knows, got {', '.join(unknown)}; "
                "correct them, or ask with source archive for one that was delisted"
            )


def _moment(name: str, value: object, whole_day: timedelta) -> datetime:
    """Read a date or an ISO moment; without an offset it is UTC."""
    try:
        return _read_moment(name, value, whole_day)
    except OverflowError:  # the day after the calendar's last, or an offset that leads out of it
        raise ValueError(f"expected {name} as a time the exchange can have candles of, got {value!r}") from None


def _read_moment(name: str, value: object, whole_day: timedelta) -> datetime:
    problem = f"expected {name} as a date or moment (2023-01-31, 2023-01-31T12:00:00Z), got {value!r}"
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        return datetime.combine(value, time()) + whole_day
    elif not isinstance(value, str):
        raise ValueError(problem)  # noqa: TRY004  # pydantic takes ValueErrors
    else:
        try:
            return datetime.combine(date.fromisoformat(value), time()) + whole_day
        except ValueError:
            pass
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(problem) from None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _midnight_after(now: datetime) -> datetime:
    return datetime.combine(now.date(), time()) + timedelta(days=1)


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _sentence(error: ValidationError) -> str:
    """Make one sentence of the first thing that is wrong."""
    first = error.errors(include_url=False)[0]
    name = ".".join(map(str, first["loc"]))
    if first["type"] == "value_error":
        return str(first["ctx"]["error"])
    if first["type"] == "extra_forbidden":
        known = ", ".join(BackfillRequest.model_fields)
        return f"expected parameters among {known}, got {name}"
    return f"{name}: {first['msg'].lower()}, got {first.get('input')!r}"
