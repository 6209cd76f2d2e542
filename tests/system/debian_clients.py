"""Debian's own MQTT clients, run for real."""

from __future__ import annotations

import shutil
import subprocess

from pyros_mqtt.settings import BrokerUrl
from tests.need import need


def command(url: BrokerUrl, program: str, *words: str) -> list[str]:
    """The command line of one of them, for this broker."""
    need(program)
    return [shutil.which(program) or program, "-h", url.host, "-p", str(url.port), *words]


def run(url: BrokerUrl, program: str, *words: str, timeout: float = 20) -> str:
    """Run one of them to its end, and give what it printed."""
    return subprocess.run(  # noqa: S603 - mosquitto's own client
        command(url, program, *words), capture_output=True, text=True, check=True, timeout=timeout
    ).stdout
