"""How a command ends: exit codes, and one line instead of a traceback."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import typer

from pyros_mqtt.cli.log_form import Complaint, Record
from pyros_mqtt.cli.show import printable
from pyros_mqtt.errors import (
    BadName,
    NoAnswer,
    NobodyListens,
    PyrosError,
    SettingsError,
    Unreachable,
)

FAILED = 1
"""It did not go well: failed, rejected, or something is wrong."""
USAGE = 2
"""The command line or the configuration is wrong."""
NO_ANSWER = 3
"""Nobody answered, or no broker could be reached."""
INTERRUPTED = 130
"""Ctrl-C, as shells count it."""


class Trouble(PyrosError):
    """Something that ends a command, in words for people, with its exit code."""

    def __init__(self, text: str, code: int = FAILED) -> None:
        super().__init__(text)
        self.code = code


def code_of(error: Exception) -> int:
    """Choose the exit code for an error."""
    if isinstance(error, Trouble):
        return error.code
    if isinstance(error, SettingsError | BadName):
        return USAGE
    if isinstance(error, NobodyListens | NoAnswer | Unreachable):
        return NO_ANSWER
    return FAILED


def complain(text: object) -> None:
    """Tell what is wrong, on standard error; further lines are indented."""
    typer.echo("pyros: " + printable(str(text)).replace("\n", "\n  "), err=True)


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Turn whatever goes wrong into words and an exit code; PYROS_DEBUG=1 shows tracebacks."""
    _open_what_is_closed()
    debug = os.environ.get("PYROS_DEBUG", "") not in {"", "0"}
    _set_up_logging(debug=debug)
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        _leave_the_pipe()
    except OSError as error:
        if debug:
            raise
        complain(error)
        sys.exit(FAILED)
    except Exception as error:
        if debug:
            raise
        if isinstance(error, PyrosError):
            complain(error)
        else:
            what = f"{type(error).__name__}: {error}"
            complain(f"{what}\nPYROS_DEBUG=1 shows where this happened")
        sys.exit(code_of(error))


def _open_what_is_closed() -> None:
    """Let a stream that the shell has closed (`>&-`) lead nowhere, as Python has none for it."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - as long as we live


def _leave_the_pipe() -> None:
    """Whoever read us has gone: end in silence, also when Python flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(FAILED)


def _set_up_logging(*, debug: bool) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(Record() if debug else Complaint())
    logging.basicConfig(level=logging.DEBUG if debug else logging.ERROR, handlers=[handler])
