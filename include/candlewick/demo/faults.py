"""Faults on demand: which of them strikes which request."""

import random
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from candlewick.demo.corruption import VARIANTS
from candlewick.demo.gaps import Gap

STATUSES = ("429", "418", "451", "403", "404", "500", "503", "504")
BODIES = ("cutoff", "garbage", "html", "empty")
ROWS = ("duplicates", "shuffled", "late_revision", "bad_rows", "republished")
FILES = ("truncated", "header", "corrupt_zip", "bad_checksum", "bare_checksum")
GAPS = ("outage", "flat", "hole")
KINDS = (*STATUSES, *BODIES, *ROWS, *FILES, *GAPS, "slow")
CHECKSUMS = ("damaged", "true")


@dataclass
class Fault:
    """One fault as the control API takes it; see ``control`` for what each kind does."""

    kind: str
    path: str = ""
    """Strikes requests whose path contains this."""
    suffix: str = ""
    """Strikes requests whose path ends with this, e.g. ``.zip`` or ``.CHECKSUM``."""
    symbol: str = ""
    interval: str = ""
    host: str = ""
    """Strikes requests whose Host header contains this, e.g. ``localhost`` or ``:18081``."""
    count: int | None = None
    """Strikes this many times, then never again; None is for ever."""
    probability: float = 1.0
    seed: int = 0
    seconds: float = 1.0
    retry_after: int | None = None
    start: int = 0
    """Beginning of an outage, flat span or hole, epoch ms; ``end`` is exclusive."""
    end: int = 0
    variants: tuple[str, ...] = VARIANTS
    """For bad_rows: the n-th row named here goes wrong in the n-th way."""
    rows: int = 230
    """For truncated: how many rows the file has."""
    checksum_of: str = "damaged"
    """For corrupt_zip: the bytes whose sha256 the checksum file names, ``damaged`` or ``true`` ones."""
    struck: int = 0
    _random: random.Random = field(default_factory=random.Random, repr=False)

    def __post_init__(self) -> None:
        self.kind = str(self.kind)
        self.variants = tuple(self.variants)
        if self.kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}, not {self.kind!r}")
        if unknown := set(self.variants) - set(VARIANTS):
            raise ValueError(f"variants are among {', '.join(VARIANTS)}, not {', '.join(sorted(unknown))}")
        if self.checksum_of not in CHECKSUMS:
            raise ValueError(f"checksum_of is one of {', '.join(CHECKSUMS)}, not {self.checksum_of!r}")
        if self.kind in GAPS and self.end <= self.start:
            raise ValueError(f"{self.kind} wants start < end in epoch milliseconds, not {self.start} and {self.end}")
        self._random.seed(self.seed)

    def strikes(self, path: str, query: dict[str, str], host: str) -> bool:
        """Whether this request is hit; being hit uses up one of ``count``."""
        if self.kind in GAPS or (self.count is not None and self.struck >= self.count):
            return False
        if self.path not in path or not path.endswith(self.suffix) or self.host not in host:
            return False
        if (self.symbol or self.interval) and not self._concerns(path, query):
            return False
        if self.probability < 1 and self._random.random() >= self.probability:
            return False
        self.struck += 1
        return True

    def gap(self) -> Gap:
        """The span of time it takes away."""
        return Gap.between(self.start, self.end, self.kind)  # type: ignore[arg-type]  # checked to be one of GAPS

    def as_dict(self) -> dict[str, Any]:
        """As the control API shows it."""
        return {name: value for name, value in asdict(self).items() if not name.startswith("_")}

    def _concerns(self, path: str, query: dict[str, str]) -> bool:
        parts = path.split("/")
        return (not self.symbol or self.symbol == query.get("symbol") or self.symbol in parts) and (
            not self.interval or self.interval == query.get("interval") or self.interval in parts
        )


class Faults:
    """All faults in force."""

    def __init__(self) -> None:
        self.all: list[Fault] = []

    def add(self, items: Iterable[dict[str, Any]]) -> None:
        """Raises ValueError or TypeError for a fault that makes no sense; then none of the items is added."""
        self.all += [Fault(**item) for item in items]

    def clear(self) -> None:
        """Mend everything."""
        self.all.clear()

    def striking(self, path: str, query: dict[str, str], host: str) -> list[Fault]:
        """Those that hit this request."""
        return [fault for fault in self.all if fault.strikes(path, query, host)]

    def gaps(self, symbol: str) -> tuple[Gap, ...]:
        """Outages, flat spans and holes of this symbol."""
        return tuple(fault.gap() for fault in self.all if fault.kind in GAPS and fault.symbol in ("", symbol))
