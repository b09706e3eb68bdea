"""What a provider of analytics is: a name, a typed model of its parameters, and a function that answers.

A new one is a file beside this one::

    class Parameters(ProviderParameters):
        period: int = Field(10, ge=1, le=500, description="Bars of the mean.")

    def answer(asked: Asked, parameters: Parameters) -> Answer: ...

    PROVIDER = Provider("my_mean", "Mean of the last closes.", Parameters, answer)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from candlewick_ui.database import VALUES
from candlewick_ui.queries.candles import Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from candlewick_ui.database import Reader, Reading

MOST_BARS = 10_000


class ProviderParameters(BaseModel):
    """What every provider can be asked: unknown parameters are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    interval: Interval = Field(Interval.MINUTE_1, description="Length of a bar.")
    limit: int = Field(200, ge=1, le=MOST_BARS, description="Newest bars to return.")


@dataclass(frozen=True, slots=True)
class Asked:
    """Of what: the reader of the warehouse, exchange and symbol; ``reading`` is for rows that are answered as they are."""

    reader: Reader
    exchange: str
    symbol: str
    reading: Reading = VALUES


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows (oldest first) and their columns; ``more`` is told beside them (totals, the point of control, ...).

    ``numbers`` are the columns that hold doubles, and in which all values may be null.
    """

    columns: tuple[str, ...]
    rows: Sequence[dict[str, Any]]
    more: dict[str, Any] = field(default_factory=dict)
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Provider:
    """One kind of analytics."""

    name: str
    description: str
    parameters: type[ProviderParameters]
    answer: Callable[[Asked, Any], Answer]

    def describe(self) -> dict[str, Any]:
        """Return name, description and the parameters with type, default and bounds, as JSON Schema says it."""
        schema = self.parameters.model_json_schema()
        kinds = schema.get("$defs", {})
        return {
            "name": self.name,
            "description": self.description,
            "parameters": {name: _resolved(told, kinds) for name, told in schema["properties"].items()},
        }


def _resolved(told: dict[str, Any], kinds: dict[str, Any]) -> dict[str, Any]:
    """Put what a parameter refers to in the place of the reference; its own words win."""
    kind = kinds[told["$ref"].rpartition("/")[2]] if "$ref" in told else {}
    return {name: value for name, value in {**kind, **told}.items() if name not in {"$ref", "title"}}
