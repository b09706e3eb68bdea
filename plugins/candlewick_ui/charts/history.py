"""How much there is of what was asked for: fewer candles than that, and too few for an indicator to begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from candlewick_ui.charts.bars import before
from candlewick_ui.charts.panes import Pane

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    Bar = Mapping[str, Any]

COLUMNS = {Pane.BOLLINGER: "bollinger_middle", Pane.RSI: "rsi", Pane.MACD: "macd", Pane.ATR: "atr"}


@dataclass(frozen=True, slots=True)
class History:
    """What a chart of candles is taken from.

    Attributes:
        asked: candles that were asked for.
        final: final candles there are up to the newest one shown; of many, at least as many as any indicator needs.
        needs: final candles from the first one to the first value of an indicator.
        until: the candles shown open before it, naive UTC; None where they are the newest.
    """

    asked: int
    final: int
    needs: Mapping[Pane, int]
    until: datetime | None = None

    def fewer(self, shown: int) -> list[str]:
        """Return a sentence where there are fewer candles than were asked for."""
        if shown >= self.asked:
            return []
        verb = "is" if shown == 1 else "are"
        return [f"{self.asked:,} candles were asked for; {shown:,} {verb} all there {verb}{before(self.until)}."]

    def cold(
        self,
        bars: Sequence[Bar],
        values: Mapping[datetime, Mapping[str, float | None]],
        panes: Sequence[Pane],
        names: Mapping[Pane, str],
    ) -> dict[Pane, str]:
        """Return a sentence for each pane that has an indicator and not one value of it."""
        shown = [values.get(bar["open_time"], {}) for bar in bars]
        empty = [pane for pane in panes if pane in COLUMNS and all(value.get(COLUMNS[pane]) is None for value in shown)]
        return {pane: self._why(bars, pane, names[pane]) for pane in empty}

    def _why(self, bars: Sequence[Bar], pane: Pane, name: str) -> str:
        if self.final < self.needs[pane]:
            verb = "is" if self.final == 1 else "are"
            return f"{name} needs {self.needs[pane]} final candles; {self.final} {verb} there."
        if not any(bar["is_final"] for bar in bars):
            return f"{name} is of final candles; no candle shown is final yet."
        return f"{name} has no value for the candles shown."
