"""Our own style sheets and scripts, and Plotly's script out of its package; each address carries what it is a version of.

So a browser may keep them for a year, and has the new ones at once after an upgrade. ES modules of this folder import
one another by relative names, and get the same version.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata, resources
from pathlib import Path

FOLDER = Path(__file__).parent
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
PLOTLY = "plotly.js"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent: plain, and compressed once for all."""

    media_type: str
    plain: bytes
    compressed: bytes


@lru_cache(maxsize=1)
def digest() -> str:
    """Return the version of this folder, of the names and bytes of its files."""
    seen = hashlib.sha256()
    for path in sorted(FOLDER.iterdir()):
        if path.suffix in TYPES:
            seen.update(path.name.encode() + b"\0" + path.read_bytes())
    return seen.hexdigest()[:16]


def address(base: str, name: str) -> str:
    """Return the address of a file of this folder, or of `plotly.js`.

    Raises:
        FileNotFoundError: there is no such file.
    """
    if name == PLOTLY:
        return f"{base}/static/plotly-{metadata.version('plotly')}/{PLOTLY}"
    if not (FOLDER / name).is_file():
        raise FileNotFoundError(f"expected a file of {FOLDER.name}/, got {name}; correct the template")
    return f"{base}/static/{digest()}/{name}"


@lru_cache(maxsize=32)
def asset(version: str, name: str) -> Asset | None:
    """Return a file by what its address says; None when there is none of this version and name."""
    if name == PLOTLY and version == f"plotly-{metadata.version('plotly')}":
        return _asset((resources.files("plotly") / "package_data" / "plotly.min.js").read_bytes(), ".js")
    path = FOLDER / name
    if version != digest() or path.suffix not in TYPES or path.parent != FOLDER or not path.is_file():
        return None
    return _asset(path.read_bytes(), path.suffix)


def _asset(content: bytes, suffix: str) -> Asset:
    return Asset(TYPES[suffix], content, gzip.compress(content, 6, mtime=0))
