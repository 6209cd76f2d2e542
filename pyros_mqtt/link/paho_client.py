"""paho as we use it: one client a connection, driven from outside."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from pyros_mqtt.link.access import Access
from pyros_mqtt.link.turn_socket import TurnSocket
from pyros_mqtt.transport import Fate

if TYPE_CHECKING:
    from pyros_mqtt.settings import BrokerUrl

V5 = MQTTProtocolVersion.MQTTv5
V311 = MQTTProtocolVersion.MQTTv311

CONNECT_TIMEOUT = 5.0
"""Seconds for TCP, TLS and the broker's answer to CONNECT, each."""

PAHO_SOCKET = "_sock"
"""Where paho keeps its socket, and the one private name that we use: there is no public way to put
another one there. If the name is gone one day, all works as before, and slower."""


def new_client(url: BrokerUrl, access: Access, version: MQTTProtocolVersion) -> paho.Client:
    """Make a client that starts no thread, comes back to nobody, and acknowledges when told."""
    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        client_id=access.client_id,
        clean_session=None if version is V5 else True,
        protocol=version,
        transport="websockets" if url.is_websocket else "tcp",
        reconnect_on_failure=False,
        manual_ack=True,
    )
    client.suppress_exceptions = True
    client.connect_timeout = CONNECT_TIMEOUT
    client.max_inflight_messages = 0
    username = access.username or url.username
    if username:
        client.username_pw_set(username, access.password or url.password)
    if url.is_tls:
        known = access.credentials
        client.tls_set_context(known.context() if known else ssl.create_default_context())
    if url.is_websocket:
        client.ws_set_options(path=url.path or "/mqtt")
    if access.will is not None:
        will = access.will
        client.will_set(will.topic, will.payload, will.qos, will.retain)
    return client


def fate_of(reason: ReasonCode) -> str:
    """What became of a publication, as one of `Fate`."""
    if reason.getName() == "No matching subscribers":
        return Fate.NO_SUBSCRIBER
    if reason.getName() == "Packet too large":
        return Fate.TOO_LARGE
    return Fate.REFUSED if reason.is_failure else Fate.TAKEN


def put_between(client: Any, sock: Any) -> TurnSocket | None:
    """Put a socket of ours between paho and its own; None where paho keeps it elsewhere by now."""
    if getattr(client, PAHO_SOCKET, None) is not sock:
        return None
    ours = TurnSocket(sock)
    setattr(client, PAHO_SOCKET, ours)
    return ours
