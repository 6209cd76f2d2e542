"""G6: an abort is handled within 100 ms, whatever waits, and within 250 ms under a flood.

Two spans are measured by the one monotonic clock of the machine. "way" begins when the abort is
published and ends when its sender has the terminal report: all that a person at a console waits.
"handled" ends when the agent has sent both that report and the report that the running action is
cancelled; with 1000 waiting it begins when the abort is published.

Under the flood "handled" begins when the agent has the abort in its hands. What lies before it is
the broker's queue: the broker takes commands faster than any agent can read them, and hands them on
in the order in which they came, so that an abort waits there behind whatever the flooders have put
in. No agent can overtake that; "way" shows how long it is.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pyros_mqtt.settings import BrokerUrl
from tests.faults.harness import Figures, Harness, RunTrial, Setting, Trial
from tests.faults.nursery import Child, Nursery
from tests.system.own_mosquitto import OwnMosquitto
from tests.system.raw_mqtt import RawClient
from tests.system.tcp_proxy import wait_out

WAITING = 1000
FLOODERS = 2

WINDOW = 20
"""Unanswered commands of one flooder that heeds answers; so many MQTT clients have in flight."""

SWELLS = 0.3
"""Seconds of flood before the abort."""

FILLED = 30.0
PATIENCE = 10.0
"""Seconds after which an abort counts as never handled; the limits stand at the harnesses."""

AHEAD = -10
"""So nice are the broker and the agent, where that is allowed: other tests run beside them."""


@dataclass(frozen=True)
class _Abort:
    """The moments of one abort."""

    published: float
    arrived: float
    handled: float
    answered: float | None

    def figures(self, kind: str, *, begins: float) -> Figures:
        """What is measured, where an abort counts as handled from the moment `begins` on."""
        told = {f"{kind}: handled": self.handled - begins}
        if self.answered is not None:
            told[f"{kind}: way"] = self.answered - self.published
        return told


@dataclass
class _Stage:
    """One agent, and one console that commands it."""

    nursery: Nursery
    url: BrokerUrl
    root: str
    agent: Child
    console: RawClient
    heard: dict[str, set[str]] = field(default_factory=dict)

    def command(self, message: str, number: str, /, **args: Any) -> float:
        """Send a command and wait until the broker has it; gives the moment before."""
        body = {"message": message, "args": args, "id": number, "from": "ops"}
        began = time.monotonic()
        self.console.publish(f"{self.root}/agent/inbox", json.dumps(body), qos=1)
        return began

    def report(self, number: str, *states: str, timeout: float = PATIENCE) -> str:
        """Wait for a report on one command in one of these states, or find it among those here."""
        deadline = time.monotonic() + timeout
        while not (found := self.heard.get(number, set()) & set(states)):
            body = self.console.next(max(0.001, deadline - time.monotonic())).body
            self.heard.setdefault(body["id"], set()).add(body["state"])
        return found.pop()

    def abort(self, number: int) -> _Abort:
        """Abort, and see everything through that belongs to it."""
        mine, running = f"abort-{number}", f"wait-{number}"
        published = self.command("abort", mine)
        arrived = self.agent.until("arrived", PATIENCE, id=mine)["at"]
        ends = (
            self.agent.until("end", PATIENCE, id=mine, state="done")["at"],
            self.agent.until("end", PATIENCE, id=running, state="cancelled")["at"],
        )
        try:
            self.report(mine, "done")
        except TimeoutError:
            return _Abort(published, arrived, max(ends), None)
        return _Abort(published, arrived, max(ends), time.monotonic())

    def flooder(self, window: int) -> Child:
        """Make one that floods the agent while it is not stopped; 0: it heeds no answer."""
        url = str(self.url)
        one = self.nursery.start("flooder", "agent", url=url, root=self.root, window=window)
        one.until("ready", PATIENCE)
        return one

    def drain(self, number: int) -> None:
        """Wait until nothing of the flood is under way any more."""
        for attempt in itertools.count():
            probe = f"probe-{number}-{attempt}"
            self.command("count", probe, number=-1)
            with contextlib.suppress(TimeoutError):
                self.report(probe, "done", timeout=1.0)
                return
            assert attempt < FILLED, "the agent does not come out of the flood"

    def forget(self) -> None:
        """Keep nothing of this trial."""
        self.heard.clear()
        self.nursery.forget_told()


@contextlib.contextmanager
def _stage(setting: Setting) -> Iterator[_Stage]:
    root = "g6"
    with (
        OwnMosquitto(setting.folder) as broker,
        Nursery(setting.folder, setting.build) as nursery,
        RawClient(broker.url) as console,
    ):
        broker.hurry(AHEAD)
        agent = nursery.start(
            "agent",
            "agent",
            url=str(broker.url),
            root=root,
            is_watched=True,
            nice=AHEAD,
            log="ERROR",
        )
        agent.until("ready", 20)
        console.subscribe(f"{root}/agent/outbox/ops")
        yield _Stage(nursery, broker.url, root, agent, console)


@contextlib.contextmanager
def _many_wait(setting: Setting) -> Iterator[RunTrial]:
    with _stage(setting) as stage:

        def run(number: int) -> Trial:
            return _judged(stage, number, _with_many_waiting)

        yield run


def _with_many_waiting(stage: _Stage, number: int) -> Figures:
    stage.command("wait", f"wait-{number}")
    for waiting in range(WAITING):
        stage.command("count", f"count-{number}-{waiting}", number=waiting)
    last = f"count-{number}-{WAITING - 1}"
    stage.report(last, "accepted", timeout=FILLED)
    abort = stage.abort(number)
    stage.report(last, "cancelled")
    return abort.figures("waiting", begins=abort.published)


@contextlib.contextmanager
def _flooded(setting: Setting) -> Iterator[RunTrial]:
    with _stage(setting) as stage:
        floods = [[stage.flooder(window) for _ in range(FLOODERS)] for window in (0, WINDOW)]

        def run(number: int) -> Trial:
            flood = floods[number % 2]
            return _judged(stage, number, partial(_in_a_flood, flood, is_open=number % 2 == 0))

        yield run


def _in_a_flood(flood: list[Child], stage: _Stage, number: int, *, is_open: bool) -> Figures:
    stage.command("wait", f"wait-{number}")
    stage.report(f"wait-{number}", "running")
    for one in flood:
        one.send(signal.SIGCONT)
    try:
        wait_out(SWELLS)
        abort = stage.abort(number)
    finally:
        for one in flood:
            one.send(signal.SIGSTOP)
    stage.drain(number)
    return abort.figures("open" if is_open else "paced", begins=abort.arrived)


def _judged(stage: _Stage, number: int, abort: Callable[[_Stage, int], Figures]) -> Trial:
    try:
        return Trial(figures=abort(stage, number))
    except (AssertionError, TimeoutError) as error:
        return Trial(broken=[f"abort {number} is not handled: {error}"])
    finally:
        stage.forget()


HARNESSES = (
    Harness(
        name="g6-waiting",
        promise="G6",
        title="an abort is handled within 100 ms with 1000 waiting and the handler busy",
        full=200,
        gate=6,
        mutants=("abort-waits-its-turn", "abort-cancels-nothing", "abort-leaves-the-queue"),
        open=_many_wait,
        limits={"waiting: handled": (99, 0.1), "waiting: way": (100, 0.25)},
    ),
    Harness(
        name="g6-flood",
        promise="G6",
        title="an abort is handled within 250 ms under two floods of commands",
        full=400,
        gate=2,
        mutants=("abort-waits-its-turn",),
        open=_flooded,
        limits={
            "open: handled": (99, 0.25),
            "paced: handled": (99, 0.25),
            "paced: way": (99, 0.25),
        },
    ),
)
