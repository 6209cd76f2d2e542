"""How each kind of broker is started: mosquitto from the system, or rumqttd out of a package."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pyros_mqtt.broker.ports import LOOPBACK
from pyros_mqtt.errors import PyrosError

Kind = Literal["mosquitto", "embedded"]

INSTALL = {
    "mosquitto": "apt-get install mosquitto",
    "embedded": "pip install 'pyros-mqtt[embedded]'",
}

# Debian puts daemons where the search path of ordinary users does not look.
_DAEMON_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")

# rumqttd logs an error for each packet, and more than it can say in time of peace.
_EMBEDDED = """
import logging, sys
logging.disable(logging.CRITICAL)
from iotcore import Broker
port, limit = map(int, sys.argv[1:])
Broker(port=port, listen="127.0.0.1", max_payload_size=limit).run_forever()
"""

_PACKET_LIMIT = 2 * 1024 * 1024  # as max_packet_size in mosquitto.conf


class NoBroker(PyrosError):
    """No broker could be started; the text says why, and what to install or to change."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to run for a broker, and how it is called."""

    name: str
    command: tuple[str, ...]


def recipe(kind: Kind, port: int, folder: Path) -> Recipe:
    """Make everything ready to start a broker on a port of the loopback.

    `folder` takes the configuration file; it may vanish once the broker answers.

    Raises:
        NoBroker: this kind is not installed.
    """
    return _mosquitto(port, folder) if kind == "mosquitto" else _embedded(port)


def configuration(port: int, host: str = LOOPBACK) -> str:
    """Give the text of mosquitto.conf, for another port, and for another host in a container."""
    here = Path(__file__).resolve().parent.parent
    installed, checkout = here / "mosquitto.conf", here.parent / "mosquitto" / "mosquitto.conf"
    text = (installed if installed.is_file() else checkout).read_text("utf-8")
    return re.sub(r"^listener .*$", f"listener {port} {host}", text, count=1, flags=re.MULTILINE)


def find_mosquitto() -> str | None:
    """Find mosquitto's program on this machine."""
    folders = os.pathsep.join([os.environ.get("PATH", os.defpath), *_DAEMON_FOLDERS])
    return shutil.which("mosquitto", path=folders)


def _mosquitto(port: int, folder: Path) -> Recipe:
    program = find_mosquitto()
    if program is None:
        raise NoBroker(f"mosquitto is not installed: {INSTALL['mosquitto']}")
    file = folder / "mosquitto.conf"
    file.write_text(configuration(port), "utf-8")
    said = subprocess.run([program, "-h"], capture_output=True, text=True, check=False)  # noqa: S603
    version = re.search(r"version (\S+)", said.stdout)
    name = f"mosquitto {version[1]}" if version else "mosquitto"
    return Recipe(name, (program, "-c", str(file)))


def _embedded(port: int) -> Recipe:
    if importlib.util.find_spec("iotcore") is None:
        raise NoBroker(f"the embedded broker is not installed: {INSTALL['embedded']}")
    # -P: a file named iotcore.py in the current folder must not stand in for the package.
    command = (sys.executable, "-P", "-c", _EMBEDDED, str(port), str(_PACKET_LIMIT))
    return Recipe("embedded rumqttd", command)
