"""All commands together, and the process's way in and out."""

from __future__ import annotations

import sys

from pyros_mqtt.cli import (
    broker,
    config,
    demo,
    describe,
    doctor,
    gateway,
    run,
    send,
    spool,
    status,
    tail,
    up,
    watch,
)
from pyros_mqtt.cli.app import app, leading_globals
from pyros_mqtt.cli.endings import guarded

_COMMANDS = (
    run,
    up,
    send,
    status,
    watch,
    tail,
    describe,
    spool,
    config,
    broker,
    gateway,
    doctor,
    demo,
)


def main() -> None:
    """Run the command that the process's arguments name, and end the process."""
    for one in _COMMANDS:
        one.register(app)
    with guarded():
        app(leading_globals(sys.argv[1:]), prog_name="pyros")
