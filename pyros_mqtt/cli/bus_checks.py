"""What the doctor looks at on the bus: brokers, clocks, and who is there."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pyros_mqtt.cli import show
from pyros_mqtt.cli.doubt import of_our_certificate
from pyros_mqtt.cli.finding import Finding, bad, ok, warn
from pyros_mqtt.cli.reach import Reach, settle

if TYPE_CHECKING:
    from pyros_mqtt.fleet import Fleet
    from pyros_mqtt.link import Link
    from pyros_mqtt.settings import BrokerUrl, Settings

PATIENCE = 5.0
SLOW = 0.5
"""Seconds for a broker's answer above which people notice."""
LONGEST_BEAT = 6.0
"""Seconds to wait for a word of a live agent, to compare the clocks."""


def brokers(reach: Reach) -> Iterator[Finding]:
    """Connect to each broker."""
    if not reach.settings.brokers:
        tried = ", ".join(map(str, reach.brokers))
        yield warn(
            f"no broker is configured; {tried} is tried",
            "set PYROS_BROKERS=mqtt://HOST:1883, or `brokers` in pyros.toml",
        )
    found = [_broker(reach, url) for url in reach.brokers]
    is_served = any(one.level != "bad" for one in found)
    for one in found:
        # a broker in reserve may be away
        yield warn(one.text, one.mend) if is_served and one.level == "bad" else one


def _broker(reach: Reach, url: BrokerUrl) -> Finding:
    from pyros_mqtt.errors import SettingsError
    from pyros_mqtt.link import Brokers

    settings = reach.settings.model_copy(update={"brokers": (url,)})
    up = threading.Event()
    try:
        link = Brokers(settings).transport(f"pyros-doctor-{secrets.token_hex(4)}")
    except SettingsError as error:
        return bad(str(error), "mend the file that it names")
    link.on_state(lambda is_up: up.set() if is_up else None)
    link.open()
    try:
        if not up.wait(PATIENCE):
            return bad(f"broker {link.trouble}", _mend(link.trouble, settings))
        seconds = _latency(link, reach)
    finally:
        link.close(timeout=0.5)
    text = f"broker {url}: {link.protocol}"
    if seconds is None:
        return warn(f"{text}, takes no message", "look at the broker's access rules and its log")
    text += f", answers in {seconds * 1000:.1f} ms"
    return ok(text) if seconds < SLOW else warn(text, "look at the network and the broker's load")


def _latency(link: Link, reach: Reach) -> float | None:
    """Time the broker's acknowledgement of an empty log record."""
    from pyros_mqtt.transport import Parcel

    acknowledged = threading.Event()
    began = time.monotonic()
    parcel = Parcel(reach.topics.log("doctor", "debug"), b"")
    link.publish(parcel, lambda _fate: acknowledged.set())
    return time.monotonic() - began if acknowledged.wait(PATIENCE) else None


def _mend(trouble: str, settings: Settings) -> str:
    """Choose an advice for what a broker's connection said."""
    if doubt := of_our_certificate(settings, trouble):
        return doubt
    for sign, advice in (
        ("refused", "start it: `pyros broker`, or the system's mosquitto; check the port"),
        ("not known", "check the host's name in PYROS_BROKERS"),
        ("resolution", "check the host's name in PYROS_BROKERS"),
        ("uthori", "check PYROS_USERNAME and PYROS_PASSWORD_FILE"),
        ("user name", "check PYROS_USERNAME and PYROS_PASSWORD_FILE"),
        ("certificate", "check PYROS_CA_FILE, and the name in the broker's certificate"),
        ("SSL", "check PYROS_CA_FILE, and that the port speaks TLS"),
    ):
        if sign in trouble:
            return advice
    return "check its address, the network and its log"


def agents(fleet: Fleet, settings: Settings) -> Iterator[Finding]:
    """Compare who is configured here with who lives."""
    from pyros_mqtt.cli.rows import is_troubled, state
    from pyros_mqtt.deployment import tables_here

    settle(fleet)
    members = {one.name: one for one in fleet.members()}
    for name in tables_here(settings, socket.gethostname()):
        if name not in members or state(members[name]) in {"stopped", "unknown"}:
            yield warn(f"{name} is configured here and does not run", "pyros up")
    for name, why in fleet.unreadable().items():
        text = show.one_line(f"{name}: its status cannot be read: {why}")
        yield warn(text, f"find out who speaks as {name}")
    for name, member in members.items():
        if is_troubled(member) or state(member) in {"degraded", "unknown"}:
            detail = member.status.detail if member.status else ""
            yield warn(f"{name}: {member.label} {detail}".rstrip(), f"look at {name} and its log")
        elif state(member) != "stopped":
            yield ok(f"{name}: {member.label}")


def clocks(reach: Reach, fleet: Fleet) -> Iterator[Finding]:
    """Compare this machine's clock with those of the agents that live."""
    from pyros_mqtt.cli.rows import SHOWN_SKEW, clock

    live = [one.name for one in fleet.members() if one.health.value == "live"]
    fleet.wait_until(lambda: None not in _skews(fleet, live).values(), LONGEST_BEAT)
    told = {name: skew for name, skew in _skews(fleet, live).items() if skew is not None}
    for name, skew in told.items():
        if abs(skew) > reach.settings.max_clock_skew:
            text = "set both machines' clocks by NTP: commands are refused otherwise"
            yield bad(f"{name}: {clock(skew)}", text)
        elif abs(skew) > SHOWN_SKEW:
            yield warn(f"{name}: {clock(skew)}", "set both machines' clocks by NTP")
    if told and all(abs(one) <= SHOWN_SKEW for one in told.values()):
        yield ok(f"this clock agrees with that of {', '.join(told)}")


def _skews(fleet: Fleet, names: list[str]) -> dict[str, float | None]:
    """Give how far each agent's clock is ahead of ours; None where it has said nothing yet."""
    members = {name: fleet.get(name) for name in names}
    return {name: one.skew for name, one in members.items() if one is not None}
