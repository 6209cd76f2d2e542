"""All commands together, and the process's way in and out."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import import_module

import typer

from pyros_mqtt.cli.app import GLOBALS, app, leading_globals
from pyros_mqtt.cli.endings import USAGE, Trouble, guarded

COMMANDS = (
    "run",
    "up",
    "send",
    "status",
    "watch",
    "tail",
    "alarms",
    "describe",
    "record",
    "query",
    "export",
    "plot",
    "replay",
    "night",
    "spool",
    "config",
    "access",
    "broker",
    "dashboard",
    "people",
    "gateway",
    "metrics",
    "home-assistant",
    "doctor",
    "bench",
    "deploy",
    "upgrade",
    "demo",
)
"""In the order of the help; each is registered by the file of its name."""


def main() -> None:
    """Run the command that the process's arguments name, and end the process."""
    with guarded():
        words = leading_globals(decoded(sys.argv[1:]))
        _with(asked_for(words))(words, prog_name="pyros")


@cache
def complete() -> typer.Typer:
    """The command line with every command in it."""
    return _with(COMMANDS)


def asked_for(words: Sequence[str]) -> Sequence[str]:
    """Name the command that is called, so that only this one has to be made ready.

    All of them where none is: help lists them, the shell completes them, a slip is near one.
    """
    rest = iter(words)
    for word in rest:
        option, has_value, _ = word.partition("=")
        if option not in GLOBALS:
            return (word,) if word in COMMANDS else COMMANDS
        if not has_value:
            next(rest, None)
    return COMMANDS


def _with(commands: Iterable[str]) -> typer.Typer:
    for one in commands:
        import_module(f"pyros_mqtt.cli.{one.replace('-', '_')}").register(app)
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
