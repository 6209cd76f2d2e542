"""PUBLISH and PUBACK, the two packets of which traffic consists, as MQTT writes them. Pure.

paho builds tables of properties and reason codes anew for each of them, which costs more than all
the rest of a message's way through it. Every other packet is paho's.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from pyros_mqtt.transport import Delivery, Fate, Parcel

PUBLISH, PUBACK = 0x30, 0x40
"""The upper half of a packet's first byte (MQTT 5, table 2-1)."""

QOS_1, QOS_2, RETAIN = 0x02, 0x04, 0x01
"""Flags of a PUBLISH, in the lower half."""

CORRELATION = 0x09
"""The property Correlation Data (MQTT 5, 3.3.2.3.6)."""

LONGEST_TEXT = 0xFFFF
"""Bytes of a topic and of a correlation (MQTT 5, 1.5.4)."""

LONGEST_BODY = 268_435_455
"""Bytes of a packet after its length (MQTT 5, 1.5.5)."""

_MORE = 0x80
_NO_SUBSCRIBER, _TOO_LARGE, _FAILURES = 0x10, 0x95, 0x80

_SHORT = Struct("!H")
_PUBACK = Struct("!BBH")


class Packet(NamedTuple):
    """A packet as it came: its first byte, what follows its length, and all of it."""

    head: int
    body: bytes
    raw: bytes

    @property
    def kind(self) -> int:
        """`PUBLISH`, `PUBACK`, or another."""
        return self.head & 0xF0


def publish(parcel: Parcel, mid: int, *, is_v5: bool) -> bytes:
    """Write a PUBLISH; `mid` counts at QoS 1 only.

    Raises:
        ValueError: MQTT has no form for the topic, or for so much.
    """
    topic = parcel.topic.encode()
    if not topic or len(topic) > LONGEST_TEXT or "+" in parcel.topic or "#" in parcel.topic:
        raise ValueError(f"{parcel.topic[:80]!r} is no topic to publish to")
    head = PUBLISH | (QOS_1 if parcel.qos else 0) | (RETAIN if parcel.retain else 0)
    start = _SHORT.pack(len(topic)) + topic + (_SHORT.pack(mid) if parcel.qos else b"")
    if is_v5:
        start += _properties(parcel.correlation)
    length = len(start) + len(parcel.payload)
    if length > LONGEST_BODY:
        raise ValueError(f"{length} bytes are more than MQTT can carry")
    return bytes((head, *_length(length))) + start + parcel.payload


def puback(mid: int) -> bytes:
    """Write a PUBACK."""
    return _PUBACK.pack(PUBACK, 2, mid)


def read_publish(packet: Packet, *, is_v5: bool) -> tuple[Delivery, int] | None:
    """Read a PUBLISH of QoS 0 or 1: what it brings, and its packet id, or 0.

    None where it is more than a topic and a payload, such as one with properties.

    Raises:
        ValueError, IndexError: it is none.
    """
    head, body, _ = packet
    if head & QOS_2:
        return None
    at = 2 + (body[0] << 8 | body[1])
    if at > len(body):
        raise ValueError("the topic of a PUBLISH is cut off")
    topic, mid = body[2:at].decode(), 0
    if head & QOS_1:
        mid = body[at] << 8 | body[at + 1]
        at += 2
    if is_v5:
        if body[at]:
            return None
        at += 1
    return Delivery(topic, body[at:], retain=bool(head & RETAIN)), mid


def read_puback(packet: Packet) -> tuple[int, str]:
    """Read a PUBACK: whose packet id it is, and what became of that one, as one of `Fate`.

    Raises:
        IndexError: it is none.
    """
    body = packet.body
    mid, code = body[0] << 8 | body[1], body[2] if len(body) > 2 else 0  # noqa: PLR2004 - the id has two
    if code == _NO_SUBSCRIBER:
        return mid, Fate.NO_SUBSCRIBER
    if code == _TOO_LARGE:
        return mid, Fate.TOO_LARGE
    return mid, Fate.REFUSED if code >= _FAILURES else Fate.TAKEN


def first_of(data: bytes, at: int) -> tuple[Packet | None, int]:
    """Find the packet that begins at `at`, and where it ends.

    None where it is not whole yet; then its end is 0 if even that cannot be told.

    Raises:
        ValueError: its length is none.
    """
    length, shift, start = 0, 0, at + 1
    while start < len(data):
        byte = data[start]
        length |= (byte & ~_MORE) << shift
        start += 1
        if byte < _MORE:
            end = start + length
            whole = end <= len(data)
            return (Packet(data[at], data[start:end], data[at:end]) if whole else None), end
        shift += 7
        if shift > 21:  # noqa: PLR2004 - four bytes of seven bits
            raise ValueError("the length of a packet has more than four bytes")
    return None, 0


def _length(length: int) -> bytes:
    if length < _MORE:
        return bytes((length,))
    digits = bytearray()
    while length:
        length, digit = length >> 7, length & 0x7F
        digits.append(digit | (_MORE if length else 0))
    return bytes(digits)


def _properties(correlation: bytes | None) -> bytes:
    if not correlation:
        return b"\0"
    if len(correlation) > LONGEST_TEXT:
        raise ValueError(f"a correlation of {len(correlation)} bytes is more than MQTT can carry")
    text = bytes((CORRELATION,)) + _SHORT.pack(len(correlation)) + correlation
    return _length(len(text)) + text
