"""About <-> payload of an about topic (protocol section 8)."""

from __future__ import annotations

import math

from pyros_mqtt.errors import BadPayload
from pyros_mqtt.messages import JSON, About, Channel, MessageInfo
from pyros_mqtt.wire.json_text import to_bytes, tolerant

REFRESH = 60.0
"""Seconds, where a channel does not say."""


def encode_about(about: About) -> bytes:
    """Write what an agent understands and measures."""
    return to_bytes(
        {
            "agent": about.agent,
            "version": about.version,
            "protocol": about.protocol,
            "description": about.description,
            "journal": about.journal,
            "messages": {name: _info_table(info) for name, info in about.messages.items()},
            "telemetry": {name: _channel_table(c) for name, c in about.telemetry.items()},
        }
    )


def decode_about(payload: bytes, agent: str) -> About:
    """Read the about document of `agent`; fields that we do not know are passed over.

    Raises:
        BadPayload: it is none.
    """
    try:
        body = tolerant(payload)
        messages, telemetry = body.get("messages") or {}, body.get("telemetry") or {}
        return About(
            agent=agent,
            version=str(body.get("version") or ""),
            protocol=int(body.get("protocol") or 1),
            description=str(body.get("description") or ""),
            messages={name: _info_of(table) for name, table in messages.items()},
            telemetry={name: _channel_of(name, table) for name, table in telemetry.items()},
            journal=str(body.get("journal") or ""),
        )
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise BadPayload(f"not an about document: {error}: {payload[:200]!r}") from None


def _info_table(info: MessageInfo) -> dict[str, JSON]:
    return {
        "description": info.description,
        "args": info.args,
        "urgent": info.urgent,
        "idempotent": info.idempotent,
        "ttl": info.ttl,
        "states": list(info.states),
    }


def _info_of(table: dict[str, JSON]) -> MessageInfo:
    return MessageInfo(
        description=str(table.get("description") or ""),
        args=dict(table.get("args") or {}),
        urgent=bool(table.get("urgent")),
        idempotent=bool(table.get("idempotent")),
        ttl=None if table.get("ttl") is None else _finite(table["ttl"]),
        states=tuple(map(str, table.get("states") or ())),
    )


def _channel_table(channel: Channel) -> dict[str, JSON]:
    table: dict[str, JSON] = {
        "description": channel.description,
        "unit": channel.unit,
        "fields": list(channel.fields),
        "rate": channel.rate,
        "range": None if channel.range is None else list(channel.range),
    }
    if channel.deadband is not None:
        table |= {"deadband": channel.deadband, "refresh": channel.refresh}
    if channel.qos:
        table["qos"] = channel.qos
    return table


def _channel_of(name: str, table: dict[str, JSON]) -> Channel:
    limits, deadband = table.get("range"), table.get("deadband")
    return Channel(
        name=name,
        unit=str(table.get("unit") or ""),
        description=str(table.get("description") or ""),
        range=None if limits is None else (_finite(limits[0]), _finite(limits[1])),
        rate=None if table.get("rate") is None else _finite(table["rate"]),
        fields=tuple(map(str, table.get("fields") or ())),
        qos=int(table.get("qos") or 0),
        deadband=None if deadband is None else _finite(deadband),
        refresh=_finite(table.get("refresh") or REFRESH),
    )


def _finite(value: JSON) -> float:
    number = float(value)
    if not math.isfinite(number):  # a text such as "nan" would be a number for Python
        raise ValueError(f"{value!r} is no number")
    return number
