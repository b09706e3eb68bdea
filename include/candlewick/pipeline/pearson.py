"""Pearson's correlation of every pair of columns at once, over the rows that both have: masked products of matrices.

The same figures as ``pandas.DataFrame.corr(min_periods=…)``, which goes pair by pair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Counts: TypeAlias = npt.NDArray[np.int64]
    Booleans: TypeAlias = npt.NDArray[np.bool_]

# Less of a column's squares than this is left as variance: the difference has lost digits, the pair is done by itself.
CANCELLED = 0.01


def correlations(values: Floats, least: int) -> tuple[Floats, Counts]:
    """Correlate every column with every other one.

    With n, Σ over the rows that have both x and y: r = (Σxy - Σx Σy / n) / √((Σx² - (Σx)² / n) (Σy² - (Σy)² / n))
    (Pearson 1895; `pairwise complete` as in pandas and R).

    Args:
        values: a row per moment, a column per series; NaN where there is none.
        least: rows that both columns of a pair need.

    Returns:
        r, columns x columns, symmetric, 1 on the diagonal; NaN where fewer than ``least`` rows have both, or where one of
        the two does not vary in them. And the numbers of rows that have both.
    """
    import numpy as np

    there = np.isfinite(values)
    mask = there.astype(float)
    rows = mask.T @ mask
    # Around its own mean, a column's squares are of the size of its variance; what is not there adds nothing.
    means = np.where(there, values, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    centred = np.where(there, values - means, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        sums, squares = centred.T @ mask, (centred * centred).T @ mask
        variances = squares - sums * sums / rows
        deviations = np.sqrt(np.maximum(variances, 0.0))
        found = (centred.T @ centred - sums * sums.T / rows) / (deviations * deviations.T)
        doubtful = variances <= CANCELLED * squares
    constant = _constant(values, there)
    found[constant, :] = found[:, constant] = np.nan
    doubtful = (doubtful | doubtful.T) & ~(constant[:, None] | constant) & (rows >= least)
    for one, other in np.argwhere(np.triu(doubtful)).tolist():
        both = there[:, one] & there[:, other]
        found[one, other] = found[other, one] = _of_pair(values[both, one], values[both, other])
    found[rows < least] = np.nan
    found = np.clip(found, -1.0, 1.0)
    np.fill_diagonal(found, np.where(np.isnan(np.diagonal(found)), np.nan, 1.0))
    return found, rows.astype(np.int64)


def _constant(values: Floats, there: Booleans) -> Booleans:
    """Tell which columns hold one value only, or none."""
    import numpy as np

    constant: Booleans = np.where(there, values, np.inf).min(axis=0, initial=np.inf) >= np.where(
        there, values, -np.inf
    ).max(axis=0, initial=-np.inf)
    return constant


def _of_pair(x: Any, y: Any) -> float:
    """Correlate two columns that are whole: first the means, then what is left around them."""
    import numpy as np

    if x.min() == x.max() or y.min() == y.max():
        return float("nan")
    x, y = x - x.mean(), y - y.mean()
    x, y = x - x.mean(), y - y.mean()  # of what the first mean, itself rounded, has left
    return float((x @ y) / (np.sqrt(x @ x) * np.sqrt(y @ y)))
