"""G3: an action starts at most once an id; dead in the middle, it is reported as interrupted."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator
from dataclasses import replace

from pyros_mqtt.failpoints import FAILPOINTS, Failpoint
from tests.faults import mutants
from tests.faults.builds import HEALTHY
from tests.faults.checker import check
from tests.faults.harness import Harness, RunTrial, Setting, Trial
from tests.faults.site import Bookkeeper, Site, await_end, bookkeeping, side_by_side
from tests.system.own_mosquitto import OwnMosquitto

ROOT = "g3"

AT_ONCE = 5
"""Agents that are killed at the same time, in one trial."""

ENDS: dict[Failpoint, set[str]] = {
    "after_journal": {"done"},
    "after_start": {"interrupted"},
    "after_run": {"interrupted"},
    "after_result": {"done"},
    # a moment later, in which the action may have begun
    "after_ack": {"done", "interrupted"},
}


class Yard:
    """Agents on one broker, each for one kill, and the sender that commands them all."""

    def __init__(self, setting: Setting, broker: OwnMosquitto, keeper: Bookkeeper) -> None:
        self._setting = setting
        self._broker = broker
        self._keeper = keeper

    def _site(self, name: str) -> Site:
        return Site(self._setting, self._broker.url, ROOT, name)

    def fail_everywhere(self, number: int) -> Trial:
        """Let one agent die at each failpoint."""
        names = [f"fails-{number}-{point}" for point in FAILPOINTS]
        told = side_by_side(
            lambda i: self._fail(self._site(names[i]), FAILPOINTS[i]), range(len(FAILPOINTS))
        )
        return Trial(len(FAILPOINTS), [sentence for one in told for sentence in one])

    def _fail(self, site: Site, point: Failpoint) -> list[str]:
        keeper, key = self._keeper, site.name
        with site:
            process = site.start_ready(PYROS_FAIL=point)
            receipt = keeper.post(site.name, "move", key, 0.05)
            died = process.wait(5.0) is not None
            assert died or self._setting.build != HEALTHY, f"{point} was not reached"
            process.kill()
            site.start_ready()
            ends = [await_end(receipt), await_end(keeper.repeat(receipt.command))]
        told = check([*site.notes.news(), *keeper.book(site.name)])
        if not set(ends) <= ENDS[point]:
            told.append(f"{key} has come to {' and '.join(ends)}")
        return told

    def kill_anywhere(self, number: int) -> Trial:
        """Kill each of some agents at any moment while they work."""

        def kill(index: int) -> list[str]:
            site = self._site(f"killed-{number}-{index}")
            return self._kill(site, random.Random(f"{number} {index}"))  # noqa: S311 - a seed

        told = side_by_side(kill, range(AT_ONCE))
        return Trial(AT_ONCE, [sentence for one in told for sentence in one])

    def _kill(self, site: Site, chance: random.Random) -> list[str]:
        keeper = self._keeper
        with site:
            process = site.start_ready()
            receipts = [
                keeper.post(site.name, "move", f"{site.name}-{index}", chance.uniform(0, 0.06))
                for index in range(10)
            ]
            threading.Event().wait(chance.uniform(0, 0.35))
            process.kill()
            site.start_ready()
            for receipt in receipts:
                await_end(receipt)
            again = [keeper.repeat(receipt.command) for receipt in receipts]
            for receipt in again:
                await_end(receipt)
        return check([*site.notes.news(), *keeper.book(site.name)])


@contextlib.contextmanager
def _open(setting: Setting) -> Iterator[Yard]:
    with (
        OwnMosquitto(setting.folder) as broker,
        bookkeeping(broker.url, ROOT, setting.folder) as keeper,
    ):
        yield Yard(setting, broker, keeper)


@contextlib.contextmanager
def _failpoints(setting: Setting) -> Iterator[RunTrial]:
    with _open(setting) as yard:
        yield yard.fail_everywhere


@contextlib.contextmanager
def _random_kills(setting: Setting) -> Iterator[RunTrial]:
    with _open(setting) as yard:
        yield yard.kill_anywhere


FAILS = Harness(
    name="g3-failpoints",
    promise="G3",
    title="An action starts at most once an id; dead in the middle: interrupted",
    full=300,
    gate=5,
    mutants=(
        mutants.NO_DUPLICATE_CHECK,
        mutants.ACCEPTS_AFTER_WORK,
        mutants.RUNS_AGAIN_AFTER_CRASH,
    ),
    open=_failpoints,
)

KILLS = replace(
    FAILS,
    name="g3-random-kills",
    title="An action starts at most once an id, killed at any moment",
    mutants=(mutants.NO_DUPLICATE_CHECK, mutants.RUNS_AGAIN_AFTER_CRASH),
    gate=10,
    open=_random_kills,
)
