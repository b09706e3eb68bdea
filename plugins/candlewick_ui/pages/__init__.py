"""The pages, a file each; a new file with a ``router`` is a new page. How one is made: `frame.py`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache

from fastapi import APIRouter


@lru_cache(maxsize=1)
def routers() -> tuple[APIRouter, ...]:
    """Return the routers of the files in this folder, in the order of their names; files without one are helpers."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found = (getattr(importlib.import_module(f"{__name__}.{name}"), "router", None) for name in names)
    return tuple(router for router in found if isinstance(router, APIRouter))
