"""G14: closed doors. Every cell of role x topic x operation, judged by what is delivered.

A real broker with the shipped configuration and the rules that the register makes. Everybody
publishes to every topic, live and retained, and everybody listens to everything. What arrives is
compared with `WHO`, a table that is written by hand and knows nothing of the rules.
"""

from __future__ import annotations

import contextlib
import itertools
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pyros_mqtt.access import Register
from pyros_mqtt.access.rules import CERTIFICATES, DEVICES
from tests.faults.harness import Harness, RunTrial, Setting, Trial
from tests.system.closed_doors import SECRET, ClosedMosquitto
from tests.system.raw_mqtt import Message, RawClient

ACCESS = """
[roles.student]
views = true
commands = { telescope = ["goto"], camera = ["expose"] }

[roles.button]
commands = { dome = ["close"] }

[roles.caretaker]
keeps_house = true

[identities]
dome = { role = "agent", host = "t60-dome" }
camera = { role = "agent" }
watchman = { role = "agent", commands = { dome = ["close"] } }
scheduler = { role = "scheduler" }
sensor = { role = "agent", password = true }
guest = { role = "viewer" }
ops = { role = "operator" }
tech = { role = "engineer" }
eva = { role = "student" }
panic = { role = "button" }
broom = { role = "caretaker" }
wall = { role = "viewer", password = true }
mast = { role = "operator", password = true }

[identities.north]
role = "bridge"
commands = { telescope = ["goto"] }
reads = ["status", "alarm/+", "outbox/eva"]
brings = "far"
"""

AGENTS = ("dome", "camera", "telescope", "sensor", "watchman", "scheduler", "guest", "nobody")
"""Those under whose names everybody tries everything; two are not registered, one is no agent."""

BRANCHES = (
    "inbox", "status", "about", "telemetry/azimuth", "alarm/rain", "log/info", "outbox/ops",
    "outbox/eva", "outbox/panic", "inbox/deeper", "telemetry/a/b", "shutter",
)  # fmt: skip

SEEN = ("status", "about", "telemetry/azimuth", "alarm/rain", "log/info", "outbox")
BROUGHT = ("status", "about", "alarm/rain")
KEPT = ("status", "about", "telemetry/azimuth", "alarm/rain")
ALL = AGENTS

FAR = "far/"
"""Before the names of a far site's agents, in place of this site's root."""

LINE = "line"
"""Where a bridge tells whether its line stands: no branch of any agent."""


@dataclass(frozen=True)
class May:
    """What somebody may do, in the words of the guarantee.

    Attributes:
        own: the agent that it is: publishes all but its inbox, reads its inbox.
        inboxes: those to which it may publish.
        sees: the agents of whom it reads everything but the inbox.
        reports: under this name it reads what is reported to it.
        tidies: it may publish where agents leave retained messages.
        carries: the branches of all agents that it reads.
        brings: it publishes what is seen of a far site.
    """

    own: str = ""
    inboxes: tuple[str, ...] = ()
    sees: tuple[str, ...] = ()
    reports: str = ""
    tidies: bool = False
    carries: tuple[str, ...] = ()
    brings: bool = False

    def publishes(self, agent: str, branch: str) -> bool:
        if agent.startswith(FAR):
            return self.brings and branch in BROUGHT
        if branch == "inbox":
            return agent in self.inboxes
        if self.tidies and branch in KEPT:
            return True
        return agent == self.own and _is_seen(branch)

    def reads(self, agent: str, branch: str) -> bool:
        if agent.startswith(FAR):
            return bool(self.sees) and branch in {*BROUGHT, LINE}
        if branch == LINE:
            return bool(self.sees)
        if branch == "inbox":
            return agent == self.own
        if branch == f"outbox/{self.reports}" or branch in self.carries:
            return True
        watches_itself = agent == self.own and branch in {"status", "about"}
        return watches_itself or (agent in self.sees and _is_seen(branch))


def _is_seen(branch: str) -> bool:
    return branch in SEEN or branch.startswith("outbox/")


NOTHING = May()

WHO: dict[str, May] = {
    "dome": May(own="dome", sees=ALL),
    "camera": May(own="camera", sees=ALL),
    "watchman": May(own="watchman", inboxes=("dome",), sees=ALL),
    "scheduler": May(own="scheduler", inboxes=ALL, sees=ALL),
    "sensor": May(own="sensor", sees=ALL),
    "sensor by password": May(own="sensor"),
    "guest": May(sees=ALL),
    "ops": May(inboxes=ALL, sees=ALL),
    "tech": May(inboxes=ALL, sees=ALL, tidies=True),
    "eva": May(inboxes=("telescope", "camera"), sees=ALL),
    "panic": May(inboxes=("dome",), reports="panic"),
    "broom": May(tidies=True),
    "wall": May(sees=ALL),
    "wall by password": NOTHING,
    "mast by password": NOTHING,
    "north": May(
        inboxes=("telescope",),
        reports="north",
        carries=("status", "alarm/rain", "outbox/eva"),
        brings=True,
    ),
    "unregistered": NOTHING,
}
"""Who comes in, by which door, and what is open to them there."""

SHUT_OUT = ("without certificate", "without password", "wrong password", "dome by password")
"""Who does not come in at all."""

FAR_BRANCHES = (*BROUGHT, "inbox", "telemetry/azimuth")

ROOTS = ("w", "esp/t60")


@dataclass
class Seen:
    """What one pass has shown: what arrived where, and what the broker kept of whom."""

    heard: dict[str, set[bytes]] = field(default_factory=dict)
    kept: dict[str, set[str]] = field(default_factory=dict)
    found: dict[str, set[str]] = field(default_factory=dict)


class Doors:
    """A broker with closed doors, and everybody in front of them."""

    def __init__(self, stack: contextlib.ExitStack, folder: Path, root: str, build: str) -> None:
        folder.mkdir()
        file = folder / "access.toml"
        file.write_text(ACCESS)
        self._root = root
        self._broker = ClosedMosquitto(folder, Register.read(file), root)
        MUTANTS.get(build, _unchanged)(folder, root)
        stack.enter_context(self._broker)
        self._topics = {
            f"{root}/{agent}/{branch}": (agent, branch)
            for agent, branch in itertools.product(AGENTS, BRANCHES)
        }
        outside = ("elsewhere/dome/inbox", f"{root}/dome", "homeassistant/sensor/x/config", "will")
        self._topics |= dict.fromkeys(outside, ("", ""))
        self._topics |= {f"{FAR}dome/{branch}": (f"{FAR}dome", branch) for branch in FAR_BRANCHES}
        self._topics[f"{root}/{LINE}"] = "", LINE
        self._topics[f"{FAR}{LINE}"] = FAR, LINE
        self._clients = {name: stack.enter_context(self._enter(name)) for name in WHO}
        self._witness = stack.enter_context(RawClient(self._broker.witness))

    def judge(self) -> Trial:
        """Let everybody try everything, and compare."""
        broken = [f"{name} came in" for name in SHUT_OUT if self._comes_in(name)]
        seen = self._try_everything()
        for name, topic in itertools.product(WHO, self._topics):
            broken += self._compare(seen, name, topic)
        cells = len(WHO) * len(self._topics) * 3 + len(SHUT_OUT)
        return Trial(cells, broken)

    def _compare(self, seen: Seen, name: str, topic: str) -> Iterator[str]:
        """The three cells of one person and one topic, and what each listener had of it."""
        agent, branch = self._topics[topic]
        publishes = WHO[name].publishes(agent, branch)
        reads = WHO[name].reads(agent, branch)
        if (topic in seen.kept[name]) != publishes:
            yield f"{name} {_may(publishes)} retain on {topic}"
        if (topic in seen.found[name]) != reads:
            yield f"{name} {_may(reads)} read what is retained on {topic}"
        for other, way in itertools.product(WHO, ("live", "retained")):
            heard = _payload(name, way, topic) in seen.heard[other]
            may = publishes and WHO[other].reads(agent, branch)
            if heard != may:
                yield f"{name} on {topic} ({way}): {other} {_may(may)} hear it"
        if (_payload("witness", "live", topic) in seen.heard[name]) != reads:
            yield f"{name} {_may(reads)} read {topic}"

    def _try_everything(self) -> Seen:
        seen = Seen()
        for client in self._clients.values():
            self._listen(client)
        for name, client in self._clients.items():
            for way, topic in itertools.product(("live", "retained"), self._topics):
                retain = way == "retained"
                client.publish(topic, _payload(name, way, topic), qos=1, retain=retain)
            with RawClient(self._broker.witness) as late:
                kept = late.subscribe("#", qos=0).drain()
            own = f"{name}|".encode()
            seen.kept[name] = {one.topic for one in kept if one.payload.startswith(own)}
        for topic in self._topics:
            self._witness.publish(topic, _payload("witness", "live", topic), qos=1)
            self._witness.publish(topic, b"kept", qos=1, retain=True)
        for name, client in self._clients.items():
            seen.heard[name] = {one.payload for one in client.drain()}
            self._listen(client)
            seen.found[name] = {one.topic for one in client.drain() if _is_kept(one)}
        for topic in self._topics:
            self._witness.publish(topic, b"", qos=1, retain=True)
        for client in self._clients.values():
            client.drain()
        return seen

    def _listen(self, client: RawClient) -> None:
        """Ask for everything in every way: the broker grants it, whatever it will deliver."""
        root = self._root
        wishes = ("#", f"{root}/#", f"{root}/+/inbox", f"{root}/dome/inbox", f"{root}/dome/+")
        client.subscribe(*wishes, qos=0)

    def _enter(self, name: str) -> RawClient:
        who, _, by = name.partition(" by ")
        if by:
            return RawClient(self._broker.devices, login=(who, SECRET))
        return self._broker.client(who)

    def _comes_in(self, name: str) -> bool:
        tries = {
            "without certificate": lambda: RawClient(
                self._broker.url, tls=self._broker.authority.context(), login=("dome", SECRET)
            ),
            "without password": lambda: RawClient(self._broker.devices),
            "wrong password": lambda: RawClient(self._broker.devices, login=("sensor", "guess")),
            "dome by password": lambda: RawClient(self._broker.devices, login=("dome", SECRET)),
        }
        try:
            with tries[name]() as client:
                return client.drain() == []
        except (AssertionError, ConnectionError, ssl.SSLError):
            return False


def _payload(name: str, way: str, topic: str) -> bytes:
    return f"{name}|{way}|{topic}".encode()


def _is_kept(message: Message) -> bool:
    return message.retain and message.payload == b"kept"


def _may(allowed: bool) -> str:  # noqa: FBT001 - a word for it
    return "must be able to" if allowed else "must not"


# -- rule files that are wrong -------------------------------------------------------------------


def _unchanged(_folder: Path, _root: str) -> None:
    """The rules as they are made."""


def _with(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1, f"{old!r} is not one line of {file.name}: mend the mutant"
    file.write_text(text.replace(old, new))


def _one_line_too_many(folder: Path, root: str) -> None:
    """A camera that may also read the dome's inbox."""
    line = f"topic read {root}/camera/inbox"
    _with(folder / CERTIFICATES, line, f"{line}\ntopic read {root}/dome/inbox")


def _one_line_too_few(folder: Path, root: str) -> None:
    """A dome that cannot raise an alarm."""
    _with(folder / CERTIFICATES, f"topic write {root}/dome/alarm/+\n", "")


def _pattern_for_everybody(folder: Path, root: str) -> None:
    """Reports for everybody who connects, also for a certificate that nobody has registered."""
    text = (folder / CERTIFICATES).read_text()
    (folder / CERTIFICATES).write_text(f"{text}\npattern write {root}/%u/status\n")


def _devices_look_around(folder: Path, root: str) -> None:
    """A device that comes by password sees others."""
    line = f"topic read {root}/sensor/inbox"
    _with(folder / DEVICES, line, f"{line}\ntopic read {root}/+/status")


MUTANTS = {
    "one-line-too-many": _one_line_too_many,
    "one-line-too-few": _one_line_too_few,
    "pattern-for-everybody": _pattern_for_everybody,
    "devices-look-around": _devices_look_around,
}


@contextlib.contextmanager
def opened(setting: Setting) -> Iterator[RunTrial]:
    """A broker of its own for each pass: with another root each time."""

    def run(number: int) -> Trial:
        with contextlib.ExitStack() as stack:
            root = ROOTS[number % len(ROOTS)]
            place = setting.folder / f"pass-{number}"
            return Doors(stack, place, root, setting.build).judge()

    yield run


CELLS = len(WHO) * (len(AGENTS) * len(BRANCHES) + len(FAR_BRANCHES) + 6) * 3 + len(SHUT_OUT)
"""So many has one pass."""

G14 = Harness(
    name="g14-doors",
    promise="G14",
    title="each may do what its role allows, and nothing else",
    full=20 * CELLS,
    gate=CELLS,
    mutants=tuple(MUTANTS),
    open=opened,
)
