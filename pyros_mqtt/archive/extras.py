"""Packages that an extra brings, imported where they are first needed."""

from __future__ import annotations

import contextlib
import importlib
import warnings
from collections.abc import Iterator
from typing import Any

from pyros_mqtt.errors import MissingExtra


def bring(module: str, what: str, extra: str) -> Any:
    """Import a module of an extra.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        raise MissingExtra(what, extra) from None


@contextlib.contextmanager
def dubious_years() -> Iterator[None]:
    """Let astropy pass over years before UTC, or whose leap seconds nobody knows yet."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "ERFA function .*dubious year")
        yield
