"""G15, the short form: twenty agents and a fault every few seconds.

A trial is one fault with commands to everybody before, during and after it. In its end each command
is accounted for, each agent is right again, and the process that was never killed is as it was.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import signal
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.faults.company import Company, await_true, settings_of, starts
from tests.faults.harness import Figures, Harness, RunTrial, Setting, Trial
from tests.system.own_mosquitto import OwnMosquitto
from tests.system.raw_mqtt import RawClient
from tests.system.tcp_proxy import TcpProxy, wait_out

COMPANIES = 4
AGENTS = 20
ROUNDS = 8
"""Commands to each agent in a trial."""

PAUSE = 0.01
"""Seconds between two commands."""

TTL = 10.0
SETTLED = 45.0
"""Seconds after which each command has come to its end."""

REFUSED = 40
REFUSED_SIZE = 250_000
"""What strangers send to the agents that are never killed, in a trial."""

WARM = 60.0
LONG_ENOUGH = 420.0
"""Seconds after which growth is no longer warming up, and after which a slope can be told."""

UNTOUCHED = {"NobodyListens", "Unreachable", "Rejected", "Expired", "Undeliverable"}
"""What a sender is told of commands that were certainly not started."""

FAULTS = ("kill", "stop", "cut", "broker")


class Nursery:
    """Twenty agents in four processes, each behind its own proxy; the first is never killed."""

    def __init__(self, stack: contextlib.ExitStack, setting: Setting) -> None:
        self._setting = setting
        self._stack = stack
        self.broker = stack.enter_context(OwnMosquitto(setting.folder))
        self.proxies = [stack.enter_context(TcpProxy(self.broker.url)) for _ in range(COMPANIES)]
        self.companies = [self._company(place) for place in range(COMPANIES)]
        senders = {"ops": {"settings": settings_of(self.broker.url, setting.folder / "ops")}}
        self.ops = Company(setting.folder, setting.build, senders=senders)
        stack.callback(self._end)
        for one in (*self.companies, self.ops):
            one.wait_ready()
        self._numbers = itertools.count(1)
        self._samples: list[tuple[float, float]] = []
        self._began = time.monotonic()
        self._judged(self._send(random.Random(0)))  # noqa: S311 - a game of chance
        self._harass()
        self._before = self.companies[0].vitals()

    def _company(self, place: int) -> Company:
        folder = self._setting.folder / f"company-{place}"
        folder.mkdir(exist_ok=True)
        settings = settings_of(self.proxies[place].url, folder)
        agents = [
            {"name": name, "settings": settings, "history": str(self._history(name))}
            for name in self._names(place)
        ]
        return Company(folder, self._setting.build, agents=agents)

    def _end(self) -> None:
        for one in (*self.companies, self.ops):
            one.kill()

    @staticmethod
    def _names(place: int) -> list[str]:
        return [f"agent-{number}" for number in range(place, AGENTS, COMPANIES)]

    def _history(self, name: str) -> Path:
        return self._setting.folder / f"{name}.history"

    # -- one trial ------------------------------------------------------------------------------

    def trial(self, number: int) -> Trial:
        """One fault under load, and what is left of it."""
        chance = random.Random(number)  # noqa: S311 - a game of chance that can be played again
        kind = FAULTS[number % len(FAULTS)]
        sent = self._send(chance, kind)
        for one in self.companies:
            one.wait_ready()
        self._harass()
        broken = self._judged(sent) + self._all_right()
        figures, wounds = self._looked_over()
        return Trial(1, [f"{kind}: {text}" for text in broken + wounds], figures)

    def _send(self, chance: random.Random, fault: str = "") -> dict[int, str]:
        """Send to everybody, with a fault in the middle; gives each command's agent."""
        sent = {}
        for turn in range(ROUNDS):
            if turn == ROUNDS // 2 and fault:
                self._strike(fault, chance)
            for agent in range(AGENTS):
                n, name = next(self._numbers), f"agent-{agent}"
                self.ops.send("ops", name, n, ttl=TTL)
                sent[n] = name
                wait_out(PAUSE)
        return sent

    def _strike(self, fault: str, chance: random.Random) -> None:
        place = chance.randrange(1, COMPANIES)
        if fault == "kill":
            self.companies[place].kill()
            self.companies[place] = self._company(place)
        elif fault == "stop":
            self.companies[place].signal(signal.SIGSTOP)
            wait_out(chance.uniform(0.2, 1.5))
            self.companies[place].signal(signal.SIGCONT)
        elif fault == "cut":
            self.proxies[0].cut()
            self.proxies[place].cut()
        else:
            self.broker.kill()
            self.broker.start()

    def _harass(self) -> None:
        """Let a stranger write what is refused to those who are never killed."""
        with RawClient(self.broker.url) as client:
            for name, size in itertools.product(self._names(0), range(REFUSED // 5)):
                client.publish(f"w/{name}/inbox", b"{" * (REFUSED_SIZE + size), qos=1)

    def _judged(self, sent: dict[int, str]) -> list[str]:
        """Wait for the end of each command, and compare it with what was started."""
        deadline = time.monotonic() + SETTLED
        ends = {
            n: self.ops.await_word(n, deadline - time.monotonic(), wanted=lambda w: w.is_final)
            for n in sent
        }
        started = Counter(
            n for name in set(sent.values()) for n in starts(self._history(name), name)
        )
        broken = []
        for n, end in ends.items():
            if end is None:
                broken.append(f"command {n} to {sent[n]} has no end after {SETTLED:.0f} s")
            elif started[n] > 1:
                broken.append(f"command {n} to {sent[n]} was started {started[n]} times")
            elif end.told == "done" and not started[n]:
                broken.append(f"command {n} to {sent[n]} is done and was never started")
            elif started[n] and end.kind in UNTOUCHED:
                broken.append(f"command {n} to {sent[n]} was started and told as {end.text}")
        return broken

    def _all_right(self) -> list[str]:
        """Each agent claims to be ready, and does what it is told."""
        numbers = {next(self._numbers): f"agent-{agent}" for agent in range(AGENTS)}
        for n, name in numbers.items():
            self.ops.send("ops", name, n, ttl=TTL)
        wrong = []
        for n, name in numbers.items():
            end = self.ops.await_word(n, TTL + 5, wanted=lambda word: word.is_final)
            if end is None or end.told != "done":
                wrong.append(f"{name} is not right afterwards: {end}")
        claims: dict[str, str] = {}
        with RawClient(self.broker.url) as client, contextlib.suppress(TimeoutError):
            client.subscribe("w/+/status")
            while len(claims) < AGENTS or set(claims.values()) - {"ready", "busy"}:
                claim = client.next(5.0)
                claims[claim.topic] = claim.body["state"]
        if len(claims) < AGENTS or set(claims.values()) - {"ready", "busy"}:
            wrong.append(f"the status of all is {Counter(claims.values())}")
        return wrong

    def _looked_over(self) -> tuple[Figures, list[str]]:
        """The process that was never killed: its memory, and what it must not gather."""
        company, before = self.companies[0], self._before

        def is_as_before() -> bool:
            now = company.vitals()
            return now.threads <= before.threads and now.descriptors <= before.descriptors

        broken = []
        if not await_true(is_as_before, 5):
            broken.append(f"it was {before}, and is {company.vitals()}")
        rss, since = company.vitals().rss, time.monotonic() - self._began
        figures = {"grown MB": rss - before.rss}
        if since > WARM:
            self._samples.append((since / 3600, rss))
        if since > LONG_ENOUGH:
            figures["slope MB/h"] = slope(self._samples)
        return figures, broken


def slope(samples: list[tuple[float, float]]) -> float:
    """The median of the slopes between all pairs of samples (P. K. Sen, JASA 63, 1968)."""
    pairs = itertools.combinations(samples, 2)
    return statistics.median((y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in pairs)


@contextlib.contextmanager
def opened(setting: Setting) -> Iterator[RunTrial]:
    """One nursery for all faults."""
    with contextlib.ExitStack() as stack:
        yield Nursery(stack, setting).trial


G15 = Harness(
    name="g15-soak",
    promise="G15",
    title="twenty agents outlive a fault every few seconds, and do not grow",
    full=150,  # about ten minutes
    gate=4,
    mutants=("keeps-what-it-refuses", "leaves-its-lookouts"),
    open=opened,
    limits={"grown MB": (100, 25.0), "slope MB/h": (50, 1.0)},
)
