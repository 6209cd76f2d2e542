"""What a test needs of its machine: where it is missing, skip at home and fail in CI."""

from __future__ import annotations

import importlib.util
import os
import shutil

import pytest

from pyros_mqtt.broker.kinds import INSTALL, find_mosquitto

CLIENTS = ("mosquitto_pub", "mosquitto_sub", "mosquitto_rr")
MODULES = ("django", "gunicorn")


def need(thing: str) -> None:
    """Skip this test where `thing` is missing; with CI=true that is a failure.

    `thing` is "mosquitto", "embedded", one of the clients in `CLIENTS`, or of `MODULES`.
    """
    present = {
        "mosquitto": lambda: find_mosquitto() is not None,
        "embedded": lambda: importlib.util.find_spec("iotcore") is not None,
    } | {name: lambda name=name: shutil.which(name) is not None for name in CLIENTS}
    install = INSTALL | {name: f"pip install {name}" for name in MODULES}
    if thing in MODULES:
        present[thing] = lambda: importlib.util.find_spec(thing) is not None
    if present[thing]():
        return
    told = f"{thing} is missing: {install.get(thing, 'apt-get install mosquitto-clients')}"
    if in_ci():
        pytest.fail(told)
    pytest.skip(told)


def in_ci() -> bool:
    """Tell whether this runs where everything has to be there."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}
