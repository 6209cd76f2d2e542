"""A slice of one harness's trials, in a process of its own.

So a trial that hangs, or takes the interpreter down, costs itself and not the soak; and what trials
leave in memory is gone after each slice. Trials come through a pipe as they end, and the next one
begins when the soak asks for it, so that none has been run which is not in the report. If the soak
itself is killed, the process ends with the trial that it is at.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from tests.faults.harness import Harness, Setting, Trial, trials
from tests.need import need

HANGS = 3600.0
"""Seconds without the end of a trial after which it is given up."""

GO_ON = "go on"

TIDY = 30.0
"""Seconds in which a slice has to take down what it has set up."""

_CONTEXT = multiprocessing.get_context("fork")  # harnesses hold functions that cannot be pickled


@dataclass(frozen=True, slots=True)
class Failed:
    """A trial that could not be judged."""

    why: str


@dataclass(frozen=True, slots=True)
class Missing:
    """The harness cannot run on this machine."""

    what: str


News = Trial | Failed | Missing


@dataclass(frozen=True, slots=True)
class Slice:
    """Which trials to run: `count` at most from number `begun` on, and none after `seconds`."""

    harness: Harness
    count: int
    begun: int = 0
    seconds: float = float("inf")
    build: str = "healthy"


def run(piece: Slice, *, hangs: float = HANGS) -> Iterator[News]:
    """Run a slice; gives each trial when it has ended, and begins the next when asked for it.

    The iterator may be closed at any time; then the slice is ended.
    """
    here, there = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=_work, args=(piece, here, there))
    process.start()
    there.close()
    patience = 0.0
    try:
        yield from _news(here, process, hangs)
        patience = TIDY
    except GeneratorExit:  # no trial runs while we are not asked for one: it ends by itself
        patience = TIDY
        raise
    finally:
        here.close()
        _end(process, patience)


def _news(
    here: Connection, process: multiprocessing.context.ForkProcess, hangs: float
) -> Iterator[News]:
    while True:
        if not here.poll(hangs):
            yield Failed(f"no end of a trial within {hangs:g} s")
            return
        try:
            news = here.recv()
        except EOFError:
            process.join(TIDY)
            if process.exitcode:
                yield Failed(f"the harness's process ended with exit code {process.exitcode}")
            return
        if news is None:
            return
        yield news
        if isinstance(news, Trial):
            here.send(GO_ON)


def _end(process: multiprocessing.context.ForkProcess, patience: float) -> None:
    """Let it tidy up, and then end it with all that it has started."""
    process.join(patience)
    if process.is_alive() and process.pid is not None:
        os.kill(process.pid, signal.SIGINT)
        process.join(TIDY)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if process.pid is not None:
            os.killpg(process.pid, signal.SIGKILL)
    process.join()


# -- in the slice's own process -----------------------------------------------------------------


def _work(piece: Slice, other_end: Connection, conn: Connection) -> None:
    os.setsid()  # one group with all that it starts; a Ctrl-C in the terminal is ours to hand on
    other_end.close()
    with contextlib.suppress(KeyboardInterrupt, EOFError, OSError):  # the soak is gone
        try:
            for thing in piece.harness.needs:
                need(thing)
            _run_trials(piece, conn)
        except (pytest.skip.Exception, pytest.fail.Exception) as absence:
            conn.send(Missing(str(absence)))
        except Exception as error:  # noqa: BLE001 - whatever it is, the soak goes on
            conn.send(Failed(_where(error)))
        conn.send(None)


def _run_trials(piece: Slice, conn: Connection) -> None:
    until = time.monotonic() + piece.seconds
    with tempfile.TemporaryDirectory(prefix="pyros-soak-") as folder:
        setting = Setting(Path(folder), piece.build)
        with contextlib.closing(trials(piece.harness, setting, piece.count, piece.begun)) as each:
            for trial in each:
                conn.send(trial)
                conn.recv()
                if time.monotonic() >= until:
                    return


def _where(error: Exception) -> str:
    """One line that tells what went wrong, and where."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
