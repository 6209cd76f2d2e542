"""What the doctor looks at without the bus: Python, packages, programs, folders, tables."""

from __future__ import annotations

import errno
import importlib.util
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import metadata
from typing import TYPE_CHECKING, Any

from pyros_mqtt.cli.finding import Finding, bad, ok, warn

if TYPE_CHECKING:
    from pyros_mqtt.settings import Settings

OLDEST_PYTHON = (3, 11)
ROOM = 64 * 1024
"""Bytes that have to fit onto the disk of the state folder."""

NEEDED = ("paho-mqtt", "pydantic", "pydantic-settings", "rich", "typer")
OBSERVATORY = ("astropy", "astropy-iers-data", "lxml", "numpy", "pyerfa", "voevent-parse")
WITH_OBSERVATORY = "pip install 'pyros-mqtt[observatory]'"

SOON = 30 * 86_400
"""Seconds before their end at which tables of the Earth's rotation are called old."""


def python() -> Iterator[Finding]:
    """Look at the interpreter."""
    version = platform.python_version()
    if sys.version_info[:2] < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        yield bad(f"Python {version}", f"use Python {oldest} or newer")
    else:
        yield ok(f"Python {version} at {sys.executable}")


def packages() -> Iterator[Finding]:
    """Look for what the library needs, and what the observatory's agents need."""
    versions = {name: _version(name) for name in (*NEEDED, *OBSERVATORY)}
    missing = [name for name in NEEDED if not versions[name]]
    if missing:
        yield bad(f"packages are missing: {', '.join(missing)}", "pip install pyros-mqtt")
    else:
        yield ok("packages: " + ", ".join(f"{name} {versions[name]}" for name in NEEDED))
    absent = [name for name in OBSERVATORY if not versions[name]]
    if absent:
        yield warn(f"the observatory's agents need {', '.join(absent)}", WITH_OBSERVATORY)
    else:
        yield ok("observatory: " + ", ".join(f"{name} {versions[name]}" for name in OBSERVATORY))


def own_broker(settings: Settings | None) -> Iterator[Finding]:
    """Look whether a broker could be started here."""
    from pyros_mqtt.broker.kinds import INSTALL, find_mosquitto

    program = find_mosquitto()
    if program:
        yield ok(f"mosquitto at {program}")
    elif importlib.util.find_spec("iotcore") is not None:
        yield ok("no mosquitto; the embedded broker serves instead")
    elif settings is not None and settings.brokers:
        yield ok("no broker of its own: one is configured")
    else:
        either = f"{INSTALL['mosquitto']}, or {INSTALL['embedded']}, or set PYROS_BROKERS"
        yield bad("no broker is configured, and none could be started", either)


def state_folder(settings: Settings) -> Iterator[Finding]:
    """Write into the state folder, or look whether it can be made; nothing is left behind."""
    folder = settings.state_dir
    try:
        there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
        with tempfile.NamedTemporaryFile(dir=there) as file:
            file.write(bytes(ROOM))
            file.flush()
    except OSError as error:
        mend = "give it to this user, or set PYROS_STATE_DIR to a folder that can be written"
        if error.errno == errno.ENOSPC:
            mend = "make room: until then agents here take only urgent commands"
        yield bad(f"the state folder {folder}: {error.strerror or error}", mend)
    else:
        yield ok(f"the state folder {folder} can be {'written' if there == folder else 'made'}")


def earth_rotation() -> Iterator[Finding]:
    """Look whether astropy can tell sidereal time without the internet, for how long."""
    if not _version("astropy"):
        return
    try:
        table, leap = _tables()
    except Exception as error:  # noqa: BLE001 - whatever astropy cannot read is the finding
        yield bad(f"the tables of the Earth's rotation: {error}", "pip install astropy-iers-data")
        return
    for what, end in (("Earth rotation", table), ("leap seconds", leap)):
        day = time.strftime("%Y-%m-%d", time.gmtime(end))
        left = end - time.time()
        if left > SOON:
            yield ok(f"{what}: known offline until {day}")
        else:
            yield warn(f"{what}: known offline until {day}", "pip install -U astropy-iers-data")


def _tables() -> tuple[float, float]:
    """Give the ends (POSIX seconds) of the tables that are installed."""
    data: Any = importlib.import_module("astropy_iers_data")
    iers: Any = importlib.import_module("astropy.utils.iers")
    rotation = iers.IERS_A.open(data.IERS_A_FILE)
    leap = iers.LeapSeconds.open(data.IERS_LEAP_SECOND_FILE)
    last_day = float(rotation["MJD"][-1].value)
    return (last_day - 40_587) * 86_400, float(leap.expires.unix)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
