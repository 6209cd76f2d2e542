"""The document as a whole, as a client of the agents sees it."""

from __future__ import annotations

from collections.abc import Iterable

from pyros_mqtt.asyncapi import forms
from pyros_mqtt.asyncapi.page import Page, Table
from pyros_mqtt.messages import About
from pyros_mqtt.settings import BrokerUrl
from pyros_mqtt.topics import Topics

PROTOCOLS = {"mqtt": "mqtt", "mqtts": "secure-mqtt", "ws": "ws", "wss": "wss"}
"""AsyncAPI's words for the schemes of our URLs."""

DESCRIPTION = (
    "Seen from a client: commands are sent, everything else is received. A command is answered by "
    "reports on the sender's own topic, until one says how it ended; the same command is sent "
    "again under the same `id` until the first report comes."
)


def document(
    abouts: Iterable[About],
    topics: Topics,
    servers: Iterable[BrokerUrl] = (),
    *,
    with_password: bool = False,
) -> Table:
    """Describe agents by what they say of themselves.

    Args:
        abouts: of each agent one; without messages it is taken to understand any.
        topics: the tree under which they live.
        servers: the brokers; no name of a user and no password is shown.
        with_password: say that all brokers ask for a user and a password.

    Returns:
        The document, ready to be written as JSON; the same fleet gives the same one.
    """
    page = Page(topics)
    for about in sorted(abouts, key=lambda one: one.agent):
        page.add(about)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"The agents under {topics.root}",
            "version": "1",
            "description": DESCRIPTION,
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker" if not i else f"broker-{i + 1}": _server(url, with_password=with_password)
            for i, url in enumerate(servers)
        },
        "channels": page.channels,
        "operations": page.operations,
        "components": {"schemas": page.schemas, "messages": _shared_messages()},
    }


def _server(url: BrokerUrl, *, with_password: bool) -> Table:
    host = f"[{url.host}]" if ":" in url.host else url.host
    made: Table = {"host": f"{host}:{url.port}", "protocol": PROTOCOLS[url.scheme]}
    if url.path:
        made["pathname"] = url.path
    if url.username or with_password:
        made["security"] = [{"type": "userPassword"}]
    return made


def _shared_messages() -> Table:
    made: Table = {}
    for name in forms.SHARED:
        payload = {"$ref": f"#/components/schemas/{name}"}
        made[name] = {"name": name, "contentType": "application/json", "payload": payload}
        if name in {"command", "report"}:
            made[name]["correlationId"] = {"location": "$message.payload#/id"}
    return made
