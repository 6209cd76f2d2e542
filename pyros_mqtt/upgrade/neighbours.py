"""The agents on the bus: who is too far away from this version, and who must not be stopped now."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pyros_mqtt.claims import Health
from pyros_mqtt.deployment import is_same_host
from pyros_mqtt.fleet import Member
from pyros_mqtt.messages import State, Status
from pyros_mqtt.version import PROTOCOL, __version__

_NUMBERS = re.compile(r"(\d+)\.(\d+)")

_WORKS = {State.STARTING, State.BUSY, State.STOPPING}


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One agent that runs, on any machine.

    Attributes:
        is_here: it runs on this machine, so that an upgrade stops it.
        problems: why an upgrade is not safe now, for people.
    """

    name: str
    host: str
    version: str
    protocol: int
    state: str
    is_here: bool
    problems: tuple[str, ...]


def neighbours_of(members: Iterable[Member], host: str, own: str = __version__) -> list[Neighbour]:
    """Judge everyone who runs, or should: those that have stopped or are lost do not count.

    Args:
        members: whom the fleet knows.
        host: this machine's name.
        own: the version to go over to.
    """
    return [
        _judged(one, one.status, host, own)
        for one in members
        if one.status is not None and one.health in {Health.LIVE, Health.SILENT}
    ]


def are_apart(one: str, other: str) -> bool:
    """Say whether two versions are more than one minor version apart.

    What is no version of the form 1.2 tells nothing, so it is not.
    """
    first, second = _NUMBERS.match(one), _NUMBERS.match(other)
    if first is None or second is None:
        return False
    (major, minor), (its_major, its_minor) = map(int, first.groups()), map(int, second.groups())
    return major != its_major or abs(minor - its_minor) > 1


def _judged(member: Member, status: Status, host: str, own: str) -> Neighbour:
    is_here = bool(status.host) and is_same_host(status.host, host)
    problems = []
    if status.protocol != PROTOCOL:
        problems.append(f"speaks protocol {status.protocol}, this installation {PROTOCOL}")
    if are_apart(status.version, own):
        problems.append(f"is version {status.version}, more than one minor version from {own}")
    if is_here and (status.state in _WORKS or status.waiting):
        waiting = f", and {status.waiting} commands wait" if status.waiting else ""
        problems.append(f"runs here and is {member.label}{waiting}")
    return Neighbour(
        member.name,
        status.host,
        status.version,
        status.protocol,
        member.label,
        is_here,
        tuple(problems),
    )
