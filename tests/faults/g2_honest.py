"""G2: a send that did not reach its agent says so, in one clear sentence.

Each trial sends in every difficulty at once; a send counts as a success only where the agent has
written down that it started.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.faults.company import Company, Heard, await_true, settings_of, starts
from tests.faults.harness import Harness, RunTrial, Setting, Trial
from tests.faults.small_disk import SmallDisk
from tests.system.own_mosquitto import OwnMosquitto
from tests.system.tcp_proxy import TcpProxy

PACKET = 20_000
"""Bytes of the largest packet that the broker takes."""

PAYLOAD = 4096
"""Bytes of the largest command that the agent takes."""

ROOM = 5
"""Parcels that fit into the sender's backlog, where that is to be filled."""

LIVELY = 10.0
"""Seconds in which a command has to be run where nothing is wrong any more."""

LONGEST = 400
"""Characters of a sentence that is still clear."""

ACCESS = "topic read #\nuser ops\ntopic readwrite #\n"


class Broken(Exception):
    """The promise is broken; the text says how."""


class Place:
    """Two brokers, three agents, and a sender for each difficulty."""

    def __init__(self, stack: contextlib.ExitStack, setting: Setting) -> None:
        folder = setting.folder
        self.history = folder / "history"
        self.disks = {
            name: stack.enter_context(SmallDisk(folder / name))
            for name in ("journal", "spool", "broker")
        }
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
        through = settings_of(self.proxy.url, folder / "f", **ops)
        held = {"held": {"settings": through, "backlog": ROOM}}
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

    def send(self, via: str, agent: str, kinds: set[str], **more: Any) -> None:
        """Send one command, and judge what its sender was told; `kinds` are fitting errors."""
        n = self.number()
        self.senders.send(via, agent, n, **more)
        self.judge(self.senders, agent, n, kinds)

    def judge(self, company: Company, agent: str, n: int, kinds: set[str]) -> None:
        """Judge the first words that a sender was told of a command.

        Raises:
            Broken: they are not true, or not clear.
        """
        word = company.await_word(n, LIVELY, wanted=lambda heard: heard.told != "written")
        if word is None:
            raise Broken(f"to {agent}: a send was told nothing at all for {LIVELY} s")
        if word.told == "error":
            check_words(word, kinds)
        elif not await_true(lambda: self.ran(agent, n), LIVELY):
            raise Broken(f"to {agent}: a send was told {word.told!r}, and the agent never had it")


def _broker(folder: Path, top: Path, disk: SmallDisk | None = None) -> OwnMosquitto:
    rules = top / "rules"
    rules.write_text(ACCESS)
    options: dict[str, Any] = {"acl_file": str(rules), "max_packet_size": str(PACKET)}
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


def check_words(word: Heard, kinds: set[str]) -> None:
    """Look at the words of an error.

    Raises:
        Broken: it is none of `kinds`, or no clear sentence.
    """
    text = word.text
    if word.kind not in kinds:
        fitting = " or ".join(sorted(kinds)) or "success"
        raise Broken(f"it was told as {word.kind}, where {fitting} is true: {text}")
    if not text or "\n" in text or "Traceback" in text or len(text) > LONGEST:
        raise Broken(f"{word.kind} is no clear sentence: {text!r}")


# -- the difficulties ------------------------------------------------------------------------------


def nobody_there(place: Place, number: int) -> None:
    durable = {"durable": True, "ttl": 1.0} if number % 2 else {"ttl": 1.0}
    place.send("ops", "nobody", {"NobodyListens", "NoAnswer"}, **durable)


def denied(place: Place, _number: int) -> None:
    place.send("guest", "steady", {"Undeliverable"})


def denied_in_silence(place: Place, _number: int) -> None:
    """MQTT 3.1.1 has no word for it: the broker answers success."""
    place.send("old-guest", "steady", {"NoAnswer"}, ttl=1.0)


def too_large_for_the_agent(place: Place, number: int) -> None:
    place.send("ops", "steady", {"Rejected"}, args={"more": "x" * (PAYLOAD + number)})


def too_large_for_the_broker(place: Place, number: int) -> None:
    place.send("ops", "steady", {"Undeliverable"}, args={"more": "x" * (PACKET + number)})


def full_spool(place: Place, number: int) -> None:
    """What is on the disk before it fills up is delivered; what does not fit is told."""
    disk = place.disks["spool"]
    place.send("spooler", "steady", set(), durable=True)
    disk.fill()
    large = {"more": "x" * (1000 + number)}
    for _ in range(3):
        kinds = {"SpoolError", "NoAnswer"}
        place.send("spooler", "steady", kinds, durable=True, args=large, ttl=3.0)
    disk.empty()
    place.send("spooler", "steady", set(), durable=True)


def full_journal(place: Place, number: int) -> None:
    """An agent that cannot note what it accepts does not accept it; once it can, it does.

    What it has accepted and cannot start ends as failed, and the agent lives on.
    """
    disk, kinds = place.disks["journal"], {"NoAnswer", "Rejected"}
    place.accepted("ops", "cramped", args={"nap": 0.3})
    waits = place.accepted("ops", "cramped")  # it starts on the full disk
    disk.fill()
    numbers = [place.number() for _ in range(4)]
    large = {"more": "x" * (1000 + number)}
    for n, ttl in zip(numbers, (0.5, *(LIVELY / 2,) * 3), strict=True):
        place.senders.send("ops", "cramped", n, args=large, ttl=ttl)
    place.judge(place.senders, "cramped", numbers[0], kinds)
    disk.empty()
    for n in numbers[1:]:
        place.judge(place.senders, "cramped", n, kinds)
    end = place.senders.await_word(waits, LIVELY, wanted=lambda word: word.is_final)
    if end is None or (end.told == "done") is not place.ran("cramped", waits):
        raise Broken(f"what was accepted before has the end {end}")
    place.send("ops", "cramped", set())


def full_broker(place: Place, number: int) -> None:
    """A broker that cannot write what it acknowledges, and that is killed now and then."""
    disk = place.disks["broker"]
    disk.fill()
    place.send("far", "steady", set())
    if number % 2:
        n = place.number()
        place.senders.send("far", "steady", n, args={"more": "x" * 2000}, ttl=LIVELY - 1)
        place.full.kill()
        disk.empty()  # it refuses to start on a full one
        place.full.start()
        place.judge(place.senders, "steady", n, {"NoAnswer"})
    disk.empty()


def full_backlog(place: Place, _number: int) -> None:
    """A connection that does not move: what did not fit is sent again once it does."""
    place.proxy.is_mute = True
    try:
        numbers = [place.number() for _ in range(4 * ROOM)]
        for n in numbers:
            place.held.send("held", "steady", n, ttl=LIVELY - 1)
        place.held.send("held", "steady", late := place.number(), ttl=0.2)
        place.judge(place.held, "steady", late, {"NoAnswer", "Unreachable"})
    finally:
        place.proxy.is_mute = False
    for n in numbers:
        place.judge(place.held, "steady", n, set())


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


def tried(difficulty: Callable[[Place, int], None], place: Place, number: int) -> str:
    """How the promise is broken in one difficulty; empty where it holds."""
    try:
        difficulty(place, number)
    except Broken as broken:
        return f"{difficulty.__name__}: {broken}"
    return ""


@contextlib.contextmanager
def opened(setting: Setting) -> Iterator[RunTrial]:
    """Everything that the trials share."""
    with contextlib.ExitStack() as stack:
        place = Place(stack, setting)
        pool = stack.enter_context(ThreadPoolExecutor(len(DIFFICULTIES)))

        def trial(number: int) -> Trial:
            told = pool.map(lambda one: tried(one, place, number), DIFFICULTIES)
            return Trial(len(DIFFICULTIES), [text for text in told if text])

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
