"""The two packets that we read and write ourselves, beside paho's."""

from __future__ import annotations

from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from pyros_mqtt.link import packets
from pyros_mqtt.link.packets import Packet
from pyros_mqtt.transport import Delivery, Fate, Parcel

V5, V311 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311

SIZES = (0, 1, 90, 127, 128, 129, 16_383, 16_384, 300_000)


class Wire:
    """A socket for paho that keeps what is written."""

    def __init__(self) -> None:
        self.written = b""

    def send(self, data: bytes) -> int:
        self.written += data
        return len(data)

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        pass


def by_paho(parcel: Parcel, version: MQTTProtocolVersion) -> tuple[int, bytes]:
    """The packet that paho writes for a parcel, and its packet id."""
    client: Any = paho.Client(CallbackAPIVersion.VERSION2, protocol=version)
    client.on_socket_register_write = lambda *_: None
    client._sock = wire = Wire()
    properties = None
    if parcel.correlation and version is V5:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.CorrelationData = parcel.correlation
    info = client.publish(parcel.topic, parcel.payload, parcel.qos, parcel.retain, properties)
    client.loop_write()
    client._sock = None
    return info.mid, wire.written


def whole(data: bytes) -> Packet:
    packet, end = packets.first_of(data, 0)
    assert packet is not None
    assert end == len(data)
    return packet


@pytest.mark.parametrize("version", [V5, V311])
@pytest.mark.parametrize(("qos", "retain"), [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("size", SIZES)
def test_a_publication_is_written_as_paho_writes_it_and_read_as_it_was(
    version: MQTTProtocolVersion, qos: int, retain: int, size: int
) -> None:
    parcel = Parcel("obs/zelt-äß/inbox", b"x" * size, qos=qos, retain=bool(retain))
    mid, expected = by_paho(parcel, version)
    is_v5 = version is V5
    assert packets.publish(parcel, mid, is_v5=is_v5) == expected
    assert packets.read_publish(whole(expected), is_v5=is_v5) == (
        Delivery(parcel.topic, parcel.payload, retain=parcel.retain),
        mid if qos else 0,
    )


@pytest.mark.parametrize("version", [V5, V311])
@pytest.mark.parametrize("size", [1, 12, 200, 65_535])
def test_a_correlation_goes_where_the_version_has_a_place_for_it(
    version: MQTTProtocolVersion, size: int
) -> None:
    parcel = Parcel("answers/here", b"{}", correlation=b"c" * size)
    mid, expected = by_paho(parcel, version)
    assert packets.publish(parcel, mid, is_v5=version is V5) == expected


def test_what_has_properties_is_left_to_paho() -> None:
    parcel = Parcel("answers/here", b"{}", correlation=b"c")
    assert packets.read_publish(whole(packets.publish(parcel, 7, is_v5=True)), is_v5=True) is None


def test_what_is_sent_exactly_once_is_left_to_paho() -> None:
    assert packets.read_publish(whole(b"\x34\x05\0\1t\0\7"), is_v5=False) is None


@pytest.mark.parametrize(
    ("topic", "correlation"),
    [("", None), ("a/+/b", None), ("a/#", None), ("x" * 65_536, None), ("a", b"x" * 65_536)],
)
def test_what_mqtt_has_no_form_for_is_not_written(topic: str, correlation: bytes | None) -> None:
    with pytest.raises(ValueError, match=r"topic|correlation"):
        packets.publish(Parcel(topic, b"", correlation=correlation), 1, is_v5=True)


@pytest.mark.parametrize(
    ("body", "fate"),
    [
        (b"", Fate.TAKEN),
        (b"\0", Fate.TAKEN),
        (b"\x10\0", Fate.NO_SUBSCRIBER),
        (b"\x87\0", Fate.REFUSED),
        (b"\x95", Fate.TOO_LARGE),
        (b"\x97", Fate.REFUSED),
    ],
)
def test_an_acknowledgement_tells_what_became_of_it(body: bytes, fate: str) -> None:
    data = bytes((packets.PUBACK, 2 + len(body))) + b"\x81\x23" + body
    assert packets.read_puback(whole(data)) == (0x8123, fate)


def test_an_acknowledgement_is_written_as_it_is_read() -> None:
    assert packets.read_puback(whole(packets.puback(0xFFFE))) == (0xFFFE, Fate.TAKEN)


@pytest.mark.parametrize("data", [b"", b"\x30", b"\x30\x80", b"\x30\xff\xff\xff"])
def test_of_a_packet_without_its_length_no_end_is_known(data: bytes) -> None:
    assert packets.first_of(data, 0) == (None, 0)


def test_of_a_packet_that_is_not_whole_the_end_is_known() -> None:
    assert packets.first_of(b"..\x30\x05ab", 2) == (None, 9)
    assert packets.first_of(b"\x30\xac\x02ab", 0) == (None, 303)


BROKEN = [
    (head, is_v5, body)
    for head in (0x30, 0x32)
    for is_v5 in (0, 1)
    for body in (b"", b"\0", b"\0\x09short", b"\0\1t")
    if (head, is_v5, body) != (0x30, 0, b"\0\1t")  # a topic is all that this one has to have
]


@pytest.mark.parametrize(("head", "is_v5", "body"), BROKEN)
def test_a_broken_publication_is_told(head: int, is_v5: int, body: bytes) -> None:
    with pytest.raises((ValueError, IndexError)):
        packets.read_publish(whole(bytes((head, len(body))) + body), is_v5=bool(is_v5))
