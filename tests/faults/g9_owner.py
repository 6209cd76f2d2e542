"""G9: of two agents of one name exactly one survives, and no command is run by both.

A console sends them commands all the time. Staggered, the first one works already, or is about to:
where it works, it is the one that stays, and nothing disturbs it. At once, both look at the name
together; in half of the trials both stand still then until neither can have seen the other.
Connections are counted in the broker's log, those under the agents' own client id; the looks at the
name have others.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from tests.faults.harness import Harness, RunTrial, Setting, Trial
from tests.faults.live_subject import LEFT
from tests.faults.nursery import Child, Nursery
from tests.system.own_mosquitto import OwnMosquitto
from tests.system.raw_mqtt import RawClient
from tests.system.tcp_proxy import wait_out

SETTLED = 10.0
"""Seconds after the start of the second one, in which one has to go."""

STARTED = 30.0
"""Most seconds until a process that a busy machine starts has come so far."""

ANSWERS = 5.0
AGAIN = 0.5
"""Seconds after which the judge repeats its command."""

CONNECTIONS = 3
EVERY = 0.005
"""Seconds between two commands."""

STEP = 0.06
"""Seconds by which the second one comes later, from one staggered trial to the next."""

STEPS = 25

BLIND = 1.5
"""Seconds after which both claim the name, where both have looked at it and seen nobody."""

CALM = 0.5
"""Seconds in which nothing must happen any more."""


@dataclass
class _Duel:
    """Two agents of one name."""

    nursery: Nursery
    broker: OwnMosquitto
    root: str
    number: int

    def start(self, which: str, **spec: float) -> Child:
        """Start one of them; odd trials are on two machines, as far as their disks tell."""
        folder = self.nursery.folder / (which if self.number % 2 else "one") / self.root
        folder.mkdir(parents=True, exist_ok=True)
        url = str(self.broker.url)
        return self.nursery.start(
            "agent", "twin", url=url, root=self.root, folder=str(folder), **spec
        )

    def connections(self) -> int:
        """How often the broker has taken one of them in."""
        return self.broker.log.read_text().count(f" as {self.root}-twin (")

    def verdict(self, pair: tuple[Child, Child], since: float) -> Trial:
        """Wait for the end of one, and look at what has happened."""
        since = max(since, *(one.until("alive", STARTED)["at"] for one in pair))
        deadline = since + SETTLED
        pause = threading.Event()
        while not any(one.has_ended() for one in pair):
            if time.monotonic() > deadline:
                return Trial(broken=[f"both live {SETTLED:g} s later"])
            pause.wait(0.02)
        figures = {"settled": time.monotonic() - since}
        wait_out(CALM)
        living = [one for one in pair if not one.has_ended()]
        if len(living) != 1:
            return Trial(broken=["none of the two lives"])
        return Trial(broken=self._wrongs(pair, living[0]), figures=figures)

    def _wrongs(self, pair: tuple[Child, Child], living: Child) -> list[str]:
        wrongs = []
        gone = next(one for one in pair if one is not living)
        if gone.until_ended(1)["code"] != LEFT:
            wrongs.append(f"{gone.who} has not given way, but failed")
        with contextlib.suppress(AssertionError):
            living.until("ready", ANSWERS)
        if not self._answers(living):
            wrongs.append(f"{living.who} has survived, but does not answer")
        ran = Counter(
            event["number"] for event in list(self.nursery.events) if event["event"] == "ran"
        )
        twice = [number for number, times in ran.items() if times > 1]
        if twice:
            wrongs.append(f"these commands were run twice: {twice[:5]}")
        count = self.connections()
        if count > CONNECTIONS:
            wrongs.append(f"{count} connections")
        return wrongs

    def _answers(self, living: Child) -> bool:
        number, body = 10**9, {"message": "count", "id": "last", "from": "judge"}
        with RawClient(self.broker.url) as judge:
            publish = partial(judge.publish, f"{self.root}/twin/inbox", qos=1)
            deadline = time.monotonic() + ANSWERS
            while time.monotonic() < deadline:  # like a sender: it may be thrown off just now
                publish(json.dumps({**body, "args": {"number": number}}))
                with contextlib.suppress(AssertionError):
                    living.until("ran", AGAIN, number=number)
                    return True
        return False


class _Stream:
    """Commands from one console to both of them, each with an id of its own."""

    def __init__(self, duel: _Duel) -> None:
        self._duel = duel
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        with RawClient(self._duel.broker.url) as console:
            while not self._ended.wait(EVERY):
                body = {"message": "count", "args": {"number": number}, "id": str(number)}
                body |= {"from": "ops"}
                console.publish(f"{self._duel.root}/twin/inbox", json.dumps(body), qos=1)
                number += 1


def _staggered(duel: _Duel) -> Trial:
    began = time.monotonic()
    delay = STEP * (duel.number * 7 % STEPS)  # a few trials see early and late ones
    first = duel.start("first", begin=began)
    with _Stream(duel):
        wait_out(began + delay - time.monotonic())
        was_ready = first.has_told("ready") is not None
        second = duel.start("second")
        trial = duel.verdict((first, second), time.monotonic())
    if was_ready and not trial.broken and (first.has_ended() or duel.connections() > 1):
        trial.broken.append("the first one worked, and was disturbed by the second one")
    return trial


def _at_once(duel: _Duel) -> Trial:
    moment = time.monotonic() + 0.1
    spec = {"begin": moment}
    if duel.number // 2 % 2 == 0:
        spec["enter"] = moment + BLIND
    pair = (duel.start("first", **spec), duel.start("second", **spec))
    with _Stream(duel):
        return duel.verdict(pair, moment)


@contextlib.contextmanager
def _open(setting: Setting, *, at_once: bool) -> Iterator[RunTrial]:
    with (
        OwnMosquitto(setting.folder) as broker,
        Nursery(setting.folder, setting.build) as nursery,
    ):

        def run(number: int) -> Trial:
            duel = _Duel(nursery, broker, f"g9-{number}", number)
            try:
                return _at_once(duel) if at_once else _staggered(duel)
            finally:
                nursery.clear()

        yield run


HARNESSES = (
    Harness(
        name="g9-staggered",
        promise="G9",
        title="of two agents of one name, one started later, exactly one survives",
        full=50,
        gate=4,
        mutants=("no-look-at-the-name",),
        open=partial(_open, at_once=False),
    ),
    Harness(
        name="g9-at-once",
        promise="G9",
        title="of two agents of one name, started at once, exactly one survives",
        full=50,
        gate=4,
        mutants=("never-gives-way",),
        open=partial(_open, at_once=True),
    ),
)
