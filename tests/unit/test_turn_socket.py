"""The socket under paho: it reads ahead, and writes once a turn."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from pyros_mqtt.link.connection import PAHO_SOCKET
from pyros_mqtt.link.turn_socket import READ, TurnSocket


@pytest.fixture
def pair() -> Iterator[tuple[TurnSocket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    theirs.settimeout(10)
    with ours, theirs:
        yield TurnSocket(ours), theirs


Pair = tuple[TurnSocket, socket.socket]


def test_what_came_in_one_piece_is_given_out_as_asked(pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(b"abcdef")
    assert ours.recv(1) == b"a"
    assert ours.pending() == 5
    assert (ours.recv(3), ours.recv(9)) == (b"bcd", b"ef")
    assert ours.pending() == 0


def test_where_nothing_has_come_reading_says_so(pair: Pair) -> None:
    ours, theirs = pair
    with pytest.raises(BlockingIOError):
        ours.recv(1)
    theirs.sendall(b"x")
    ours.recv(1)
    with pytest.raises(BlockingIOError):
        ours.recv(1)


def test_what_came_before_the_end_is_read_before_the_end(pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(b"last")
    theirs.close()
    assert ours.recv(9) == b"last"
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
