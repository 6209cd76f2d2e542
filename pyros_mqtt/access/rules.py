"""The broker's side of the register: what mosquitto lets pass, written down identity by identity.

Each identity has lines of its own, and whoever has none may do nothing. There is no `pattern`
line: those hold for everybody who connects, also for a certificate that nobody has registered.

mosquitto judges a message when it is published and again when it is delivered. It answers every
subscription with "granted", so only what arrives tells whether somebody may read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pyros_mqtt.access import disk
from pyros_mqtt.access.passwords import kept_passwords
from pyros_mqtt.access.register import Identity, Register
from pyros_mqtt.access.roles import EVERYONE
from pyros_mqtt.topics import Topics

CERTIFICATES = "certificates.acl"
"""Rules of the listeners that ask for a certificate."""

DEVICES = "devices.acl"
"""Rules of the listener for devices without TLS."""

BROWSERS = "browsers.acl"
"""Rules of the WebSocket listener."""

PASSWORDS = "passwords"
"""Names and hashed passwords, for devices and browsers."""

_SAID = ("telemetry/+", "alarm/+", "log/+", "outbox/+")
"""What an agent says without listening to itself; its status and about it watches over."""

_SEEN = ("status", "about", *_SAID)
"""What may be seen of an agent: everything but its inbox."""

_KEPT = ("status", "about", "telemetry/+", "alarm/+")
"""Where an agent leaves retained messages."""

_BROUGHT = ("status", "about", "alarm/+")
"""What a bridge shows of a far site."""

_HEAD = """\
# Made by `pyros access apply` from access.toml: change that file, not this one.
# {whom}
"""


def write_rules(register: Register, folder: Path, root: str) -> None:
    """Write what mosquitto reads, each file whole or not at all.

    Passwords that `passwords` holds are kept for those who may still come by one. A broker that
    runs takes the files over when it is sent SIGHUP.

    Args:
        register: who may do what.
        folder: gets `certificates.acl`, `devices.acl`, `browsers.acl` and `passwords`.
        root: the topic root.

    Raises:
        AccessError: the folder cannot be written.
        BadName: the root breaks the rule.
    """
    for name, text in _each(register, root).items():
        disk.write(folder / name, text)
    disk.write(folder / PASSWORDS, kept_passwords(folder / PASSWORDS, register), secret=True)


def differing(register: Register, folder: Path, root: str) -> list[str]:
    """Name the rule files of a folder that are not what `write_rules` would write now.

    Raises:
        AccessError: one of them cannot be read.
        BadName: the root breaks the rule.
    """
    return [
        name
        for name, text in _each(register, root).items()
        if not (folder / name).is_file() or disk.read(folder / name) != text.encode()
    ]


def _each(register: Register, root: str) -> dict[str, str]:
    topics = Topics(root)
    return {
        CERTIFICATES: certificate_rules(register, topics),
        DEVICES: device_rules(register, topics),
        BROWSERS: browser_rules(register, topics),
    }


def certificate_rules(register: Register, topics: Topics) -> str:
    """Give the rules for those who show a certificate: all that their role allows."""
    whom = "For those who show a certificate; `user` is the name in it."
    return _rules(whom, {name: _lines(register, name, topics) for name in register.identities})


def device_rules(register: Register, topics: Topics) -> str:
    """Give the rules for agents that come by a password without TLS: only what is their own.

    Whoever listens on the line has their password, so they neither command nor look at others.
    """
    agents = [name for name in register.agents if register.identities[name].password]
    whom = "For devices without TLS: each is its own agent, and no more."
    return _rules(whom, {name: _own(topics, name) for name in agents})


def browser_rules(register: Register, topics: Topics) -> str:
    """Give the rules for people who look from a browser, by a password over TLS."""
    people = [
        name
        for name, one in register.identities.items()
        if one.password and register.role(name).views and not register.role(name).lives
    ]
    whom = "For people with a browser: they look, and command nothing."
    return _rules(whom, {name: _seen(register, topics) for name in people})


def _rules(whom: str, by_name: dict[str, list[str]]) -> str:
    parts = [_HEAD.format(whom=whom)]
    for name, lines in sorted(by_name.items()):
        if lines:
            parts.append("\n".join([f"user {name}", *lines]) + "\n")
    return "\n".join(parts)


def _lines(register: Register, name: str, topics: Topics) -> list[str]:
    role = register.role(name)
    lines = _own(topics, name) if role.lives else []
    if role.views:
        lines += _seen(register, topics)
    lines += _bridging(register.identities[name], topics)
    lines.extend(_commanding(register, name, topics, sees_reports=role.views))
    if role.keeps_house:
        lines += [f"topic write {topics.root}/+/{branch}" for branch in _KEPT]
        lines.append(f"topic readwrite {topics.every('trial', '+')}")  # for `pyros bench`
    return lines


def _own(topics: Topics, name: str) -> list[str]:
    """An agent reads its inbox, says everything else, and sees what stands under its name."""
    return [
        f"topic read {topics.inbox(name)}",
        f"topic readwrite {topics.status(name)}",
        f"topic readwrite {topics.about(name)}",
        *(f"topic write {topics.root}/{name}/{branch}" for branch in _SAID),
    ]


def _seen(register: Register, topics: Topics) -> list[str]:
    """All agents, those of far sites, and whether the lines to them stand."""
    far = [Topics(root) for root in register.far_roots]
    return [
        *(f"topic read {topics.every(branch)}" for branch in _SEEN),
        *(f"topic read {site.every(branch)}" for site in far for branch in _BROUGHT),
        *(f"topic read {site.line}" for site in (topics, *far)),
    ]


def _bridging(identity: Identity, topics: Topics) -> list[str]:
    """A bridge carries away what is listed for it, and brings what is seen of its own site."""
    lines = [f"topic read {topics.every(branch)}" for branch in identity.reads]
    if identity.brings is not None:
        far = Topics(identity.brings)
        lines += [f"topic write {far.every(branch)}" for branch in _BROUGHT]
    return lines


def _commanding(
    register: Register, name: str, topics: Topics, *, sees_reports: bool
) -> Iterator[str]:
    """A sender writes to inboxes, and reads what is reported to it."""
    inboxes = register.inboxes(name)
    for agent in inboxes:
        inbox = topics.every("inbox") if agent == EVERYONE else topics.inbox(agent)
        yield f"topic write {inbox}"
    if inboxes and not sees_reports:
        yield f"topic read {topics.every('outbox', name)}"
