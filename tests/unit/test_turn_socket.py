"""The socket under paho: it reads ahead, and writes once a turn."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from pyros_mqtt.link.packets import Packet
from pyros_mqtt.link.paho_client import PAHO_SOCKET
from pyros_mqtt.link.turn_socket import READ, TurnSocket


@pytest.fixture
def pair() -> Iterator[tuple[TurnSocket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    theirs.settimeout(10)
    with ours, theirs:
        yield TurnSocket(ours), theirs


Pair = tuple[TurnSocket, socket.socket]


def packet(head: int, body: bytes) -> bytes:
    return bytes((head, len(body))) + body


def test_what_came_in_one_piece_is_given_out_packet_by_packet(pair: Pair) -> None:
    ours, theirs = pair
    first, second = packet(0x30, b"abc"), packet(0x40, b"")
    theirs.sendall(first + second + first[:2])
    ours.fill()
    assert ours.packet() == Packet(0x30, b"abc", first)
    assert ours.packet() == Packet(0x40, b"", second)
    assert ours.packet() is None
    theirs.sendall(first[2:])
    ours.fill()
    assert ours.packet() == Packet(0x30, b"abc", first)


def test_a_packet_may_come_byte_by_byte(pair: Pair) -> None:
    ours, theirs = pair
    body = bytes(range(200))
    whole = bytes((0x30, 0x80 | 200 & 0x7F, 200 >> 7)) + body
    for byte in whole:
        assert ours.packet() is None
        theirs.sendall(bytes((byte,)))
        ours.fill()
    assert ours.packet() == Packet(0x30, body, whole)


def test_a_packet_may_be_larger_than_what_is_read_at_once(pair: Pair) -> None:
    ours, theirs = pair
    body = bytes(range(256)) * (3 * READ // 256)
    whole = bytes((0x30, 0x80, 0x80, len(body) >> 14)) + body
    writer = threading.Thread(target=theirs.sendall, args=(whole,))
    writer.start()
    while (found := ours.packet()) is None:
        select.select([ours], [], [], 10)
        ours.fill()
    writer.join()
    assert found == Packet(0x30, body, whole)


def test_what_has_no_length_is_no_packet(pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(b"\x30" + 5 * b"\xff")
    ours.fill()
    with pytest.raises(ValueError, match="length"):
        ours.packet()


def test_paho_reads_what_is_passed_on_and_nothing_else(pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(packet(0x30, b"abc"))
    ours.fill()
    with pytest.raises(BlockingIOError):
        ours.recv(1)
    ours.pass_on(b"abcd")
    assert (ours.recv(1), ours.recv(9)) == (b"a", b"bcd")
    with pytest.raises(BlockingIOError):
        ours.recv(1)


def test_what_came_before_the_end_is_read_before_the_end(pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(packet(0x30, b"last"))
    theirs.close()
    ours.fill()
    assert ours.packet() == Packet(0x30, b"last", packet(0x30, b"last"))
    with pytest.raises(BlockingIOError):
        ours.recv(9)
    ours.fill()
    assert ours.has_ended
    assert ours.recv(9) == b""


def test_what_is_sent_leaves_at_the_end_of_the_turn(pair: Pair) -> None:
    ours, theirs = pair
    theirs.settimeout(0)
    assert ours.send(b"one") + ours.send(b"two") == 6
    with pytest.raises(BlockingIOError):
        theirs.recv(9)
    ours.flush()
    assert theirs.recv(9) == b"onetwo"
    assert not ours.wants_write


def test_what_the_system_does_not_take_stays_in_order(pair: Pair) -> None:
    ours, theirs = pair
    data = bytes(range(256)) * (64 * READ // 256)
    ours.send(data)
    ours.flush()
    assert ours.wants_write, "more than a socket's buffer"
    came = bytearray()
    while len(came) < len(data):
        came += theirs.recv(READ)
        ours.flush()
    assert came == data


def test_closing_lets_the_last_words_out(pair: Pair) -> None:
    ours, theirs = pair
    ours.send(b"goodbye")
    ours.close()
    assert theirs.recv(9) == b"goodbye"
    assert theirs.recv(9) == b""


def test_who_has_gone_is_noticed_when_writing(pair: Pair) -> None:
    ours, theirs = pair
    theirs.close()
    ours.send(b"hello")
    with pytest.raises(OSError, match="Broken pipe"):
        ours.flush()


def test_paho_still_keeps_its_socket_where_we_put_ours() -> None:
    """If this fails after an upgrade of paho, the link works, at about half its speed."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    assert hasattr(client, PAHO_SOCKET)
    mine = TurnSocket(socket.socket())
    setattr(client, PAHO_SOCKET, mine)
    given: object = client.socket()
    setattr(client, PAHO_SOCKET, None)
    mine.close()
    assert given is mine
