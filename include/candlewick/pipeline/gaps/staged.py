"""Read back the candles that objects brought, whether or not dbt has merged them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from candlewick.warehouse.database import Warehouse


def candles(
    warehouse: Warehouse, object_ids: Sequence[int], columns: str, where: str = "1 = 1"
) -> list[tuple[Any, ...]]:
    """Return columns of the staged rows of objects (``processed_files`` joined), by open time."""
    if not object_ids:
        return []
    marks = ", ".join(["%s"] * len(object_ids))
    with warehouse.session() as session:
        return session.all(
            f"SELECT {columns} FROM processed_files AS f JOIN staging_klines AS s ON s.load_id = f.load_id "
            f"AND s.object_id = f.object_id WHERE f.object_id IN ({marks}) AND {where} ORDER BY s.open_time",
            list(object_ids),
        )
