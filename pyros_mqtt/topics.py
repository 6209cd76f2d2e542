"""The topic tree and the rule for names. Pure: nothing here touches a network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from pyros_mqtt.errors import BadName

ANONYMOUS = "anonymous"
"""Under this name the commands without a sender are reported."""

NAME_PATTERN = "^[a-z0-9][a-z0-9_-]{0,62}$"
"""The rule for names as others write it, such as JSON Schema."""

_NAME = re.compile(NAME_PATTERN[1:-1])


def check_name(kind: str, name: object) -> str:
    """Return `name` if it keeps the rule for names (protocol section 1).

    Raises:
        BadName: it is no string, or breaks `^[a-z0-9][a-z0-9_-]{0,62}$`.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadName(kind, name)
    return name


@dataclass(frozen=True, slots=True)
class Address:
    """Where a topic of the tree belongs: agent, branch (`status`, `outbox`, ...) and leaf."""

    agent: str
    branch: str
    leaf: str = ""


@dataclass(frozen=True, slots=True)
class Topics:
    """The tree under one root; every method refuses a bad name, so no topic holds a wildcard.

    `root` may have several levels (`esp/t60`), each under the rule for names.
    """

    root: str = "pyros"

    def __post_init__(self) -> None:
        """Check every level of the root."""
        for level in self.root.split("/"):
            check_name("topic root", level)

    def inbox(self, agent: str) -> str:
        """Where commands to `agent` go."""
        return self._branch(agent, "inbox")

    def outbox(self, agent: str, sender: str) -> str:
        """Where `agent` reports on the commands of `sender`."""
        return f"{self._branch(agent, 'outbox')}/{check_name('sender', sender)}"

    def status(self, agent: str) -> str:
        """Where the status document of `agent` is retained."""
        return self._branch(agent, "status")

    def about(self, agent: str) -> str:
        """Where `agent` says what it understands and measures."""
        return self._branch(agent, "about")

    def telemetry(self, agent: str, channel: str) -> str:
        """Where one channel of `agent` is published."""
        return f"{self._branch(agent, 'telemetry')}/{check_name('channel', channel)}"

    def alarm(self, agent: str, alarm: str) -> str:
        """Where one alarm of `agent` is retained."""
        return f"{self._branch(agent, 'alarm')}/{check_name('alarm', alarm)}"

    def log(self, agent: str, level: str) -> str:
        """Where log records of one level of `agent` pass."""
        return f"{self._branch(agent, 'log')}/{check_name('log level', level)}"

    def trial(self, agent: str, leaf: str) -> str:
        """Where `pyros bench` sends messages to itself; nobody else listens there."""
        return f"{self._branch(agent, 'trial')}/{check_name('trial', leaf)}"

    @property
    def line(self) -> str:
        """Where a bridge keeps `1`, or `0` while it is cut off from the site of this root."""
        return f"{self.root}/line"

    def every(self, branch: str, leaf: str = "") -> str:
        """A filter for one branch of all agents: `pyros/+/status`, `pyros/+/outbox/ops`."""
        return f"{self.root}/+/{branch}/{leaf}" if leaf else f"{self.root}/+/{branch}"

    def client_id(self, agent: str) -> str:
        """The MQTT client id under which `agent` connects, one for each name and root."""
        return f"{self.root.replace('/', '-')}-{check_name('agent', agent)}"

    def parse(self, topic: str) -> Address | None:
        """Tell to whom a topic belongs; None where it is not one of this tree."""
        return _parse(self.root + "/", topic)

    def _branch(self, agent: str, branch: str) -> str:
        return f"{self.root}/{check_name('agent', agent)}/{branch}"


@lru_cache(maxsize=4096)
def _parse(prefix: str, topic: str) -> Address | None:
    if not topic.startswith(prefix):
        return None
    agent, _, rest = topic[len(prefix) :].partition("/")
    branch, _, leaf = rest.partition("/")
    if not branch or not _NAME.fullmatch(agent):
        return None
    return Address(agent, branch, leaf)


def matches(pattern: str, topic: str) -> bool:
    """Say whether an MQTT subscription `pattern` covers a concrete `topic` (MQTT 4.7)."""
    if topic.startswith("$") and pattern[:1] in {"+", "#"}:
        return False
    wanted, given = pattern.split("/"), topic.split("/")
    for i, level in enumerate(wanted):
        if level == "#":
            return True
        if i >= len(given) or level not in {"+", given[i]}:
            return False
    return len(wanted) == len(given)


def overlap(one: str, other: str) -> bool:
    """Say whether some topic is covered by both patterns, so that a broker may deliver it twice."""
    first, second = one.split("/"), other.split("/")
    for left, right in zip(first, second, strict=False):
        if "#" in {left, right}:
            return True
        if "+" not in {left, right} and left != right:
            return False
    longer = first if len(first) > len(second) else second
    return len(first) == len(second) or longer[min(len(first), len(second))] == "#"
