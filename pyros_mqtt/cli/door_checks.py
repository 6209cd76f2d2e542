"""What the doctor tries at the broker, harmlessly: which of its doors are open.

Everything that is published is empty, not retained, and under the name of an agent that there is
not; an empty payload takes such an agent away. What is delivered decides where it can, for a
broker that denies something may well answer "granted".
"""

from __future__ import annotations

import secrets
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pyros_mqtt.cli.endings import Trouble
from pyros_mqtt.cli.finding import Finding, bad, ok, warn
from pyros_mqtt.cli.reach import USUAL_PORT, Reach
from pyros_mqtt.errors import SettingsError

if TYPE_CHECKING:
    from pyros_mqtt.link import Link
    from pyros_mqtt.settings import BrokerUrl, Settings
    from pyros_mqtt.transport import Delivery

PATIENCE = 5.0
ECHO = 1.0
"""Seconds within which a broker delivers what it has just acknowledged."""

EVICTED = "client-id"
"""The alarm of an agent whose client id somebody else uses."""

SHUT = "put mosquitto/observatory.conf in place: docs/how-to/security.md"
RENEWAL = "docs/how-to/access.md#5-keep-it-in-order"
RULES = "`pyros access apply`, and let the broker read it; docs/how-to/security.md"

_NOBODY: dict[str, Any] = dict.fromkeys(
    ("username", "password", "password_file", "cert_file", "key_file")
)


def doors(reach: Reach) -> Iterator[Finding]:
    """Look at each broker: its line, whom it lets in, and what it lets us do."""
    for url in reach.brokers:
        yield from _line(url)
        yield from broker_certificate(reach.settings, url)
        yield from _strangers(reach.settings, url)
        yield from _powers(reach, url)


def stolen_client_ids(reach: Reach) -> Iterator[Finding]:
    """Look for agents that somebody else has thrown off the broker."""
    try:
        with reach.alarm_board() as board:
            alarms = [one for one in board.alarms if one.alarm == EVICTED]
    except Trouble:
        return  # what keeps us out has been told
    for alarm in alarms:
        yield bad(f"{alarm.agent}: {alarm.text}", "`pyros access revoke` whom the log names")


def _line(url: BrokerUrl) -> Iterator[Finding]:
    if url.is_tls:
        yield ok(f"{url}: by TLS")
    elif url.is_loopback:
        yield ok(f"{url}: without TLS, and on this machine alone")
    else:
        text = f"{url}: without TLS: commands and passwords can be read and changed on the way"
        yield bad(text, "use mqtts://; " + SHUT)


def broker_certificate(settings: Settings, url: BrokerUrl) -> Iterator[Finding]:
    """Look when the broker's certificate ends, for nobody else does: agents watch their own."""
    from pyros_mqtt.access.expiry import severity_of

    if not url.is_tls:
        return
    try:
        end = _end_of_certificate(settings, url)
    except (OSError, ValueError, SettingsError):
        return  # why it cannot be reached is told below
    left, day = end - time.time(), f"{datetime.fromtimestamp(end, UTC):%Y-%m-%d}"
    if severity_of(left) is None:
        yield ok(f"{url}: the broker's certificate is good until {day}")
    else:
        renew = f"`pyros access init --broker-host {url.host}` where the authority is, then apply"
        yield warn(f"{url}: the broker's certificate ends on {day}", f"{renew}: {RENEWAL}")


def _end_of_certificate(settings: Settings, url: BrokerUrl) -> float:
    """Begin to speak TLS, and read what the broker shows."""
    from pyros_mqtt.link.credentials import Credentials

    files = Credentials(settings.ca_file, settings.cert_file, settings.key_file)
    with (
        socket.create_connection((url.host, url.port), timeout=PATIENCE) as line,
        files.context().wrap_socket(line, server_hostname=url.host) as secured,
    ):
        shown = secured.getpeercert() or {}
    return ssl.cert_time_to_seconds(str(shown["notAfter"]))


def _strangers(settings: Settings, url: BrokerUrl) -> Iterator[Finding]:
    """Come as somebody who has neither name nor certificate, by TLS and without."""
    places = [replace(url, username=None, password=None)]
    if url.is_tls:
        places.append(replace(places[0], scheme="mqtt", port=USUAL_PORT, path=""))
    for place in places:
        trouble = _trouble(settings.model_copy(update=_NOBODY | {"brokers": (place,)}))
        if trouble == "" and place.is_loopback:
            yield warn(f"{place} lets in anybody on this machine", SHUT)
        elif trouble == "":
            yield bad(f"{place} lets in anybody, without name or certificate", SHUT)
        elif _was_there(trouble) and not (place.is_tls or place.is_loopback):
            text = f"{place} takes passwords without TLS: whoever listens on the line has them"
            yield warn(text, "let it serve the devices' own network alone")
        elif _was_there(trouble) or place.is_tls:
            yield ok(f"{place} does not let in strangers")


def _was_there(trouble: str) -> bool:
    """Whether a broker has answered, and not the operating system."""
    return "uthori" in trouble or "user name" in trouble


def _trouble(settings: Settings) -> str:
    """Connect; what kept us from it, empty where nothing did."""
    from pyros_mqtt.link import Brokers

    up = threading.Event()
    link = Brokers(settings).transport(f"pyros-doctor-{secrets.token_hex(4)}")
    link.on_state(lambda is_up: up.set() if is_up else None)
    link.open()
    try:
        return _until_decided(link, up)
    finally:
        link.close(timeout=0.5)


def _until_decided(link: Link, up: threading.Event) -> str:
    """Wait for the connection, or for its first failure; gives what kept us from it."""
    from pyros_mqtt.link import UNTRIED

    end = time.monotonic() + PATIENCE
    while not up.wait(0.05):
        if link.trouble not in {"", UNTRIED} or time.monotonic() > end:
            # an old broker has refused MQTT 5, and is asked in MQTT 3.1.1 now
            return "" if up.wait(ECHO / 2) else link.trouble or "no answer"
    return ""


def _powers(reach: Reach, url: BrokerUrl) -> Iterator[Finding]:
    """Try, as whom we are, what only an agent itself may do."""
    from pyros_mqtt.link import Brokers

    settings = reach.settings.model_copy(update={"brokers": (url,)})
    try:
        link = Brokers(settings).transport(f"pyros-doctor-{secrets.token_hex(4)}")
    except SettingsError as error:
        yield bad(str(error), "mend the file that it names")
        return
    agent = f"doctor-{secrets.token_hex(4)}"
    topics = reach.topics
    status, inbox = _Try(link, topics.status(agent)), _Try(link, topics.inbox(agent))
    link.open()
    try:
        if trouble := _until_decided(link, status.up):
            yield bad(trouble, "`pyros doctor` looks closer")
            return
        yield _forging(status.outcome(), f"{topics.root} at {url}")
        yield _eavesdropping(inbox.outcome(), f"{topics.root} at {url}")
    finally:
        link.close(timeout=0.5)


class _Try:
    """One topic on which we listen, and publish something empty."""

    def __init__(self, link: Link, topic: str) -> None:
        self.up = threading.Event()
        self._link = link
        self._topic = topic
        self._heard = threading.Event()
        self._answered = threading.Event()
        self._fate = ""
        link.subscribe(topic, self._hear)
        link.on_state(lambda is_up: self.up.set() if is_up else None)

    def outcome(self) -> str:
        """Publish: "heard", "taken", "refused", or "unheard" where only MQTT 5 would tell more."""
        from pyros_mqtt.transport import Fate, Parcel

        self._link.publish(Parcel(self._topic, b""), self._learn)
        self._answered.wait(PATIENCE)
        if self._heard.wait(0 if self._fate == Fate.REFUSED else ECHO):
            return "heard"
        if self._fate == Fate.REFUSED:
            return "refused"
        return "taken" if self._link.protocol == "MQTT 5" else "unheard"

    def _hear(self, _delivery: Delivery) -> None:
        self._heard.set()

    def _learn(self, fate: str) -> None:
        self._fate = fate
        self._answered.set()


def _forging(outcome: str, place: str) -> Finding:
    if outcome in {"heard", "taken"}:
        text = f"{place}: we may publish the status of others"
        return bad(text, f"unless we are house-keepers: {RULES}")
    if outcome == "unheard":
        text = f"{place}: it cannot be seen from here whether we may publish the status of others"
        return warn(text, "look again as somebody who may see statuses")
    return ok(f"{place}: we may not publish the status of others")


def _eavesdropping(outcome: str, place: str) -> Finding:
    if outcome == "heard":
        return bad(f"{place}: we may read the commands to others", RULES)
    if outcome == "taken":
        return ok(f"{place}: we may command, and do not read the commands to others")
    text = f"{place}: we may not command just anybody, so reading their commands was not tried"
    return ok(text)
