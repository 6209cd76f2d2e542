"""What goes over a link from several threads at once, on each way to a broker."""

from __future__ import annotations

import logging
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyros_mqtt.broker.ports import LOOPBACK, any_free_port
from pyros_mqtt.link import Brokers
from pyros_mqtt.settings import BrokerUrl, Settings
from pyros_mqtt.transport import Delivery, Fate, Parcel, Transport
from tests.system.closed_doors import Authority
from tests.system.device import until
from tests.system.own_mosquitto import OwnMosquitto

WRITERS, MESSAGES = 3, 200

SIZES = (0, 90, 3_000, 150, 10)
"""Bytes that are added to one message after the other. Mosquitto 2.0 sends larger ones by WebSocket
in pieces, ten a second."""

LARGE = 200_000
"""Bytes of a message that needs several calls to be read or written."""

IN_FLIGHT = 100
"""Messages that the broker sends before it waits for an acknowledgement: max_inflight_messages."""

PAHO_ALONE = "by paho alone"


class Ways(OwnMosquitto):
    """A broker to which four ways lead."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        authority = Authority(folder / "authority")
        authority.issue("server", host="localhost", days=10)
        self.ca_file = authority.folder / "ca.crt"
        self.urls = {"mqtt": self.url}
        lines = []
        for scheme in ("ws", "mqtts", "wss"):
            port = any_free_port()
            self.urls[scheme] = BrokerUrl(scheme, "localhost", port, "/mqtt" * ("w" in scheme))
            lines += [f"listener {port} {LOOPBACK}"]
            lines += ["protocol websockets"] * ("w" in scheme)
            if scheme.endswith("s") and scheme != "ws":
                lines += [f"certfile {authority.folder}/server.crt"]
                lines += [f"keyfile {authority.folder}/server.key"]
        self._file.write_text(self._file.read_text() + "\n".join(lines) + "\n")

    def link(self, way: str, client_id: str, *, lean: bool) -> Transport:
        """Make a link that goes this way."""
        settings = Settings(brokers=(self.urls[way],), ca_file=self.ca_file)
        return Brokers(settings, lean=lean).transport(client_id)


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ways]:
    with Ways(tmp_path_factory.mktemp("ways")) as broker:
        yield broker


class Ear:
    """Hears what is written, by writer."""

    def __init__(self) -> None:
        self.heard: dict[int, list[int]] = defaultdict(list)
        self.torn: list[bytes] = []

    def hear(self, delivery: Delivery) -> None:
        writer, number, rest = delivery.payload.split(b" ", 2)
        if len(rest) != SIZES[int(number) % len(SIZES)]:
            self.torn.append(delivery.payload[:80])
        self.heard[int(writer)].append(int(number))


def write(link: Transport, topic: str, writer: int, qos: int, fates: list[str]) -> None:
    for number in range(MESSAGES):
        payload = b"%d %d " % (writer, number) + b"x" * SIZES[number % len(SIZES)]
        link.publish(Parcel(topic, payload, qos=qos), fates.append)


@pytest.mark.parametrize("speech", [(True, 0), (True, 1), (False, 0), (False, 1)])
@pytest.mark.parametrize("way", ["mqtt", "ws", "mqtts", "wss", PAHO_ALONE])
def test_nothing_is_lost_torn_doubled_or_out_of_order(
    ways: Ways,
    topic_root: str,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    speech: tuple[bool, int],
) -> None:
    lean, qos = speech
    if way == PAHO_ALONE:
        way = "mqtt"
        monkeypatch.setattr("pyros_mqtt.link.paho_client.PAHO_SOCKET", "_moved_in_paho_3")
    ear, fates, topic = Ear(), list[str](), f"{topic_root}/flood"
    mouth = ways.link(way, f"{topic_root}-mouth", lean=lean)
    listener = ways.link(way, f"{topic_root}-ear", lean=lean)
    listener.subscribe(topic, ear.hear)
    for one in (mouth, listener):
        one.open()
    until(lambda: mouth.is_up and listener.is_up)
    threads = [
        threading.Thread(target=write, args=(mouth, topic, writer, qos, fates))
        for writer in range(WRITERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: sum(map(len, ear.heard.values())) >= WRITERS * MESSAGES)
    mouth.close()
    listener.close()
    assert not ear.torn
    assert ear.heard == {writer: list(range(MESSAGES)) for writer in range(WRITERS)}
    assert Counter(fates) == {Fate.TAKEN: WRITERS * MESSAGES}


@pytest.mark.parametrize("vouches", [False, True])
def test_what_fails_at_a_turns_end_keeps_acknowledgements_back_only_if_it_vouches(
    ways: Ways, topic_root: str, *, vouches: bool
) -> None:
    def fail() -> None:
        raise RuntimeError("a bug")

    heard: list[bytes] = []
    ended = threading.Semaphore(0)
    mouth = ways.link("mqtt", f"{topic_root}-mouth", lean=False)
    listener = ways.link("mqtt", f"{topic_root}-ear", lean=False)
    listener.subscribe(f"{topic_root}/news", lambda delivery: heard.append(delivery.payload))
    listener.on_turn(fail, vouches=vouches)
    listener.on_turn(ended.release)
    for one in (mouth, listener):
        one.open()
    until(lambda: mouth.is_up and listener.is_up)
    for number in range(IN_FLIGHT + 1):
        mouth.publish(Parcel(f"{topic_root}/news", b"%d" % number, qos=1))
    until(lambda: len(heard) >= IN_FLIGHT)
    if vouches:
        for _ in range(20):
            assert ended.acquire(timeout=5), "the other callbacks are called all the same"
        assert len(heard) == IN_FLIGHT, "the broker waits for acknowledgements"
    else:
        until(lambda: len(heard) > IN_FLIGHT)
    mouth.close()
    listener.close()


@pytest.mark.parametrize("way", ["mqtt", "mqtts", "ws"])
def test_a_large_message_comes_whole(ways: Ways, topic_root: str, way: str) -> None:
    came: list[bytes] = []
    mouth = ways.link(way, f"{topic_root}-mouth", lean=False)
    listener = ways.link("mqtt" if way == "ws" else way, f"{topic_root}-ear", lean=False)
    listener.subscribe(f"{topic_root}/large", lambda delivery: came.append(delivery.payload))
    for one in (mouth, listener):
        one.open()
    until(lambda: mouth.is_up and listener.is_up)
    payload = bytes(range(256)) * (LARGE // 256)
    mouth.publish(Parcel(f"{topic_root}/large", payload))
    mouth.publish(Parcel(f"{topic_root}/large", b"small"))
    until(lambda: len(came) == 2)
    mouth.close()
    listener.close()
    assert came == [payload, b"small"]


class Publishing(logging.Handler):
    """Publishes what is logged, as the logbook of an agent does."""

    def __init__(self, link: Transport, topic: str) -> None:
        super().__init__()
        self._link, self._topic = link, topic

    def emit(self, record: logging.LogRecord) -> None:
        self._link.publish(Parcel(self._topic, record.getMessage().encode()))


def test_what_is_too_large_is_logged_over_the_same_link(ways: Ways, topic_root: str) -> None:
    heard: list[bytes] = []
    fates: list[str] = []
    link = ways.link("mqtt", f"{topic_root}-mouth", lean=False)
    link.subscribe(f"{topic_root}/log", lambda delivery: heard.append(delivery.payload))
    link.open()
    until(lambda: link.is_up)
    handler, logger = Publishing(link, f"{topic_root}/log"), logging.getLogger("pyros_mqtt")
    logger.addHandler(handler)
    try:
        for topic, size in (("huge", 3_000_000), ("with/+", 1)):
            link.publish(Parcel(f"{topic_root}/{topic}", b"x" * size), fates.append)
        until(lambda: len(heard) == len(fates) == 2)
    finally:
        logger.removeHandler(handler)
        link.close()
    assert fates == [Fate.TOO_LARGE] * 2
    assert b"over the broker's limit" in heard[0]
    assert b"is no topic to publish to" in heard[1]
