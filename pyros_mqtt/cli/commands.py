"""All commands together, and the process's way in and out."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import cache

import typer

from pyros_mqtt.cli import (
    access,
    alarms,
    bench,
    broker,
    config,
    dashboard,
    demo,
    deploy,
    describe,
    doctor,
    export,
    gateway,
    home_assistant,
    metrics,
    night,
    people,
    plot,
    query,
    record,
    replay,
    run,
    send,
    spool,
    status,
    tail,
    up,
    upgrade,
    watch,
)
from pyros_mqtt.cli.app import app, leading_globals
from pyros_mqtt.cli.endings import USAGE, Trouble, guarded

_COMMANDS = (
    run,
    up,
    send,
    status,
    watch,
    tail,
    alarms,
    describe,
    record,
    query,
    export,
    plot,
    replay,
    night,
    spool,
    config,
    access,
    broker,
    dashboard,
    people,
    gateway,
    metrics,
    home_assistant,
    doctor,
    bench,
    deploy,
    upgrade,
    demo,
)


def main() -> None:
    """Run the command that the process's arguments name, and end the process."""
    with guarded():
        complete()(leading_globals(decoded(sys.argv[1:])), prog_name="pyros")


@cache
def complete() -> typer.Typer:
    """The command line with every command in it."""
    for one in _COMMANDS:
        one.register(app)
    return app


def decoded(words: Sequence[str]) -> list[str]:
    """Read what the shell has given as UTF-8, whatever the locale says.

    Raises:
        Trouble: bytes that are no text; they could not travel in JSON.
    """
    given = []
    for number, word in enumerate(words, 1):
        data = os.fsencode(word)
        try:
            given.append(data.decode("utf-8"))
        except UnicodeDecodeError:
            shown = ascii(data)[1:]
            raise Trouble(f"argument {number} is no UTF-8 text: {shown}", USAGE) from None
    return given
