"""The API, a file each subject; a new file with a ``router`` is a part of it."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from fastapi import APIRouter

if TYPE_CHECKING:
    from collections.abc import Sequence


def routers() -> Sequence[APIRouter]:
    """Return the routers of the files in this folder, in the order of their names.

    Raises:
        TypeError: a file has no ``router``.
    """
    found = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda one: one.name):
        router = getattr(importlib.import_module(f"{__name__}.{module.name}"), "router", None)
        if not isinstance(router, APIRouter):
            raise TypeError(f"expected a router in routers/{module.name}.py, got {router!r}")
        found.append(router)
    return found
