"""The registry of analytics: a file of this folder each, which has a ``PROVIDER``; a new file is a new provider."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache

from candlewick_ui.providers.base import Provider


@lru_cache(maxsize=1)
def registry() -> dict[str, Provider]:
    """Return the providers by name, found in this folder once per process.

    Raises:
        TypeError: a file has no ``PROVIDER``, or two have one name.
    """
    found: dict[str, Provider] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda one: one.name):
        if module.name == "base":
            continue
        provider = getattr(importlib.import_module(f"{__name__}.{module.name}"), "PROVIDER", None)
        if not isinstance(provider, Provider):
            raise TypeError(
                f"expected a PROVIDER in providers/{module.name}.py, got {provider!r}; see providers/base.py"
            )
        if provider.name in found:
            raise TypeError(f"expected one provider named {provider.name}, got two; rename that of {module.name}.py")
        found[provider.name] = provider
    return found
