"""A TCP proxy between a client and its broker that cuts, goes mute, leaves ends half open, or lags.

It also reads along, so that a test can count connections and the packets of a client.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections import Counter
from typing import Self

from pyros_mqtt.settings import BrokerUrl

_TURN = 0.02


class _Pair:
    """One connection through the proxy: the client's socket and the broker's."""

    def __init__(self, client: socket.socket, broker: socket.socket) -> None:
        self.client, self.broker = client, broker
        self.counted = b""

    def close(self) -> None:
        for sock in (self.client, self.broker):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


class TcpProxy:
    """Listens on a port of its own; one thread carries everything.

    Attributes:
        connections: how many clients have come so far.
        packets: how many packets of each MQTT type came from clients (3 PUBLISH, 12 PINGREQ).
        is_mute: nothing passes in either direction while connections stay open.
        is_closed: new clients are turned away.
        lag: seconds that each portion waits before it is passed on.
    """

    def __init__(self, target: BrokerUrl) -> None:
        self._target = (target.host, target.port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = BrokerUrl("mqtt", "127.0.0.1", self._server.getsockname()[1])
        self._pairs: list[_Pair] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self.connections = 0
        self.packets: Counter[int] = Counter()
        self.is_mute = False
        self.is_closed = False
        self.lag = 0.0
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(5)
        self.cut()
        self._server.close()

    def cut(self) -> None:
        """Break every connection, towards both ends."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            pair.close()

    def abandon(self) -> list[socket.socket]:
        """Leave every connection half open: the broker's end stays, and hears nothing any more.

        Returns:
            The broker's ends; whoever closes one lets the broker notice.
        """
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            pair.client.close()
        return [pair.broker for pair in pairs]

    def _run(self) -> None:
        while not self._ended.is_set():
            with self._lock:
                ends = {s: p for p in self._pairs for s in (p.client, p.broker)}
            poller = select.poll()
            poller.register(self._server, select.POLLIN)
            for sock in () if self.is_mute else ends:
                with contextlib.suppress(ValueError):  # it was closed meanwhile
                    poller.register(sock, select.POLLIN)
            ready = {number for number, _ in poller.poll(_TURN * 1000)}
            if self._server.fileno() in ready:
                self._accept()
            for sock, pair in ends.items():
                if sock.fileno() in ready:
                    self._carry(sock, pair)

    def _accept(self) -> None:
        client, _ = self._server.accept()
        self.connections += 1
        if self.is_closed:
            client.close()
            return
        try:
            broker = socket.create_connection(self._target, timeout=2)
        except OSError:
            client.close()
            return
        for sock in (client, broker):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._pairs.append(_Pair(client, broker))

    def _carry(self, sock: socket.socket, pair: _Pair) -> None:
        other = pair.broker if sock is pair.client else pair.client
        try:
            data = sock.recv(65536)
            if data and self.lag:
                self._ended.wait(self.lag)
            if data:
                other.sendall(data)
        except OSError:
            data = b""
        if not data:
            with self._lock:
                if pair in self._pairs:
                    self._pairs.remove(pair)
            pair.close()
        elif sock is pair.client:
            self._count(pair, data)

    def _count(self, pair: _Pair, data: bytes) -> None:
        pair.counted += data
        while (size := _packet_size(pair.counted)) and len(pair.counted) >= size:
            self.packets[pair.counted[0] >> 4] += 1
            pair.counted = pair.counted[size:]


def _packet_size(data: bytes) -> int:
    """Bytes of the first packet; 0 while its head has not come yet."""
    length = shift = 0
    for place, byte in enumerate(data[1:5], start=2):
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return place + length
    return 0


def wait_out(seconds: float) -> None:
    """Let time pass in which something must not happen."""
    threading.Event().wait(max(0.0, seconds))
