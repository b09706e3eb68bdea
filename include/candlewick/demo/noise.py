"""Random numbers that are a function of their position: any point of history costs the same as the newest one.

``brownian`` is Lévy's construction of a Brownian path: hashed anchors on a coarse lattice, then midpoints displaced
level by level. A point depends only on its own anchors, so no history has to be walked through.
"""

import hashlib
from functools import lru_cache

import numpy as np  # noqa: TID253 - no DAG imports the simulated exchange
import numpy.typing as npt  # noqa: TID253 - likewise

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
HashArray = npt.NDArray[np.uint64]

_MASK = (1 << 64) - 1
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_SHIFT_30, _SHIFT_27, _SHIFT_31 = np.uint64(30), np.uint64(27), np.uint64(31)
_LOW_16 = np.uint64(0xFFFF)
# Spans shorter than 2**10 points begin at remembered points of that level.
_ANCHOR_LEVEL = 10
# Four 16-bit uniforms added up: mean 4 * 32767.5, standard deviation 2 * 65536 / sqrt(12).
_SUM_MEAN, _SUM_DEVIATION = 131070.0, 37837.0


def key_of(*parts: object) -> int:
    """A 64-bit key for a named stream of numbers, the same in every process (unlike ``hash``)."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def hashes(key: int, first: int, count: int, step: int = 1) -> HashArray:
    """64 random bits for each of the positions first, first + step, … (splitmix64's finaliser)."""
    x = np.arange(first, first + count * step, step, dtype=np.uint64)
    x *= _GOLDEN
    x += np.uint64(key & _MASK)
    x ^= x >> _SHIFT_30
    x *= _MIX_1
    x ^= x >> _SHIFT_27
    x *= _MIX_2
    x ^= x >> _SHIFT_31
    return x


def field(bits: HashArray, index: int) -> FloatArray:
    """The index-th (0..3) 16-bit field of each hash as a number in [0, 1)."""
    return ((bits >> np.uint64(16 * index)) & _LOW_16).astype(np.float64) / 65536.0


def normals(key: int, first: int, count: int, step: int = 1) -> FloatArray:
    """Nearly normal numbers, mean 0, deviation 1, never beyond ±3.5 (so that a price stays in its decade)."""
    bits = hashes(key, first, count, step)
    total = bits & _LOW_16
    for shift in (16, 32, 48):
        total = total + ((bits >> np.uint64(shift)) & _LOW_16)
    return (total.astype(np.float64) - _SUM_MEAN) / _SUM_DEVIATION


def brownian(key: int, first: int, last: int, levels: int, amplitudes: tuple[float, ...]) -> FloatArray:
    """The path at the lattice points first..last inclusive.

    ``amplitudes[k]`` is the deviation of the midpoints put in at level k (spacing 2**k points);
    ``amplitudes[levels]`` that of the anchors, which stand 2**levels points apart.
    """
    if last - first < 1 << _ANCHOR_LEVEL < 1 << levels:
        anchors = range(first >> _ANCHOR_LEVEL, (last >> _ANCHOR_LEVEL) + 2)
        path = np.array([_anchor(key, index, levels, amplitudes) for index in anchors])
        return _refined(path, key, first, last, _ANCHOR_LEVEL, 0, amplitudes)
    return _from_the_top(key, first, last, levels, 0, amplitudes)


@lru_cache(maxsize=8192)
def _anchor(key: int, index: int, levels: int, amplitudes: tuple[float, ...]) -> float:
    """The path at one point of the lattice of ``_ANCHOR_LEVEL``: the newest candles of a symbol share two of them."""
    point = index << _ANCHOR_LEVEL
    return float(_from_the_top(key, point, point, levels, _ANCHOR_LEVEL, amplitudes)[0])


def _from_the_top(
    key: int, first: int, last: int, levels: int, bottom: int, amplitudes: tuple[float, ...]
) -> FloatArray:
    low, high = first >> levels, (last >> levels) + 1
    path = normals(key + levels, low, high - low + 1) * amplitudes[levels]
    return _refined(path, key, first, last, levels, bottom, amplitudes)


def _refined(
    path: FloatArray, key: int, first: int, last: int, top: int, bottom: int, amplitudes: tuple[float, ...]
) -> FloatArray:
    """From the points of level ``top`` around first..last down to those of level ``bottom``."""
    low = first >> top
    for level in range(top - 1, bottom - 1, -1):
        finer = np.empty(2 * path.size - 1)
        finer[0::2] = path
        middle = path[:-1] + path[1:]
        middle *= 0.5
        middle += normals(key + level, 2 * low + 1, middle.size, 2) * amplitudes[level]
        finer[1::2] = middle
        origin = 2 * low
        low, high = first >> level, (last >> level) + 1
        path = finer[low - origin : high - origin + 1]
    return path[: (last >> bottom) - (first >> bottom) + 1]
