"""What a test needs of its machine: where it is missing, skip at home and fail in CI."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pyros_mqtt.broker.kinds import INSTALL, find_mosquitto

CLIENTS = ("mosquitto_pub", "mosquitto_sub", "mosquitto_rr")
PROGRAMS = (
    *CLIENTS, "chromium", "docker-compose", "faketime", "ip", "iptables", "nats-server",
    "rabbitmq-server", "redis-server", "systemd-analyze", "tc", "unshare",
)  # fmt: skip
PACKAGES = {
    "ip": "iproute2", "systemd-analyze": "systemd", "tc": "iproute2", "unshare": "util-linux"
}  # fmt: skip
"""Those that are not called as their program is."""

MODULES = {"embedded": "iotcore", "django": "django", "gunicorn": "gunicorn"}
_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
"""Where programs are; Debian has some where users other than root do not look."""

POSTGRES = "/usr/lib/postgresql"

CORPORA = Path(__file__).parent / "faults" / ".corpora"
"""Where `scripts/corpora` puts the collections of bad input that others have gathered."""

ASYNCAPI = Path(__file__).parent / "system" / ".asyncapi" / "parser.js"
"""Where `scripts/asyncapi-parser` puts AsyncAPI's own parser."""

HINTS = {
    "tmpfs": "run the tests as root",
    "corpora": "run scripts/corpora, which needs npm",
    "asyncapi": "run scripts/asyncapi-parser, which needs npm and node",
}


def need(thing: str) -> None:
    """Skip this test where `thing` is missing; with CI=true that is a failure.

    `thing` is "mosquitto", "postgres", one of `PROGRAMS`, or of the keys of `MODULES` or `HINTS`.
    """
    if _is_here(thing):
        return
    told = f"{thing} is missing: {_how_to_get(thing)}"
    if in_ci():
        pytest.fail(told)
    pytest.skip(told)


def _is_here(thing: str) -> bool:
    if thing in _LOOKS:
        return _LOOKS[thing]()
    if thing in PROGRAMS:
        return shutil.which(thing, path=_PATH) is not None
    return importlib.util.find_spec(MODULES[thing]) is not None


@functools.cache
def _may_mount() -> bool:
    """Whether a small disk of a test's own can be had."""
    if shutil.which("mount") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]
        is_mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0  # noqa: S603
        if is_mounted:
            subprocess.run(["umount", folder], check=True)  # noqa: S603, S607
    return is_mounted


def find_postgres() -> Path | None:
    """Find the folder of the newest PostgreSQL's programs; Debian has it off the path."""
    found = [one.parent for one in Path(POSTGRES).glob("*/bin/initdb")]
    return max(found, key=lambda one: int(one.parent.name.split(".")[0]), default=None)


def _how_to_get(thing: str) -> str:
    if thing in HINTS:
        return HINTS[thing]
    if thing in CLIENTS:
        return "apt-get install mosquitto-clients"
    if thing == "postgres":
        return "apt-get install postgresql"
    if thing in PROGRAMS:
        return f"apt-get install {PACKAGES.get(thing, thing)}"
    return str(INSTALL.get(thing, f"pip install {thing}"))


def in_ci() -> bool:
    """Tell whether this runs where everything has to be there."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


_LOOKS: dict[str, Callable[[], bool]] = {
    "mosquitto": lambda: find_mosquitto() is not None,
    "postgres": lambda: find_postgres() is not None,
    "tmpfs": _may_mount,
    "corpora": lambda: (CORPORA / "blns.json").exists() and (CORPORA / "parsing.js").exists(),
    "asyncapi": lambda: ASYNCAPI.exists() and shutil.which("node") is not None,
}
"""How to see whether it is here, for what is neither a program nor a module."""
