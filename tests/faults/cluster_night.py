"""G1, G3, G5 and G8 on a cluster: a node is killed in the middle of work, and comes back.

A night has three agents on three nodes. One loses its node while it works, with the sender; one is
killed meanwhile and started again; one stands still until a successor has taken its name. In the
end each command has had its one end, none has started twice or late, and whoever looks, on any
node, sees who lives.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from pyros_mqtt import Receipt
from pyros_mqtt.claims import Health
from pyros_mqtt.fleet import Fleet, Member
from pyros_mqtt.link import Brokers as Links
from pyros_mqtt.sender import spool_path
from pyros_mqtt.settings import BrokerUrl, Settings
from pyros_mqtt.spool import Spool
from pyros_mqtt.transport import Delivery
from tests.faults.builds import HEALTHY
from tests.faults.checker import check
from tests.faults.clusters import Brokers
from tests.faults.harness import Setting, Trial
from tests.faults.history import Event, Reader, keys, read_notes
from tests.faults.inquiry import Question, ask_for_ends
from tests.faults.processes import Process, environment
from tests.faults.site import PATIENCE, Bookkeeper, Site, side_by_side

AGENTS = ("telescope", "dome", "camera")
COMMANDS = 8
"""Sent durably to each agent in the beginning."""

BUSY = 0.8
"""Seconds for which each agent does something else first, longer than some commands may wait."""

AMPLE = 120.0
"""Seconds for which what must be done may start."""

GRACE = 0.4
"""Seconds that a busy machine may take from the agent's decision to the note of the start."""

SETTLES = 30.0
"""Seconds in which every reader has the truth: three beats, and a machine with much other work."""

STAYS = 1.5
"""Seconds in which it must not change any more, longer than a beat."""

BACK = "seconds from a node's end until its agent is heard of through another one"


class Night:
    """Three agents of one build, those who command them, and who watches them."""

    def __init__(self, setting: Setting, brokers: Brokers, number: int) -> None:
        self._chance = random.Random(f"{number} {setting.build}")  # noqa: S311 - a seed
        self.setting = setting
        self._brokers = brokers
        self._number = number
        self._root = f"night-{setting.build}-{number}"
        self._folder = setting.folder / self._root
        self._folder.mkdir()
        self._notes = Reader(self._folder / "sender-notes")
        self._plans: list[str] = []
        self._senders: list[Process] = []
        self._repeated: list[Receipt] = []
        self._back = 0.0
        self._late_was_sent = threading.Event()
        self._stack = contextlib.ExitStack()
        own = Setting(self._folder, setting.build)
        self._sites = {
            name: Site(own, brokers.nodes[0].url, self._root, name, **self._near(place))
            for place, name in enumerate(AGENTS)
        }

    def open(self) -> None:
        """Start everyone."""
        for site in self._sites.values():
            self._stack.enter_context(site)
        sites = list(self._sites.values())
        side_by_side(lambda index: sites[index].start_ready(), range(len(sites)))
        settings = self._settings(1)
        self._watcher = self._stack.enter_context(Fleet(settings=settings))
        ear = Links(settings).transport(f"{self._root}-ear")
        ear.subscribe(f"{self._root}/dome/inbox", self._hear)
        ear.open()
        self._stack.callback(ear.close)
        self._keeper = self._stack.enter_context(
            contextlib.closing(
                Bookkeeper(
                    settings.brokers[0],
                    self._root,
                    self._folder,
                    "asker",
                    brokers=settings.brokers,
                    listen_qos=settings.listen_qos,
                )
            )
        )

    def close(self) -> None:
        """Leave nothing running."""
        for sender in self._senders:
            sender.kill()
        self._stack.close()

    def _hear(self, delivery: Delivery) -> None:
        if b"dome-late-2" in delivery.payload:
            self._late_was_sent.set()

    # -- what befalls it ------------------------------------------------------------------------

    def work(self) -> None:
        """Let all agents have work, of which some cannot start in time."""
        self._repeated = [
            self._keeper.post("telescope", "set" if index else "move", f"asked-{index}")
            for index in range(2)
        ]
        lines = [f"{name} hold {name}-first {BUSY} {AMPLE}" for name in AGENTS]
        for index in range(COMMANDS):
            ttl = AMPLE if index % 2 else self._chance.uniform(0.2, 1.2 * BUSY)
            seconds = self._chance.uniform(0.1, 0.4)
            lines += [f"{name} move {name}-{index} {seconds:.3f} {ttl:.3f}" for name in AGENTS]
        self._send("ops", lines)
        notes = self._sites["telescope"].notes
        assert notes.until(lambda events: keys(events, "started"), PATIENCE), "nothing has begun"

    def befall(self) -> None:
        """A node has just been killed: more happens, and the agents help themselves."""
        killed = time.time()
        calls = (self._restart_dome, self._replace_camera, lambda: self._until_back(killed))
        with ThreadPoolExecutor(len(calls)) as pool:
            for done in [pool.submit(call) for call in calls]:
                done.result()

    def _until_back(self, killed: float) -> None:
        """Wait until the agent that has lost its node is heard of through another one."""

        def is_back() -> bool:
            member = self._watcher.get("telescope")
            status = member.status if member else None
            return status is not None and (status.at or 0.0) > killed and status.state.is_alive

        assert self._watcher.wait_until(is_back, PATIENCE), "one that lost its node stays away"
        self._back = time.time() - killed

    def _restart_dome(self) -> None:
        """Let it stand still at work, and then kill it: what was sent meanwhile reached nobody."""
        site = self._sites["dome"]
        assert site.process is not None
        site.notes.until(lambda events: any(one.key != "dome-first" for one in _begun(events)), 5)
        site.process.freeze()
        lines = [f"dome move dome-late-{index} 0.05 {AMPLE}" for index in range(3)]
        self._send("late", lines)
        if self._late_was_sent.wait(4.0):  # not to one whose node has gone, which seems silent
            threading.Event().wait(0.3)
        site.kill()
        site.start()

    def _replace_camera(self) -> None:
        """Let it stand still until a successor works."""
        site = self._sites["camera"]
        assert site.process is not None
        first = site.process
        first.freeze()
        try:
            second = site.start_ready()
            # ready is also who has found no broker, and would give way to the first one
            is_seen = self._watcher.wait_until(lambda: self._sees("camera", second), PATIENCE)
            assert is_seen, "nobody has seen the successor"
        finally:
            first.thaw()
        self._let_one_leave(first, second)

    def _let_one_leave(self, first: Process, second: Process) -> None:
        """Of two of one name one has to go: the first, unless the second loses its node then."""
        patience = PATIENCE if self.setting.build == HEALTHY else 8.0
        end = time.monotonic() + patience
        while first.is_alive and second.is_alive and time.monotonic() < end:
            first.wait(0.1)
        living = [one for one in (first, second) if one.is_alive]
        for one in living[:-1]:
            one.kill()
        assert len(living) == 1, f"of two agents of one name {len(living)} have stayed"
        self._sites["camera"].process = living[0]

    # -- what has become of it ------------------------------------------------------------------

    def judge(self) -> Trial:
        """Say what was broken; each command that was promised counts."""
        told = self._undelivered()
        told += self._repeat()
        ends = self._ends(self._events())
        events = self._events()  # what had not ended then, has now
        told += check([*events, *ends], grace=GRACE)
        told += self._lies()
        return Trial(len(keys(events, "durable")), told, {BACK: self._back})

    def _undelivered(self) -> list[str]:
        self._await("sent", {line.split()[2] for line in self._plans})
        paths = [spool_path(self._folder / name, self._root) for name in ("ops", "late")]
        deadline, pause = time.monotonic() + 2 * PATIENCE, threading.Event()
        while any(_is_waiting(path) for path in paths):
            if time.monotonic() > deadline:
                return ["a sender has not delivered everything"]
            pause.wait(0.1)
        return []

    def _repeat(self) -> list[str]:
        """Send again what was answered before the node died: it must not start again."""
        told = []
        for first in self._repeated:
            again = self._keeper.repeat(first.command)
            with contextlib.suppress(Exception):
                again.result(PATIENCE)
            if again.state != "done":
                told.append(
                    f"{first.command.args['key']}, sent again, is {again.state or 'silent'}"
                )
        return told

    def _events(self) -> list[Event]:
        files = [self._notes.path, *(site.notes.path for site in self._sites.values())]
        noted = [event for file in files for event in read_notes(file)]
        in_time = [one for one in noted if one.what != "durable" or one.key not in self._hasty]
        return [*in_time, *self._keeper.book("telescope")]

    @property
    def _hasty(self) -> set[str]:
        """Those that may expire on the sender's disk, where no agent knows of it."""
        return {key for _, _, key, _, ttl in map(str.split, self._plans) if float(ttl) < AMPLE}

    def _ends(self, events: list[Event]) -> list[Event]:
        """Ask for the end of each command that was promised or started, under its latest id."""
        promised = keys(events, "durable") | keys(events, "started")
        ids = {one.key: (one.id, one.sender) for one in events if one.key in promised and one.id}
        questions = [
            Question(key, *ids[key], agent, message, {"key": key, "seconds": float(seconds)})
            for agent, message, key, seconds, _ in map(str.split, self._plans)
            if key in ids
        ]
        return ask_for_ends(self._brokers.nodes[0].url, self._root, questions, PATIENCE)

    def _lies(self) -> list[str]:
        """Ask a reader who was there all the time, and a new one on each node."""
        with contextlib.ExitStack() as stack:
            readers = {"the watcher": self._watcher}
            for place, node in enumerate(self._brokers.nodes):
                alone = self._settings(place).model_copy(update={"brokers": (node.url,)})
                readers[f"a reader on node {place}"] = stack.enter_context(Fleet(settings=alone))
            for fleet in readers.values():
                fleet.wait_until(partial(self._is_right, fleet), SETTLES)
            threading.Event().wait(STAYS)
            return [
                f"{who}: {wrong}" for who, fleet in readers.items() for wrong in self._wrong(fleet)
            ]

    def _is_right(self, fleet: Fleet) -> bool:
        return not self._wrong(fleet)

    def _wrong(self, fleet: Fleet) -> list[str]:
        """What a reader believes that is not so."""
        told = []
        for name, site in self._sites.items():
            member = fleet.get(name)
            assert site.process is not None
            if not _is_seen(member, site.process.pid):
                told.append(f"{name} lives as {site.process.pid}, and is seen as {member}")
        return told

    def _sees(self, name: str, process: Process) -> bool:
        return _is_seen(self._watcher.get(name), process.pid)

    # -- what it is made of ---------------------------------------------------------------------

    def _near(self, place: int) -> dict[str, str]:
        """Settings of a process that tries first the node of this number, from the victim on."""
        turned = self._number // len(self._brokers.nodes)
        urls = self._brokers.urls(self._number + (place + turned) % len(AGENTS))
        return self._told(urls)

    def _told(self, urls: Iterable[BrokerUrl]) -> dict[str, str]:
        return {
            "PYROS_BROKERS": ",".join(map(str, urls)),
            "PYROS_LISTEN_QOS": str(self._brokers.listen_qos),
        }

    def _settings(self, place: int) -> Settings:
        urls, qos = self._brokers.urls(self._number + place), self._brokers.listen_qos
        return Settings(brokers=urls, root=self._root, keepalive=5, beat=1.0, listen_qos=qos)

    def _send(self, name: str, lines: Sequence[str]) -> None:
        """Send durably, from a process of its own that begins on the victim."""
        plan = self._folder / f"{name}-plan"
        plan.write_text("\n".join(lines))
        self._plans += lines
        brokers = self._told(self._brokers.urls(self._number))
        state = self._folder / name
        told = environment(self.setting, self._brokers.nodes[0].url, self._root, state, **brokers)
        self._senders.append(Process(told, "sender", name, str(self._notes.path), str(plan)))

    def _await(self, what: str, wanted: set[str]) -> None:
        is_there = self._notes.until(
            lambda events: wanted <= {one.key for one in events if one.what == what}, PATIENCE
        )
        assert is_there, f"the sender has not {what} everything: see {self._folder}"


def _is_seen(member: Member | None, pid: int) -> bool:
    """Whether this process, which lives, is seen as what it is."""
    status = member.status if member else None
    return (
        member is not None
        and status is not None
        and (member.health, status.pid) == (Health.LIVE, pid)
        and status.state.is_alive
    )


def _begun(events: list[Event]) -> list[Event]:
    return [event for event in events if event.what == "started"]


def _is_waiting(path: Path) -> bool:
    with contextlib.closing(Spool(path)) as spool:
        return spool.is_waiting
