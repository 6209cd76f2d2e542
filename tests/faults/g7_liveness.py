"""G7: what befalls an agent is seen by others in time, and nothing is seen that has not happened.

One trial has an agent for each fault, all at once, and readers in other processes: keep-alive 5 s,
beat 1 s. Half-open connections and power cuts are made in a network namespace of their own, where
nothing passes from and to the agent's address any more. Where the kernel allows none, a TCP proxy
leaves the broker's end of the connection open; then the figures are called "(proxy)", since the
agent's own end is closed there.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pyros_mqtt.settings import BrokerUrl
from tests.faults import own_network
from tests.faults.harness import Figures, Harness, RunTrial, Setting, Trial
from tests.faults.live_subject import POISON
from tests.faults.nursery import Child, Event, Nursery
from tests.system.own_mosquitto import OwnMosquitto
from tests.system.raw_mqtt import RawClient
from tests.system.tcp_proxy import TcpProxy

LIMITS = {
    "stop: stopped": 0.5,
    "kill: lost": 1.0,
    "pause: silent": 4.0,
    "pause: lost": 13.5,
    "half-open: silent": 4.0,
    "half-open: lost": 13.5,
    "power cut: silent": 4.0,
    "power cut: lost": 13.5,
    "hung: fault": 11.0,
    "broker killed: agent": 1.0,
    "broker killed: fleet": 1.0,
    "broker mute: agent": 10.0,
    "broker mute: fleet": 10.0,
}
REVIVED = 5.0
LATE = 1.0
"""Seconds past its limit in which a late sight is still measured."""

WORKS = 8.0
"""Seconds without a sign of life that are no fault: less than the patience of 10 s."""

HEALTHY = ("quiet", "working")
"""Agents whom nothing befalls."""


@dataclass
class _Sight:
    """Something that somebody has to see in time."""

    figure: str
    since: float
    is_it: Callable[[Event], object]


@dataclass
class _Watch:
    """Goes through what is told until everything has been seen, or something is wrong."""

    nursery: Nursery
    sights: list[_Sight] = field(default_factory=list)
    figures: Figures = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def expect(self, figure: str, since: float, is_it: Callable[[Event], object]) -> None:
        """Let something be seen after `since`, within its limit."""
        self.sights.append(_Sight(figure, since, is_it))

    def run(self, place: int, suffix: str) -> None:
        """Hear everything from the event number `place` on."""
        while self.sights and not self.broken:
            end = min(_end(sight) for sight in self.sights)
            events = self.nursery.beyond(place, max(0.0, end - time.monotonic()))
            place += len(events)
            for event in events:
                self._hear(event, suffix)
            if not events:
                self.broken += [
                    f"{sight.figure}: not seen within {LIMITS[sight.figure] + LATE:g} s"
                    for sight in self.sights
                    if _end(sight) <= time.monotonic()
                ]

    def _hear(self, event: Event, suffix: str) -> None:
        if event["event"] == "seen" and event["name"] in HEALTHY and _is_alarm(event):
            self.broken.append(f"{event['name']} is well, but seen as {event}")
        for sight in list(self.sights):
            if event["at"] >= sight.since and sight.is_it(event):
                name = sight.figure
                if name.startswith(("half-open", "power cut")):
                    name += suffix
                self.figures[name] = event["at"] - sight.since
                self.sights.remove(sight)


def _end(sight: _Sight) -> float:
    return sight.since + LIMITS[sight.figure] + LATE


def _is_alarm(event: Event) -> bool:
    return event["health"] != "live" or event["state"] not in {"ready", "busy"}


def _sees(name: str, health: str) -> Callable[[Event], bool]:
    return lambda e: e["event"] == "seen" and e["name"] == name and e["health"] == health


@dataclass
class _Scene:
    """The agents and readers of one trial.

    Attributes:
        brokers: "main", "dying" and "mute".
        has_network: we are in a network of our own.
    """

    nursery: Nursery
    brokers: dict[str, OwnMosquitto]
    number: int
    has_network: bool
    proxies: dict[str, TcpProxy]
    agents: dict[str, Child] = field(default_factory=dict)

    @property
    def root(self) -> str:
        return f"g7-{self.number}"

    def address(self, name: str) -> str:
        """Where this agent reaches its broker."""
        kind = ("half-open", "power-cut").index(name) + 1
        return f"127.{kind}.{self.number // 250 % 250}.{self.number % 250 + 1}"

    def url(self, name: str) -> BrokerUrl:
        """The broker of one agent, in the way in which this agent reaches it."""
        broker = self.brokers.get(name, self.brokers["main"])
        if name in self.proxies:
            return self.proxies[name].url
        if name in {"half-open", "power-cut"}:
            return BrokerUrl("mqtt", self.address(name), broker.port)
        return broker.url

    def set_up(self) -> None:
        """Start everybody, and wait until the readers see all of them."""
        seen_by: dict[str, list[str]] = {"main": [], "dying": ["dying"], "mute": ["mute"]}
        seen_by["main"] = ["stop", "kill", "pause", "half-open", "power-cut", "hung", *HEALTHY]
        readers = {
            name: self.nursery.start("reader", name, url=str(broker.url), root=self.root)
            for name, broker in self.brokers.items()
        }
        for reader in readers.values():
            reader.until("ready", 20)
        for name in (name for names in seen_by.values() for name in names):
            self.agents[name] = self.nursery.start(
                "agent", name, url=str(self.url(name)), root=self.root
            )
        for broker, names in seen_by.items():
            for name in names:
                readers[broker].until("seen", 30, name=name, health="live", state="ready")

    def command(self, name: str, message: str, **args: float) -> float:
        """Publish a command; gives the moment before."""
        with RawClient(self.brokers["main"].url) as client:
            now = time.monotonic()
            body = {"message": message, "args": args, "from": "ops"}
            client.publish(f"{self.root}/{name}/inbox", body, qos=1)
        return now

    def cut(self, name: str) -> float:
        """Let nothing more pass between this agent and its broker; gives the moment before."""
        now = time.monotonic()
        if self.has_network:
            own_network.cut_off(self.address(name))
        else:
            self.proxies[name].is_closed = True
            self.proxies[name].abandon()
        return now


def _befall(scene: _Scene, watch: _Watch) -> None:
    """Let it all happen, and say what has to be seen of it."""
    agents = scene.agents
    scene.command("working", "work", seconds=WORKS)
    hung = scene.command("hung", "hang", seconds=30.0)
    watch.expect(
        "hung: fault",
        hung,
        lambda e: _sees("hung", "live")(e) and e["state"] == "fault" and "hang" in e["detail"],
    )
    half = scene.cut("half-open")
    power = scene.cut("power-cut")
    agents["power-cut"].send(signal.SIGKILL)
    pause = agents["pause"].send(signal.SIGSTOP)
    for figure, name, since in (
        ("half-open", "half-open", half),
        ("power cut", "power-cut", power),
        ("pause", "pause", pause),
    ):
        watch.expect(f"{figure}: silent", since, _sees(name, "silent"))
        watch.expect(f"{figure}: lost", since, _sees(name, "lost"))
    stop = agents["stop"].send(signal.SIGTERM)
    watch.expect("stop: stopped", stop, _sees("stop", "stopped"))
    kill = agents["kill"].send(signal.SIGKILL)
    watch.expect("kill: lost", kill, _sees("kill", "lost"))
    mute = time.monotonic()
    scene.brokers["mute"].send(signal.SIGSTOP)
    dead = time.monotonic()
    scene.brokers["dying"].kill()
    for figure, name, since in (("broker mute", "mute", mute), ("broker killed", "dying", dead)):
        watch.expect(f"{figure}: agent", since, _is_down(agents[name]))
        watch.expect(f"{figure}: fleet", since, _sees(name, "unknown"))


def _is_down(agent: Child) -> Callable[[Event], bool]:
    return lambda e: e["event"] == "down" and e["who"] == agent.who


@contextlib.contextmanager
def _open_here(setting: Setting, *, has_network: bool) -> Iterator[RunTrial]:
    """Everything in this process's network."""
    with contextlib.ExitStack() as stack:
        nursery = stack.enter_context(Nursery(setting.folder, setting.build))
        brokers = {
            name: stack.enter_context(_broker(setting.folder, name, is_open=has_network))
            for name in ("main", "dying", "mute")
        }

        def run(number: int) -> Trial:
            with contextlib.ExitStack() as of_trial:
                proxies = {} if has_network else {
                    name: of_trial.enter_context(TcpProxy(brokers["main"].url))
                    for name in ("half-open", "power-cut")
                }  # fmt: skip
                scene = _Scene(nursery, brokers, number, has_network, proxies)
                try:
                    return _trial(scene)
                finally:
                    brokers["mute"].send(signal.SIGCONT)
                    nursery.clear()
                    if has_network:
                        own_network.join_again()
                    brokers["dying"].kill()
                    brokers["dying"].start()

        yield run


def _broker(folder: Path, name: str, *, is_open: bool) -> OwnMosquitto:
    own = folder / name
    own.mkdir(exist_ok=True)
    return OwnMosquitto(own, host="0.0.0.0") if is_open else OwnMosquitto(own)  # noqa: S104


def _trial(scene: _Scene) -> Trial:
    scene.set_up()
    watch, place = _Watch(scene.nursery), len(scene.nursery.events)
    _befall(scene, watch)
    watch.run(place, "" if scene.has_network else " (proxy)")
    return Trial(broken=watch.broken, figures=watch.figures)


@contextlib.contextmanager
def _open(setting: Setting) -> Iterator[RunTrial]:
    if own_network.can_be_had():
        with own_network.trials_in_it("tests.faults.g7_liveness", setting) as run:
            yield run
    else:
        with _open_here(setting, has_network=False) as run:
            yield run


# -- the network thread -----------------------------------------------------------------------


@contextlib.contextmanager
def _open_for_threads(setting: Setting) -> Iterator[RunTrial]:
    with (
        OwnMosquitto(setting.folder) as broker,
        Nursery(setting.folder, setting.build) as nursery,
        RawClient(broker.url) as console,
    ):

        def run(number: int) -> Trial:
            try:
                return _revival(nursery, broker.url, console, f"g7-thread-{number}")
            finally:
                nursery.clear()

        yield run


def _revival(nursery: Nursery, url: BrokerUrl, console: RawClient, root: str) -> Trial:
    agent = nursery.start("agent", "agent", url=str(url), root=root)
    agent.until("ready", 20)
    died = time.monotonic()
    console.publish(f"{root}/agent/{POISON}", b"x", qos=1)
    number = 0
    while time.monotonic() < died + REVIVED + LATE:
        body = {"message": "count", "args": {"number": number}, "from": "ops"}
        console.publish(f"{root}/agent/inbox", body, qos=1)
        with contextlib.suppress(AssertionError):
            ran = agent.until("ran", 0.1, number=number)
            return Trial(figures={"network thread: answers": ran["at"] - died})
        number += 1
    return Trial(broken=["an agent whose network thread died has not answered again"])


HARNESSES = (
    Harness(
        name="g7-liveness",
        promise="G7",
        title="what befalls an agent is seen in time by others, and nothing else is",
        full=30,
        gate=1,
        mutants=(
            "no-beat-while-an-action-runs",
            "idle-is-never-shown",
            "no-last-will",
            "never-silent",
        ),
        open=_open,
        limits={name: (100, most) for name, most in LIMITS.items()},
    ),
    Harness(
        name="g7-network-thread",
        promise="G7",
        title="an agent whose network thread dies answers again within 5 s",
        full=30,
        gate=2,
        mutants=("network-thread-dies-for-good",),
        open=_open_for_threads,
        limits={"network thread: answers": (100, REVIVED)},
    ),
)


if __name__ == "__main__":
    own_network.bring_up()
    with _open_here(Setting(Path(sys.argv[1]), sys.argv[2]), has_network=True) as _run:
        own_network.serve(_run)
