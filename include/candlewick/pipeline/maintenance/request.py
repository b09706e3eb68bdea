"""What a run of market_maintenance is asked for: steps on or off, ages in days; nonsense is refused with one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from candlewick.settings import SYMBOL_PATTERN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from candlewick.settings import Settings

STEPS = ("archive", "expire", "retention", "care", "sweep", "backup")
AGES = (
    "archive_after_days", "archived_keep_days", "retention_klines_days", "retention_klines_by_symbol",
    "retention_orderbook_days", "retention_indicators_days", "retention_staging_days", "retention_outcomes_days",
    "retention_processed_days",
)  # fmt: skip
MOST_DAYS = 36_500  # a hundred years


class RequestRefused(ValueError):
    """A request that cannot be meant; trying again gives the same."""


class MaintenanceRequest(BaseModel):
    """A checked request. Ages are whole UTC days; 0, where it is allowed, means for ever.

    The ages bear the names of the settings they overrule for one run (``docs/configuration.md``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    dry_run: bool
    archive: bool
    expire: bool
    retention: bool
    care: bool
    sweep: bool
    backup: bool
    archive_after_days: int = Field(ge=1)
    archived_keep_days: int = Field(ge=2)
    retention_klines_days: int = Field(ge=0)
    retention_klines_by_symbol: dict[str, int]
    retention_orderbook_days: int = Field(ge=0)
    retention_indicators_days: int = Field(ge=0)
    retention_staging_days: int = Field(ge=1)
    retention_outcomes_days: int = Field(ge=8)
    retention_processed_days: int = Field(ge=0)

    @classmethod
    def read(cls, params: Mapping[str, Any], config: Settings) -> MaintenanceRequest:
        """Check a run's params; what is not among them is as configured, and every step but the backup is on.

        Raises:
            RequestRefused: with the first thing that is wrong, as one sentence.
        """
        try:
            return cls.model_validate({**defaults(config), **params})
        except ValidationError as error:
            raise RequestRefused(_sentence(error)) from None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.archived_keep_days <= self.archive_after_days:
            raise ValueError(
                f"expected archived_keep_days ({self.archived_keep_days}) above archive_after_days "
                f"({self.archive_after_days}): an object is archived before it is deleted; correct one of them"
            )
        for symbol, days in self.retention_klines_by_symbol.items():
            if not SYMBOL_PATTERN.fullmatch(symbol) or days < 0:
                raise ValueError(
                    'expected retention_klines_by_symbol with days by symbol ({"BTCUSDT": 365}, 0: for ever), '
                    f"got {symbol!r}: {days}; correct it"
                )
        ages = {name: getattr(self, name) for name in AGES if name != "retention_klines_by_symbol"}
        for name, days in (ages | self.retention_klines_by_symbol).items():
            if days > MOST_DAYS:
                raise ValueError(f"{name}: expected at most {MOST_DAYS} days, got {days}; correct it")
        return self

    def applied_to(self, config: Settings) -> Settings:
        """Return the configuration with this run's ages."""
        return config.model_copy(update={name: getattr(self, name) for name in AGES})


def defaults(config: Settings) -> dict[str, Any]:
    """Return the params of a run that asks for nothing in particular."""
    steps = {step: step != "backup" for step in STEPS}
    return {"dry_run": False, **steps, **{name: getattr(config, name) for name in AGES}}


def _sentence(error: ValidationError) -> str:
    """Make one sentence of the first thing that is wrong."""
    first = error.errors(include_url=False)[0]
    name = ".".join(map(str, first["loc"]))
    if first["type"] == "value_error":
        return str(first["ctx"]["error"])
    if first["type"] == "extra_forbidden":
        return f"expected parameters among {', '.join(MaintenanceRequest.model_fields)}, got {name}; correct its name"
    return f"{name}: {first['msg'].lower()}, got {first.get('input')!r}; correct it"
