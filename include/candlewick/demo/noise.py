"""Random numbers that are a function of their position: any point of history costs the same as the newest one.

``brownian`` is Lévy's construction of a Brownian path: hashed anchors on a coarse lattice, then midpoints displaced
level by level. A point depends only on its own anchors, so no history has to be walked through.
"""

import hashlib

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
    low, high = first >> levels, (last >> levels) + 1
    path = normals(key + levels, low, high - low + 1) * amplitudes[levels]
    for level in range(levels - 1, -1, -1):
        finer = np.empty(2 * path.size - 1)
        finer[0::2] = path
        middle = path[:-1] + path[1:]
        middle *= 0.5
        middle += normals(key + level, 2 * low + 1, middle.size, 2) * amplitudes[level]
        finer[1::2] = middle
        origin = 2 * low
        low, high = first >> level, (last >> level) + 1
        path = finer[low - origin : high - origin + 1]
    return path[: last - first + 1]
