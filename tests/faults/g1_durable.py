"""G1: what was sent durably comes to an end, whoever is killed meanwhile.

A trial is some rounds side by side. A round has a broker, an agent and a sender of its own; each of
them is killed while the sender hands in its commands and the agent works on them, and is started
again. In the end each command that the sender was told to be on its disk must have been reported.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from pyros_mqtt.failpoints import FAILPOINTS, Failpoint
from pyros_mqtt.sender import spool_path
from pyros_mqtt.spool import LEASE, Spool
from tests.faults import mutants
from tests.faults.checker import check
from tests.faults.harness import Figures, Harness, RunTrial, Setting, Trial
from tests.faults.history import Event, keys
from tests.faults.inquiry import Question, ask_for_ends
from tests.faults.processes import Process, environment
from tests.faults.site import PATIENCE, Site, side_by_side, was_ready
from tests.system.own_mosquitto import OwnMosquitto

ROOT, AGENT, SENDER = "g1", "dome", "ops"

COMMANDS = 20
AT_ONCE = 5
"""Rounds that go on side by side."""

RESUMED = "seconds from the last restart to the next start of an action"

BROKERS: tuple[dict[str, str], ...] = (
    {},  # as the project configures it: it remembers nothing
    {"persistence": "true"},
    {"persistence": "true", "autosave_interval": "1", "autosave_on_changes": "true"},
)
"""Options of the brokers, in turn; the promise rests on none of them."""


class Round:
    """One round: everything that takes part in it, and what befalls it."""

    def __init__(self, setting: Setting, number: int, index: int) -> None:
        self._chance = random.Random(f"{number} {index}")  # noqa: S311 - a seed
        self._folder = setting.folder / f"round-{number}-{index}"
        self._folder.mkdir()
        options = dict(BROKERS[(number + index) % len(BROKERS)])
        if options:
            options["persistence_location"] = f"{self._folder}/"
        self._broker = OwnMosquitto(self._folder, **options)
        own = Setting(self._folder, setting.build)
        self._site = Site(own, self._broker.url, ROOT, AGENT)
        self._state = self._folder / SENDER
        self._environment = environment(own, self._broker.url, ROOT, self._state)
        self._plan = self._folder / "plan"
        self._sender: Process | None = None
        self._name = f"{number}-{index}"
        # turned so that some rounds of a trial begin with each
        self._failpoint: Failpoint = FAILPOINTS[(number + index + 3) % len(FAILPOINTS)]
        strikes: list[Callable[[], None]] = [
            self._freeze_and_kill_agent,
            self._let_agent_fail,
            self._kill_agent_at_work,
            self._kill_sender,
            self._kill_broker,
            self._kill_everything,
        ]
        first = strikes.pop((number * AT_ONCE + index) % len(strikes))
        self._chance.shuffle(strikes)
        self._strikes = [first, *strikes]

    def run(self) -> tuple[list[str], int, Figures]:
        """Play it; what was broken, how many commands were promised, and what was measured."""
        self._write_plan()
        with self._broker, self._site:
            try:
                self._site.start_ready()
                self._start_sender()
                self._await("durable", 1)
                for strike in self._strikes:
                    strike()
                    self._pause(0.3)
                return self._judge(time.monotonic())
            finally:
                if self._sender is not None:
                    self._sender.kill()

    # -- what befalls it ------------------------------------------------------------------------

    def _freeze_and_kill_agent(self) -> None:
        """What has reached its socket meanwhile is gone, though the broker has delivered it."""
        if self._site.process is not None:
            self._site.process.freeze()
        self._pause(0.1, least=0.2)
        self._site.kill()
        self._pause(0.3)
        self._site.start()

    def _let_agent_fail(self) -> None:
        self._site.kill()
        path = spool_path(self._state, ROOT)
        before = _oldest(path)
        agent = self._site.start(PYROS_FAIL=self._failpoint)
        notes = self._site.notes
        notes.until(lambda events: not agent.is_alive or was_ready(events, agent.pid), PATIENCE)
        # a sender that was killed may leave its commands to nobody for as long as its lease lasts
        notes.until(lambda events: not agent.is_alive or _has_nothing_left(events), LEASE + 1)
        agent.kill()
        # what it has accepted in its last moment is off the sender's disk, and must not be lost
        _until(lambda: _oldest(path) != before, 2.0)
        self._pause(0.2)
        self._site.start()

    def _kill_agent_at_work(self) -> None:
        begun = len(keys(self._site.notes.news(), "started"))
        self._site.notes.until(lambda events: len(keys(events, "started")) > begun, 2.0)
        self._pause(0.08)
        self._site.kill()
        self._pause(0.3)
        self._site.start()

    def _kill_sender(self) -> None:
        if self._sender is not None:
            self._sender.kill()
        self._pause(0.3)
        self._start_sender()

    def _kill_broker(self) -> None:
        self._broker.kill()
        self._pause(0.3)
        self._broker.start()

    def _kill_everything(self) -> None:
        """As if the machine had died; its parts come back in any order."""
        ends = [self._site.kill, self._broker.kill]
        if self._sender is not None:
            ends.append(self._sender.kill)
        self._chance.shuffle(ends)
        begins: list[Callable[[], object]] = [
            self._site.start,
            self._broker.start,
            self._start_sender,
        ]
        self._chance.shuffle(begins)
        for call in (*ends, *begins):
            call()
            self._pause(0.1)

    def _pause(self, most: float, least: float = 0.0) -> None:
        threading.Event().wait(self._chance.uniform(least, least + most))

    # -- what it is made of ---------------------------------------------------------------------

    def _write_plan(self) -> None:
        lines = [
            f"{AGENT} move {self._name}-{number} {self._chance.uniform(0.05, 0.12):.3f} 120"
            for number in range(COMMANDS)
        ]
        self._plan.write_text("\n".join(lines))

    def _start_sender(self) -> None:
        notes = str(self._site.notes.path)
        self._sender = Process(self._environment, "sender", SENDER, notes, str(self._plan))

    def _await(self, what: Literal["durable", "sent"], count: int) -> None:
        done = self._site.notes.until(lambda events: len(keys(events, what)) >= count, PATIENCE)
        assert done, f"the sender has not {what} {count} commands: see {self._folder}"

    # -- what has become of it ------------------------------------------------------------------

    def _judge(self, restarted: float) -> tuple[list[str], int, Figures]:
        self._await("sent", COMMANDS)
        path = spool_path(self._state, ROOT)
        delivered = _until(lambda: not _is_waiting(path), 2 * PATIENCE)
        self._site.until_ready()
        told, events = self._checked()
        if not delivered:
            told.append(f"round {self._name}: the sender has not delivered everything")
        again = [event.at for event in events if event.what == "started" and event.at > restarted]
        figures = {RESUMED: min(again) - restarted} if again else {}
        return told, len(keys(events, "durable")), figures

    def _checked(self) -> tuple[list[str], list[Event]]:
        """What is wrong in the history, once it is known how everything in it has ended.

        A sender that was killed has left commands of which nobody knew before they started.
        """
        ends: list[Event] = []
        asked: set[str] = set()
        while True:
            events = self._site.notes.news()
            new = [one for one in self._questions(events) if one.key not in asked]
            if not new:
                return check([*events, *ends]), events
            asked |= {one.key for one in new}
            ends += ask_for_ends(self._broker.url, ROOT, new, PATIENCE)

    def _questions(self, events: list[Event]) -> list[Question]:
        """One about each command that was promised or started.

        It is asked about under its latest id: a courier may have renamed it.
        """
        asked = keys(events, "durable") | keys(events, "started")
        ids = {event.key: event.id for event in events if event.key in asked and event.id}
        return [
            Question(key, ids[key], SENDER, agent, message, {"key": key, "seconds": float(seconds)})
            for agent, message, key, seconds, _ in map(
                str.split, self._plan.read_text().splitlines()
            )
            if key in ids
        ]


def _has_nothing_left(events: list[Event]) -> bool:
    return len(keys(events, "finished")) == COMMANDS


def _oldest(path: Path) -> str:
    with contextlib.closing(Spool(path)) as spool:
        return next((one.command.id for one in spool.listing()), "")


def _is_waiting(path: Path) -> bool:
    with contextlib.closing(Spool(path)) as spool:
        return spool.is_waiting


def _until(is_true: Callable[[], bool], timeout: float) -> bool:
    """Wait for something on a disk; whether it has come true."""
    pause, end = threading.Event(), time.monotonic() + timeout
    while not is_true():
        if time.monotonic() > end:
            return False
        pause.wait(0.1)
    return True


@contextlib.contextmanager
def _open(setting: Setting) -> Iterator[RunTrial]:
    def run(number: int) -> Trial:
        rounds = [Round(setting, number, index) for index in range(AT_ONCE)]
        results = side_by_side(lambda index: rounds[index].run(), range(AT_ONCE))
        resumed = [figures[RESUMED] for _, _, figures in results if figures]
        return Trial(
            sum(count for _, count, _ in results),
            [sentence for told, _, _ in results for sentence in told],
            {RESUMED: max(resumed)} if resumed else {},
        )

    yield run


DURABLE = Harness(
    name="g1-durable",
    promise="G1",
    title="What was sent durably comes to an end, whoever is killed, under any broker settings",
    full=300 * COMMANDS,
    gate=80,  # some of the hundred were in the sender's hand when it was killed
    mutants=(
        mutants.ACCEPTS_BEFORE_JOURNAL,
        mutants.ACCEPTS_AFTER_WORK,
        mutants.TAKES_PUBACK_FOR_DELIVERY,
        mutants.NO_DUPLICATE_CHECK,
        mutants.RUNS_AGAIN_AFTER_CRASH,
    ),
    open=_open,
    limits={RESUMED: (100, 10.0)},
)
