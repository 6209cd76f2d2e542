"""G5: no action starts after the deadline of its command, whatever has held it up.

Commands are sent of which many cannot start in time: the agent is busy, frozen, or gone, or its
clock is set meanwhile. One more has all the time in the world and must be done, so that an agent
which starts nothing at all does not pass.
"""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pyros_mqtt import Receipt
from tests.faults import mutants
from tests.faults.checker import check
from tests.faults.clock import Clock
from tests.faults.harness import Harness, RunTrial, Setting, Trial
from tests.faults.history import Event, keys
from tests.faults.site import PATIENCE, Bookkeeper, Site, await_end, bookkeeping, side_by_side
from tests.system.own_mosquitto import OwnMosquitto

ROOT = "g5"

COMMANDS = 20
"""Sent in each trial to each agent."""

AMPLE = 120.0
"""Seconds for which what must be done may start."""

BUSY = 0.8
"""Seconds for which an agent does something else first."""

GRACE = 0.4
"""Seconds that a busy machine may take from the agent's decision to the note of the start."""


class Case:
    """An agent that is busy; others are held up in a further way. One trial at a time."""

    def __init__(self, site: Site, keeper: Bookkeeper) -> None:
        self.site = site
        self.number = 0
        self._receipts: list[Receipt] = []
        self._chance = random.Random()  # noqa: S311 - seeded for each trial
        self._keeper = keeper

    def start(self) -> None:
        """Start the agent."""
        self.site.start_ready()

    def before(self) -> None:
        """Hold the agent up before the commands are sent."""

    def meanwhile(self) -> None:
        """Hold it up while they wait."""

    def afterwards(self) -> None:
        """Let it be as it was."""

    def run(self, number: int) -> list[str]:
        """Send the commands of one trial; what was broken."""
        self.number = number
        self._chance.seed(f"{self.site.name} {number}")
        prefix = f"{self.site.name}-{number}"
        self._keep_busy(f"{prefix}-first")
        self.before()
        self._receipts = [self._post(f"{prefix}-{index}") for index in range(COMMANDS)]
        self.meanwhile()
        for receipt in self._receipts:
            await_end(receipt)
        self.afterwards()
        last = await_end(self._keeper.post(self.site.name, "move", f"{prefix}-last", 0.0, AMPLE))
        told = check(self._events(prefix), grace=GRACE)
        return told if last == "done" else [*told, f"{prefix}-last, which had the time, is {last}"]

    def pause(self, least: float, most: float) -> None:
        """Wait for a moment that depends on the trial."""
        threading.Event().wait(self._chance.uniform(least, most))

    def until_taken(self) -> None:
        """Wait until the agent has accepted the commands, or has found them to be late."""
        for receipt in self._receipts:
            receipt.wait_answered(PATIENCE)

    def _keep_busy(self, key: str) -> None:
        self._keeper.post(self.site.name, "hold", key, BUSY, AMPLE)
        begun = self.site.notes.until(lambda events: key in keys(events, "started"), PATIENCE)
        assert begun, f"{self.site.name} has not begun: see {self.site.folder}"

    def _post(self, key: str) -> Receipt:
        ttl = self._chance.uniform(0.1, 1.5 * BUSY)
        return self._keeper.post(self.site.name, "move", key, 0.002, ttl)

    def _events(self, prefix: str) -> list[Event]:
        """What has happened in this trial."""
        events = [*self.site.notes.news(), *self._keeper.book(self.site.name)]
        return [event for event in events if event.key.startswith(f"{prefix}-")]


class Frozen(Case):
    """The whole process stands still, before or after the commands have reached it."""

    def before(self) -> None:
        if self.number % 2:
            self._freeze()

    def meanwhile(self) -> None:
        self._freeze()
        self.pause(0.1, 1.2)
        if self.site.process is not None:
            self.site.process.thaw()

    def _freeze(self) -> None:
        if self.site.process is not None:
            self.site.process.freeze()


class Killed(Case):
    """It dies after it has accepted them, and is started later."""

    def meanwhile(self) -> None:
        self.pause(0.0, 0.1)
        self.site.kill()
        self.pause(0.0, 1.0)
        self.start()


class Absent(Case):
    """It is gone when they are sent, and is started later."""

    def before(self) -> None:
        self.site.kill()

    def meanwhile(self) -> None:
        self.pause(0.0, 1.0)
        self.start()


class WrongClock(Case):
    """Its wall clock is set while they wait."""

    SET_TO: Sequence[float] = (-3600, 3600, -1, 60, -60, 1)
    """Seconds by which it is wrong then."""

    def __init__(self, site: Site, keeper: Bookkeeper) -> None:
        super().__init__(site, keeper)
        self._clock = Clock(site.folder / "clock")

    def start(self) -> None:
        self.site.start_ready(fresh=True, **self._clock.environment)

    def meanwhile(self) -> None:
        # what arrives later may be late by as much as clocks may differ
        self.until_taken()
        self.pause(0.0, 0.1)
        self._set_clock()

    def afterwards(self) -> None:
        self._clock.set_to(0)

    def _set_clock(self) -> None:
        self._clock.set_to(self.SET_TO[self.number % len(self.SET_TO)])


class WrongClockAfterCrash(WrongClock):
    """It dies after it has accepted them, and is started later, under another clock."""

    SET_TO = (-3600, 3600, -60, 60)

    def meanwhile(self) -> None:
        self.until_taken()
        self.site.kill()
        self._set_clock()
        self.pause(1.0, 1.2)
        self.start()


def _run_side_by_side(cases: Sequence[Case], number: int) -> Trial:
    told = side_by_side(lambda index: cases[index].run(number), range(len(cases)))
    return Trial(len(cases) * COMMANDS, [sentence for one in told for sentence in one])


@contextlib.contextmanager
def _open(setting: Setting, kinds: Sequence[type[Case]]) -> Iterator[RunTrial]:
    with contextlib.ExitStack() as stack:
        broker = stack.enter_context(OwnMosquitto(setting.folder))
        keeper = stack.enter_context(bookkeeping(broker.url, ROOT, setting.folder))
        sites = [Site(setting, broker.url, ROOT, kind.__name__.lower()) for kind in kinds]
        cases = [
            kind(stack.enter_context(site), keeper) for kind, site in zip(kinds, sites, strict=True)
        ]
        side_by_side(lambda index: cases[index].start(), range(len(cases)))
        yield lambda number: _run_side_by_side(cases, number)


DELAYS = Harness(
    name="g5-delays",
    promise="G5",
    title="No action starts after its deadline: its agent is busy, frozen, killed or absent",
    full=1040,
    gate=80,
    mutants=(mutants.EXPIRY_ON_ARRIVAL_ONLY,),
    open=lambda setting: _open(setting, (Case, Frozen, Killed, Absent)),
)

CLOCKS = replace(
    DELAYS,
    name="g5-clocks",
    title="No action starts after its deadline, though the clock of its agent is set",
    full=480,
    gate=80,
    mutants=(mutants.EXPIRY_ON_ARRIVAL_ONLY, mutants.EXPIRY_BY_WALL_CLOCK_ONLY),
    open=lambda setting: _open(setting, (WrongClock, WrongClockAfterCrash)),
    needs=("mosquitto", "faketime"),
)
