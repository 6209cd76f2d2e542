"""G2: a send that did not reach its agent says so, in one clear sentence.

Each trial sends in every difficulty at once; a send counts as a success only where the agent has
written down that it started.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.faults.harness import Harness, RunTrial, Setting, Trial
from tests.faults.small_disk import SmallDisk
from tests.faults.witness import Company, Heard, await_true, settings_of, starts
from tests.system.own_mosquitto import OwnMosquitto
from tests.system.tcp_proxy import TcpProxy

PACKET = 20_000
"""Bytes of the largest packet that the broker takes."""

PAYLOAD = 4096
"""Bytes of the largest command that the agent takes."""

ROOM = 5
"""Parcels that fit into the sender's backlog, where that is to be filled."""

LIVELY = 15.0
"""Seconds in which a command has to be run where nothing is wrong any more."""

ACCESS = "topic read #\nuser ops\ntopic readwrite #\n"


class Place:
    """Two brokers, three agents, and a sender for each difficulty."""

    def __init__(self, stack: contextlib.ExitStack, setting: Setting) -> None:
        folder = setting.folder
        self.history = folder / "history"
        self.disks = {
            name: stack.enter_context(SmallDisk(folder / name))
            for name in ("journal", "spool", "broker")
        }
        stack.enter_context(contextlib.ExitStack())
        self.whole = stack.enter_context(_broker(folder / "whole", folder))
        self.full = stack.enter_context(_broker(folder / "full", folder, self.disks["broker"]))
        self.proxy = stack.enter_context(TcpProxy(self.whole.url))
        self._numbers = itertools.count(1)
        ops = {"username": "ops"}
        near, far = self.whole.url, self.full.url
        agents = [
            self._agent("steady", settings_of(near, folder / "a", max_payload=PAYLOAD, **ops)),
            self._agent("cramped", settings_of(near, self.disks["journal"].folder, **ops)),
            self._agent("steady", settings_of(far, folder / "b", **ops)),
        ]
        plain = settings_of(near, folder / "c", **ops)
        guest = settings_of(near, folder / "d")
        senders = {
            "ops": {"settings": plain},
            "far": {"settings": settings_of(far, folder / "e", **ops)},
            "guest": {"settings": guest},
            "old-guest": {"settings": guest, "old": True},
            "spooler": {"settings": settings_of(near, self.disks["spool"].folder, **ops)},
        }
        held = {"held": {"settings": settings_of(self.proxy.url, folder / "f", **ops)}}
        held["held"]["backlog"] = ROOM
        companies = [
            Company(_made(folder / "agents"), setting.build, agents=agents),
            Company(_made(folder / "senders"), setting.build, senders=senders),
            Company(_made(folder / "held"), setting.build, senders=held),
        ]
        for one in companies:
            stack.enter_context(one)
        self.agents, self.senders, self.held = (one.wait_ready() for one in companies)

    def _agent(self, name: str, settings: dict[str, Any]) -> dict[str, Any]:
        return {"name": name, "settings": settings, "history": str(self.history)}

    def number(self) -> int:
        """A number that no other command has."""
        return next(self._numbers)

    def ran(self, agent: str, n: int) -> bool:
        """Whether an agent has started this command."""
        return n in starts(self.history, agent)

    def accepted(self, via: str, agent: str, **more: Any) -> int:
        """Send a command that is accepted; gives its number."""
        self.senders.send(via, agent, n := self.number(), **more)
        assert self.senders.await_word(n, LIVELY) is not None
        return n

    def send(
        self, via: str, agent: str, kinds: set[str], within: float = 8, **more: Any
    ) -> list[str]:
        """Send one command, and judge what its sender was told; `kinds` are fitting errors."""
        n = self.number()
        self.senders.send(via, agent, n, **more)
        return self.judged(self.senders, agent, n, kinds, within)

    def judged(
        self, company: Company, agent: str, n: int, kinds: set[str], within: float
    ) -> list[str]:
        """Judge the first words that a sender was told of a command."""
        word = company.await_word(n, within, wanted=lambda heard: heard.told != "written")
        if word is None:
            return [f"to {agent}: a send was told nothing at all for {within} s"]
        if word.told == "error":
            return unclear(word, kinds)
        if not await_true(lambda: self.ran(agent, n), LIVELY):
            return [f"to {agent}: a send was told {word.told!r}, and the agent never had it"]
        return []


def _broker(folder: Path, top: Path, disk: SmallDisk | None = None) -> OwnMosquitto:
    rules = top / "rules"
    rules.write_text(ACCESS)
    options = {"acl_file": str(rules), "max_packet_size": str(PACKET)}
    if disk is not None:
        options |= {
            "persistence": "true",
            "persistence_location": f"{disk.folder}/",
            "autosave_interval": "1",
            "autosave_on_changes": "true",
        }
    return OwnMosquitto(_made(folder), **options)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def unclear(word: Heard, kinds: set[str]) -> list[str]:
    """What is wrong with the words of an error, where one is to be told."""
    text = word.text
    if word.kind not in kinds:
        return [f"it was told as {word.kind}, where {' or '.join(sorted(kinds))} is true: {text}"]
    if not text or "\n" in text or "Traceback" in text or len(text) > 400:
        return [f"{word.kind} is no clear sentence: {text!r}"]
    return []


# -- the difficulties: each gives the breaks of the promise that it has seen ----------------------


def nobody_there(place: Place, number: int) -> list[str]:
    durable = {"durable": True, "ttl": 1.0} if number % 2 else {"ttl": 1.0}
    return place.send("ops", "nobody", {"NobodyListens", "NoAnswer"}, **durable)


def denied(place: Place, number: int) -> list[str]:
    del number
    return place.send("guest", "steady", {"Undeliverable"})


def denied_in_silence(place: Place, number: int) -> list[str]:
    """MQTT 3.1.1 has no word for it: the broker answers success."""
    del number
    return place.send("old-guest", "steady", {"NoAnswer"}, ttl=1.0)


def too_large_for_the_agent(place: Place, number: int) -> list[str]:
    args = {"more": "x" * (PAYLOAD + number)}
    return place.send("ops", "steady", {"Rejected"}, args=args)


def too_large_for_the_broker(place: Place, number: int) -> list[str]:
    args = {"more": "x" * (PACKET + number)}
    return place.send("ops", "steady", {"Undeliverable"}, args=args)


def full_spool(place: Place, number: int) -> list[str]:
    """What is on the disk before it fills up is delivered; what does not fit is told."""
    disk = place.disks["spool"]
    broken = place.send("spooler", "steady", set(), LIVELY, durable=True)
    disk.fill()
    large = {"more": "x" * (1000 + number)}
    for _ in range(3):
        kinds = {"SpoolError", "NoAnswer"}
        broken += place.send("spooler", "steady", kinds, durable=True, args=large, ttl=3.0)
    disk.empty()
    return broken + place.send("spooler", "steady", set(), LIVELY, durable=True)


def full_journal(place: Place, number: int) -> list[str]:
    """An agent that cannot note what it accepts does not accept it; once it can, it does.

    What it has accepted and cannot start ends as failed, and the agent lives on.
    """
    disk = place.disks["journal"]
    place.accepted("ops", "cramped", args={"nap": 0.3})
    waits = place.accepted("ops", "cramped")  # it starts on the full disk
    disk.fill()
    numbers = [place.number() for _ in range(3)]
    for n in numbers:
        large = {"more": "x" * (1000 + number)}
        place.senders.send("ops", "cramped", n, args=large, ttl=LIVELY / 2)
    place.senders.send("ops", "cramped", late := place.number(), args=large, ttl=0.5)
    broken = place.judged(place.senders, "cramped", late, {"NoAnswer", "Rejected"}, 5)
    disk.empty()
    for n in numbers:
        broken += place.judged(place.senders, "cramped", n, {"NoAnswer", "Rejected"}, LIVELY)
    end = place.senders.await_word(waits, LIVELY, wanted=lambda word: word.is_final)
    if end is None or (end.told == "done") is not place.ran("cramped", waits):
        broken.append(f"what was accepted before has the end {end}")
    return broken + place.send("ops", "cramped", set(), LIVELY)


def full_broker(place: Place, number: int) -> list[str]:
    """A broker that cannot write what it acknowledges, and that is killed now and then."""
    disk = place.disks["broker"]
    disk.fill()
    broken = place.send("far", "steady", set(), LIVELY)
    if number % 2:
        n = place.number()
        place.senders.send("far", "steady", n, args={"more": "x" * 2000}, ttl=LIVELY)
        place.full.kill()
        disk.empty()  # it refuses to start on a full one
        place.full.start()
        broken += place.judged(place.senders, "steady", n, {"NoAnswer"}, LIVELY + 5)
    disk.empty()
    return broken


def full_backlog(place: Place, number: int) -> list[str]:
    """A connection that does not move: what did not fit is sent again once it does."""
    del number
    place.proxy.is_mute = True
    numbers = [place.number() for _ in range(4 * ROOM)]
    for n in numbers:
        place.held.send("held", "steady", n, ttl=LIVELY)
    place.held.send("held", "steady", late := place.number(), ttl=0.2)
    broken = place.judged(place.held, "steady", late, {"NoAnswer", "Unreachable"}, 5)
    place.proxy.is_mute = False
    for n in numbers:
        broken += place.judged(place.held, "steady", n, set(), LIVELY + 2)
    return broken


DIFFICULTIES = (
    nobody_there,
    denied,
    denied_in_silence,
    too_large_for_the_agent,
    too_large_for_the_broker,
    full_spool,
    full_journal,
    full_broker,
    full_backlog,
)


@contextlib.contextmanager
def opened(setting: Setting) -> Iterator[RunTrial]:
    """Everything that the trials share."""
    with contextlib.ExitStack() as stack:
        place = Place(stack, setting)
        pool = stack.enter_context(ThreadPoolExecutor(len(DIFFICULTIES)))

        def trial(number: int) -> Trial:
            told = pool.map(lambda one: (one.__name__, one(place, number)), DIFFICULTIES)
            broken = [f"{name}: {text}" for name, texts in told for text in texts]
            return Trial(len(DIFFICULTIES), broken)

        yield trial


G2 = Harness(
    name="g2-honest",
    promise="G2",
    title="a send that did not reach its agent says so",
    full=20 * len(DIFFICULTIES),
    gate=2 * len(DIFFICULTIES),
    mutants=("puback-is-delivery", "backlog-drops-silently", "spool-swallows"),
    open=opened,
    needs=("mosquitto", "tmpfs"),
)
