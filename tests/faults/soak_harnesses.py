"""Small harnesses that need nothing, to put the soak itself to the test.

What they do is told by variables of the environment, since they run in processes of the soak.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from tests.faults.harness import Harness, RunTrial, Setting, Trial

DIARY = "SOAK_DIARY"
"""A file in which each trial leaves a line: harness, build, number."""

DEED = "SOAK_DEED"
"""`MESS:NUMBER`: what happens in the steady harness at the trial of this number."""


def _steady(number: int, setting: Setting) -> Trial:
    if setting.build == "forgetful":
        return Trial(2, ["it forgot <b>one</b>"] if number == 1 else [])
    _mess(number)
    return Trial(2, figures={"latency": 0.001 * (number + 1)})


def _mess(number: int) -> None:
    deed, _, when = os.environ.get(DEED, "").partition(":")
    if when != str(number):
        return
    if deed == "raise":
        raise RuntimeError("the proxy has gone")
    if deed == "die":
        os._exit(7)
    if deed == "kill-soak":
        os.kill(os.getppid(), signal.SIGKILL)
        threading.Event().wait(0.5)  # until it is gone: only then does this trial end
    if deed == "ctrl-c":
        os.kill(os.getppid(), signal.SIGINT)
        threading.Event().wait(30)


def _shaky(number: int, setting: Setting) -> Trial:
    if setting.build == "slow":
        return Trial(figures={"seconds": 9.0})
    broken = ["<i>lost</i> a command"] if os.environ.get("SOAK_BREAK") and number == 1 else []
    return Trial(1, broken, {"seconds": 0.1})


def _opened(
    name: str, trial: Callable[[int, Setting], Trial]
) -> Callable[[Setting], AbstractContextManager[RunTrial]]:
    @contextlib.contextmanager
    def open_it(setting: Setting) -> Iterator[RunTrial]:
        def run(number: int) -> Trial:
            with Path(os.environ[DIARY]).open("a") as diary:
                diary.write(f"{name} {setting.build} {number}\n")
            return trial(number, setting)

        yield run

    return open_it


HARNESSES = (
    Harness(
        name="t1-steady",
        promise="T1",
        title="nothing is lost & nothing <grows>",
        full=20,
        gate=6,
        mutants=("forgetful",),
        open=_opened("t1-steady", _steady),
        limits={"latency": (99, 0.5)},
        needs=(),
    ),
    Harness(
        name="t2-shaky",
        promise="T2",
        title="an answer comes in time",
        full=5,
        gate=3,
        mutants=("slow", *filter(None, [os.environ.get("SOAK_MORE_MUTANTS")])),
        open=_opened("t2-shaky", _shaky),
        limits={"seconds": (100, float(os.environ.get("SOAK_LIMIT", "1")))},
        needs=tuple(filter(None, [os.environ.get("SOAK_NEEDS")])),
    ),
)
