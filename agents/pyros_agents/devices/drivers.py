"""From the word in the configuration to the driver of a device."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

Driver = TypeVar("Driver")


class DriverError(RuntimeError):
    """A device does not do what its driver was asked for; the text says what it does instead."""


def load(driver: str | Driver, simulator: Callable[..., Driver], **options: Any) -> Driver:
    """Make the driver that the option `driver` of an agent names.

    Args:
        driver: `simulator`, a class written as `package.module:Class`, or a driver made already.
        simulator: the class that stands behind the word `simulator`.
        options: what the class is called with.

    Raises:
        ValueError: the word is neither.
    """
    if not isinstance(driver, str):
        return driver
    if driver == "simulator":
        return simulator(**options)
    module, colon, name = driver.partition(":")
    if not colon:
        raise ValueError(f"driver {driver!r}: write 'simulator' or 'package.module:Class'")
    made: Driver = getattr(import_module(module), name)(**options)
    return made
