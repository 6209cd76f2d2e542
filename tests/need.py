"""What a test needs of its machine: where it is missing, skip at home and fail in CI."""

from __future__ import annotations

import importlib.util
import os
import shutil

import pytest

from pyros_mqtt.broker.kinds import INSTALL, find_mosquitto

CLIENTS = ("mosquitto_pub", "mosquitto_sub", "mosquitto_rr")
PROGRAMS = (*CLIENTS, "redis-server", "chromium")
MODULES = {"embedded": "iotcore", "django": "django", "gunicorn": "gunicorn"}


def need(thing: str) -> None:
    """Skip this test where `thing` is missing; with CI=true that is a failure.

    `thing` is "mosquitto", one of `PROGRAMS`, or of the keys of `MODULES`.
    """
    if _is_here(thing):
        return
    told = f"{thing} is missing: {_how_to_get(thing)}"
    if in_ci():
        pytest.fail(told)
    pytest.skip(told)


def _is_here(thing: str) -> bool:
    if thing == "mosquitto":
        return find_mosquitto() is not None
    if thing in PROGRAMS:
        return shutil.which(thing) is not None
    return importlib.util.find_spec(MODULES[thing]) is not None


def _how_to_get(thing: str) -> str:
    if thing in CLIENTS:
        return "apt-get install mosquitto-clients"
    if thing in PROGRAMS:
        return f"apt-get install {thing}"
    return str(INSTALL.get(thing, f"pip install {thing}"))


def in_ci() -> bool:
    """Tell whether this runs where everything has to be there."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}
