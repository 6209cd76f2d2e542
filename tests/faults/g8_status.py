"""G8: whatever befalls an agent, its final status is that of the life that goes on.

One trial has a lane for each kind of restart, all at once. The verdict of a lane is what the broker
keeps and what a reader that was there all the time believes: both have to name the session of the
living agent, and `ready`; and once that reader has seen it so, it must never see anything else. The
beat is slow, so that no beat mends what an agent has to mend by itself.
"""

from __future__ import annotations

import contextlib
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from pyros_mqtt.settings import BrokerUrl
from tests.faults.harness import Figures, Harness, RunTrial, Setting, Trial
from tests.faults.nursery import Child, Event, Nursery
from tests.system.own_mosquitto import OwnMosquitto
from tests.system.raw_mqtt import RawClient, Will
from tests.system.tcp_proxy import TcpProxy, wait_out

SLOW_BEAT = 30.0
BEAT = 1.0
"""For those whose successor has to wait whether the silent one comes back."""

SETTLES = 5.0
"""Seconds in which the final state has to be there, after the last thing that happened."""

STAYS = 0.3
"""Seconds in which it must not change any more."""

READY = 30.0
LEAVES = 10.0

Lane = Callable[["_Place"], Child]
"""Restarts an agent in its own way; gives the one that is to be believed."""


@dataclass
class _Place:
    """One name on the bus, with what a lane needs."""

    nursery: Nursery
    broker: BrokerUrl
    proxy: TcpProxy
    root: str
    name: str
    number: int

    def start(self, *, through: BrokerUrl | None = None, **spec: Any) -> Child:
        """Start an agent of this name, which comes through the proxy unless told otherwise."""
        options = {"beat": SLOW_BEAT, "journal": ("sqlite", "memory")[self.number % 2], **spec}
        urls = [self.proxy.url] if through is None else [through, self.proxy.url]
        url = " ".join(map(str, urls))  # the same brokers in another order: one observatory
        return self.nursery.start("agent", self.name, url=url, root=self.root, **options)

    def ready(self, **spec: Any) -> Child:
        """Start one, and wait until it takes commands."""
        agent = self.start(**spec)
        agent.until("ready", READY)
        return agent

    def will_of(self, agent: Child) -> Will:
        """What the broker was given to say when this agent is gone."""
        ready = agent.until("ready", READY)
        body = {
            "agent": self.name,
            "state": "lost",
            "session": ready["session"],
            "boot": ready["boot"],
        }
        return Will(f"{self.root}/{self.name}/status", json.dumps(body).encode())

    def pause(self) -> None:
        """Wait a moment that depends on the trial, so that restarts meet every stage of a start."""
        wait_out(0.01 * (self.number % 40))

    def kept(self) -> dict[str, Any]:
        """What the broker keeps as the status."""
        with RawClient(self.broker) as client:
            client.subscribe(f"{self.root}/{self.name}/status")
            return client.next(2.0).body

    def until_kept(self, agent: Child, state: str) -> None:
        """Wait until the broker keeps this state of this life."""
        wanted, deadline = (agent.until("ready", READY)["session"], state), time.monotonic() + 5
        while (kept := self.kept()) and (kept["session"], kept["state"]) != wanted:
            assert time.monotonic() < deadline, f"the broker keeps {kept}, not {wanted}"
            wait_out(0.02)


# -- restarts ---------------------------------------------------------------------------------


def _killed(place: _Place) -> Child:
    place.ready().send(signal.SIGKILL)
    return place.start()


def _told_to_end(place: _Place) -> Child:
    first = place.ready()
    first.send(signal.SIGTERM)
    first.until_ended(10)
    return place.start()


def _restarted_while_it_says_goodbye(place: _Place) -> Child:
    """As a careless supervisor does; one that finds the name taken is started again."""
    first = place.ready()
    first.send(signal.SIGTERM)
    while True:
        place.pause()
        second = place.start()
        ended = threading.Event()
        deadline = time.monotonic() + READY
        while not (second.has_told("ready") or second.has_ended()):
            assert time.monotonic() < deadline, "a restarted agent neither starts nor ends"
            ended.wait(0.02)
        if not second.has_ended():
            return second


def _killed_as_it_starts(place: _Place) -> Child:
    for _ in range(2):
        child = place.start()
        place.pause()
        child.send(signal.SIGKILL)
    return place.start()


def _clock_set_back(place: _Place) -> Child:
    place.ready().send(signal.SIGKILL)
    return place.start(clock=-3600.0)


def _late_will(place: _Place) -> Child:
    """The will of the first life is spoken long after the second one has begun.

    The second one stands still in that moment, so that nobody can overlook the will.
    """
    first = place.ready()
    broken = RawClient(place.broker, will=place.will_of(first))
    first.send(signal.SIGKILL)
    second = place.ready()
    place.until_kept(second, "ready")
    wait_out(STAYS)
    second.halt()
    place.kept()  # by then the broker has taken in what was said before
    broken.vanish()
    place.until_kept(first, "lost")
    wait_out(STAYS)
    second.send(signal.SIGCONT)
    return second


def _power_cut(place: _Place) -> Child:
    """The broker still has the first one's connection when the second one comes."""
    first = place.ready(beat=BEAT)
    with contextlib.ExitStack() as ends:
        for end in place.proxy.abandon():
            ends.enter_context(end)
        first.send(signal.SIGKILL)
        return place.ready(beat=BEAT)


RESTARTS: tuple[Lane, ...] = (
    _killed,
    _told_to_end,
    _restarted_while_it_says_goodbye,
    _killed_as_it_starts,
    _clock_set_back,
    _late_will,
    _power_cut,
)


# -- take-overs -------------------------------------------------------------------------------


def _from_one_that_paused(place: _Place) -> Child:
    """The first one stands still; it wakes when its successor works."""
    first = place.ready(beat=BEAT)
    first.halt()
    second = place.ready(beat=BEAT)
    first.send(signal.SIGCONT)
    first.until("left", LEAVES)
    return second


def _from_one_that_was_cut_off(place: _Place) -> Child:
    """The first one has lost its network, and gets it back when its successor works."""
    first = place.ready(beat=BEAT)
    place.proxy.is_closed = True
    with contextlib.ExitStack() as ends:
        for end in place.proxy.abandon():
            ends.enter_context(end)
        second = place.ready(beat=BEAT, through=place.broker)
        place.proxy.is_closed = False
        first.until("left", LEAVES)
    return second


def _from_one_whose_network_was_mute(place: _Place) -> Child:
    """What the first one has said meanwhile comes out when its successor works."""
    first = place.ready(beat=BEAT)
    place.proxy.is_mute = True
    second = place.ready(beat=BEAT, through=place.broker)
    place.proxy.is_mute = False
    first.until("left", LEAVES)
    return second


TAKE_OVERS: tuple[Lane, ...] = (
    _from_one_that_paused,
    _from_one_that_was_cut_off,
    _from_one_whose_network_was_mute,
)


# -- the verdict ------------------------------------------------------------------------------


def _judge(place: _Place, lane: Lane, watcher: Child) -> tuple[list[str], Figures]:
    """Run one lane; gives what is wrong at its end, and how long it took to be right."""
    title = lane.__name__.strip("_").replace("_", " ")
    try:
        living = lane(place)
        session = living.until("ready", READY)["session"]
    except AssertionError as error:
        return [f"{title}: {error}"], {}
    began, pause = time.monotonic(), threading.Event()
    while wrong := _wrong(place, session, watcher):
        if time.monotonic() > began + SETTLES:
            return [f"{title}: {one}" for one in wrong], {}
        pause.wait(0.02)
    settled = time.monotonic() - began
    wait_out(STAYS)
    wrong = _wrong(place, session, watcher) + _lies(place, session, watcher)
    return [f"{title}: {one}" for one in wrong], {f"{title}: settled": settled}


def _wrong(place: _Place, session: str, watcher: Child) -> list[str]:
    told = []
    kept = place.kept()
    if (kept["session"], kept["state"]) != (session, "ready"):
        told.append(f"session {session} lives, but the broker keeps {kept}")
    seen = place.nursery.all(watcher, "seen", name=place.name)
    if not seen or not _is_right(seen[-1], session):
        told.append(f"session {session} lives, but a reader believes {seen[-1:]}")
    return told


def _lies(place: _Place, session: str, watcher: Child) -> list[str]:
    """What a reader has believed after it had seen the living agent."""
    seen = place.nursery.all(watcher, "seen", name=place.name)
    since = next((n for n, event in enumerate(seen) if _is_right(event, session)), len(seen))
    lies = [event for event in seen[since:] if not _is_right(event, session)]
    return [f"session {session} lived, but a reader has believed {lie}" for lie in lies]


def _is_right(event: Event, session: str) -> bool:
    return (event["session"], event["health"], event["state"]) == (session, "live", "ready")


@contextlib.contextmanager
def _open(setting: Setting, lanes: tuple[Lane, ...]) -> Iterator[RunTrial]:
    with (
        OwnMosquitto(setting.folder) as broker,
        Nursery(setting.folder, setting.build) as nursery,
        ThreadPoolExecutor(len(lanes)) as threads,
    ):

        def run(number: int) -> Trial:
            root = f"g8-{number}"
            with contextlib.ExitStack() as stack:
                stack.callback(nursery.clear)
                watcher = nursery.start("reader", "watcher", url=str(broker.url), root=root)
                watcher.until("ready", READY)
                works = []
                for lane in lanes:
                    proxy = stack.enter_context(TcpProxy(broker.url))
                    name = lane.__name__.strip("_").replace("_", "-")
                    place = _Place(nursery, broker.url, proxy, root, name, number)
                    works.append(threads.submit(_judge, place, lane, watcher))
                return _sum([work.result() for work in works])

        yield run


def _sum(verdicts: list[tuple[list[str], Figures]]) -> Trial:
    broken = [one for told, _ in verdicts for one in told]
    figures = {name: value for _, each in verdicts for name, value in each.items()}
    return Trial(len(verdicts), broken, figures)


HARNESSES = (
    Harness(
        name="g8-restarts",
        promise="G8",
        title="no fast restart leaves a wrong final state",
        full=500,
        gate=2 * len(RESTARTS),
        mutants=(
            "believes-any-will",
            "no-answer-to-a-late-will",
            "boot-is-only-the-clock",
        ),
        open=partial(_open, lanes=RESTARTS),
    ),
    Harness(
        name="g8-take-overs",
        promise="G8",
        title="no take-over leaves a wrong final state",
        full=100,
        gate=len(TAKE_OVERS),
        mutants=("never-gives-way",),
        open=partial(_open, lanes=TAKE_OVERS),
    ),
)
