"""Recorded archive files read into rows: milliseconds, decimals as they were written."""

import csv
import io
import json
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from candlewick.demo.rows import Row

_NAME = re.compile(r"^(?P<symbol>[A-Z0-9]+)-(?P<interval>\d+(?:[mhdw]|mo))-\d{4}-\d{2}(?:-\d{2})?$")
# Epoch milliseconds stay below this until the year 5138; microseconds are above it since 1973.
_MICROSECONDS_ABOVE = 10**14


@dataclass
class Recordings:
    """All recordings under one folder, by file name and by (symbol, interval)."""

    files: dict[str, Path] = field(default_factory=dict)
    rows_of_file: dict[str, list[Row]] = field(default_factory=dict)
    rows: dict[tuple[str, str], dict[int, Row]] = field(default_factory=dict)
    """Rows by open time, ascending."""
    books: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def symbols(self) -> list[str]:
        """Every symbol with candles."""
        return sorted({symbol for symbol, _ in self.rows})


def read(folder: Path) -> Recordings:
    """Every ``SYMBOL-interval-date.zip`` anywhere below, and ``depth/SYMBOL.json``.

    Raises:
        ValueError: when there is no such file, or a CSV is not what the archive publishes.
    """
    found = Recordings()
    for path in sorted(folder.rglob("*.zip"), key=lambda path: path.stem):
        name = _NAME.match(path.stem)
        if not name:
            continue
        interval = name["interval"].replace("mo", "M")
        rows = _rows(path)
        found.files[path.stem] = path
        found.rows_of_file[path.stem] = rows
        found.rows.setdefault((name["symbol"], interval), {}).update({row[0]: row for row in rows})
    if not found.files:
        raise ValueError(f"expected archive files like BTCUSDT-1m-2023-03-24.zip somewhere below {folder}, found none")
    for key, rows_by_time in found.rows.items():
        found.rows[key] = dict(sorted(rows_by_time.items()))
    for path in sorted(folder.glob("depth/*.json")):
        found.books[path.stem] = json.loads(path.read_text())
    return found


def _rows(path: Path) -> list[Row]:
    with zipfile.ZipFile(path) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    rows = []
    for line, cells in enumerate(csv.reader(io.StringIO(text)), start=1):
        if cells and cells[0].isdigit():
            rows.append(
                [_milliseconds(cells[0]), *cells[1:6], _milliseconds(cells[6]), cells[7], int(cells[8]), *cells[9:]]
            )
        elif line > 1:
            raise ValueError(
                f"{path.name} line {line}: expected twelve fields beginning with a time, found {cells[:2]}"
            )
    return rows


def _milliseconds(stamp: str) -> int:
    value = int(stamp)
    return value // 1000 if value > _MICROSECONDS_ABOVE else value
