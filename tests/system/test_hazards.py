"""Each hazard of MQTT clients that has been seen in the field is impossible here.

They are numbered as in the comparison with other systems that the library's design started from.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pyros_mqtt import (
    Agent,
    BadName,
    Ended,
    Fleet,
    NameTaken,
    Sender,
    Settings,
    Undeliverable,
    WasCancelled,
)
from pyros_mqtt.errors import JournalError
from pyros_mqtt.journal import MemoryJournal, SqliteJournal, journal_path
from pyros_mqtt.link import Brokers, Link
from pyros_mqtt.link.access import Access
from pyros_mqtt.link.connection import Connection
from pyros_mqtt.settings import BrokerUrl
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Delivery, Fate, Parcel
from tests.system.device import Device, claim, end_of, running, settings_for, started, until
from tests.system.own_mosquitto import OwnMosquitto
from tests.system.raw_mqtt import RawClient
from tests.system.tcp_proxy import TcpProxy, wait_out

PUBLISH, PINGREQ = 3, 12


@pytest.fixture
def proxy(mosquitto_url: BrokerUrl) -> Iterator[TcpProxy]:
    with TcpProxy(mosquitto_url) as proxy:
        yield proxy


@contextlib.contextmanager
def link(url: BrokerUrl, root: str, *, keepalive: int = 5, name: str = "link") -> Iterator[Link]:
    """A bare link that is opened by the test and closed in the end."""
    one = Link((url,), Access(f"{root}-{name}", keepalive=keepalive))
    try:
        yield one
    finally:
        one.close()


@pytest.fixture
def only_3_1_1(monkeypatch: pytest.MonkeyPatch) -> None:
    from pyros_mqtt.link.paho_client import V311

    monkeypatch.setattr("pyros_mqtt.link.dialling.V5", V311)


def ask(url: BrokerUrl, root: str, message: str, **args: Any) -> Any:
    """Ask the device directly, past any proxy."""
    with Sender("asker", settings=settings_for(url, root)) as sender:
        return sender.ask("device", message, timeout=10, args=args)


# -- 1 ----------------------------------------------------------------------------------------


def test_01_an_exception_in_a_handler_ends_neither_thread_nor_connection(
    mosquitto_url: BrokerUrl, topic_root: str, caplog: pytest.LogCaptureFixture
) -> None:
    heard = threading.Event()

    def handler(delivery: Delivery) -> None:
        if delivery.payload == b"bad":
            raise RuntimeError("broken handler")
        heard.set()

    with link(mosquitto_url, topic_root) as one, RawClient(mosquitto_url) as client:
        one.subscribe(f"{topic_root}/x", handler)
        one.open()
        until(lambda: one.is_up)
        for payload in (b"bad", b"bad", b"good"):
            client.publish(f"{topic_root}/x", payload, qos=1)
        assert heard.wait(5)
        assert one.is_up
    assert "broken handler" in caplog.text


def test_01_not_even_an_exit_in_a_handler_leaves_us_without_a_network_thread(
    mosquitto_url: BrokerUrl, topic_root: str, caplog: pytest.LogCaptureFixture
) -> None:
    heard = threading.Event()
    states: list[bool] = []

    def handler(delivery: Delivery) -> None:
        if delivery.payload == b"bad":
            raise SystemExit
        heard.set()

    with link(mosquitto_url, topic_root) as one, RawClient(mosquitto_url) as client:
        one.subscribe(f"{topic_root}/x", handler)
        one.on_state(states.append)
        one.open()
        until(lambda: states == [True])
        client.publish(f"{topic_root}/x", b"bad", qos=1)
        until(lambda: states == [True, False, True])
        client.publish(f"{topic_root}/x", b"good", qos=1)
        assert heard.wait(5)
    assert "made anew" in caplog.text


# -- 2 ----------------------------------------------------------------------------------------


def test_02_a_publication_made_inside_a_callback_leaves_while_it_still_runs(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with (
        running(mosquitto_url, topic_root),
        Sender("asker", settings=settings_for(mosquitto_url, topic_root)) as sender,
    ):
        answers: list[Any] = []

        def ask_from_the_callback(name: str) -> None:
            if name == "device" and not answers:
                answers.append(sender.ask("device", "close", timeout=5))

        fleet = Fleet(Brokers(settings_for(mosquitto_url, topic_root)), Topics(topic_root))
        fleet.on_change(ask_from_the_callback)
        with fleet:
            until(lambda: answers)
        assert answers == ["closed"]


# -- 3 ----------------------------------------------------------------------------------------


class ShortKeepAlive:
    """A bus whose connections have a keep-alive of one second."""

    def __init__(self, url: BrokerUrl) -> None:
        self._url = url

    def transport(self, client_id: str) -> Link:
        return Link((self._url,), Access(client_id, keepalive=1))


def test_03_an_action_longer_than_the_keep_alive_does_not_cost_the_connection(
    proxy: TcpProxy, mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    settings = settings_for(proxy.url, topic_root)
    with (
        RawClient(mosquitto_url) as client,
        started(Device(bus=ShortKeepAlive(proxy.url), settings=settings)),
    ):
        client.subscribe(f"{topic_root}/device/outbox/ops", f"{topic_root}/device/status")
        claim(client, "ready")
        connections = proxy.connections
        pings = proxy.packets[PINGREQ] + proxy.packets[PUBLISH]
        body = {"message": "block", "args": {"seconds": 3.2}, "id": "b", "from": "ops"}
        client.publish(f"{topic_root}/device/inbox", body, qos=1)
        states = []
        while "done" not in states:
            message = client.next()
            assert message.body["state"] != "lost"
            if message.topic.endswith("/ops"):
                states.append(message.body["state"])
        assert states == ["accepted", "running", "done"], "and it was done once"
        assert proxy.connections == connections
        assert proxy.packets[PINGREQ] + proxy.packets[PUBLISH] > pings, "it showed life meanwhile"


# -- 4 ----------------------------------------------------------------------------------------


def test_04_the_late_will_of_a_half_open_older_instance_does_not_stand(
    proxy: TcpProxy, mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with (
        RawClient(mosquitto_url) as client,
        started(Device(settings=settings_for(proxy.url, topic_root, beat=0.3))) as older,
    ):
        client.subscribe(f"{topic_root}/device/status")
        claim(client, "ready")
        proxy.is_closed = True
        ends = proxy.abandon()  # its host has lost power; the broker does not know yet
        with running(mosquitto_url, topic_root, beat=0.3) as newer:
            session = newer._alive.session
            until(lambda: claim(client, "ready")["session"] == session)
            kept = _kept_status(mosquitto_url, topic_root)
            assert (kept["state"], kept["session"]) == ("ready", session)
            proxy.is_closed = False
            with pytest.raises(NameTaken):
                older.join(15)
            assert _kept_status(mosquitto_url, topic_root)["session"] == session
            assert ask(mosquitto_url, topic_root, "close") == "closed"
        for end in ends:
            end.close()


def _kept_status(url: BrokerUrl, root: str) -> dict[str, Any]:
    with RawClient(url) as client:
        return client.subscribe(f"{root}/device/status").next().body


# -- 5 ----------------------------------------------------------------------------------------


def test_05_two_agents_of_one_name_do_not_throw_each_other_out_for_ever(
    proxy: TcpProxy, topic_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyros_mqtt.agent.ownership import Sighting

    with running(proxy.url, topic_root) as first, contextlib.ExitStack() as stack:
        with monkeypatch.context() as patch:
            # both start in the same moment, so that neither sees the other
            patch.setattr(
                "pyros_mqtt.agent.tenure.Lookout.find", lambda *_, **__: Sighting(None, 0)
            )
            second = Device(settings=settings_for(proxy.url, topic_root))
            stack.enter_context(started(second))
            until(lambda: second._alive.transport.is_up)
        until(lambda: not (first.is_alive and second.is_alive))
        count = proxy.connections
        wait_out(1.0)
        assert proxy.connections <= count + 1
        assert count < 12
        survivor, loser = (second, first) if second.is_alive else (first, second)
        with pytest.raises(NameTaken):
            loser.join(5)
        until(lambda: survivor._alive.transport.is_up)


def test_05_who_has_lost_its_journal_does_not_keep_the_name_and_say_nothing(
    mosquitto_url: BrokerUrl, topic_root: str, tmp_path: Path
) -> None:
    more: dict[str, Any] = {"journal": "sqlite", "state_dir": tmp_path}
    with running(mosquitto_url, topic_root, **more) as device:
        later = SqliteJournal(journal_path(tmp_path, f"{topic_root}-device"))
        assert later.begin_life(0) > 0, "it is the device's own"
        later.close()  # before anybody has heard of that life
        with pytest.raises(NameTaken):
            device.join(10)


def test_05_a_strange_client_under_our_id_is_not_fought_with_in_a_loop(
    proxy: TcpProxy, mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with link(proxy.url, topic_root) as one:
        one.open()
        until(lambda: one.is_up)
        ended = time.monotonic() + 4.0
        thrown_out = 0
        while time.monotonic() < ended:
            stranger = RawClient(mosquitto_url, f"{topic_root}-link")
            with contextlib.suppress(TimeoutError, ConnectionError):
                stranger.next(max(0.01, ended - time.monotonic()))
            thrown_out += 1
            stranger.vanish()
        assert thrown_out < 12
        until(lambda: one.is_up)


# -- 6 ----------------------------------------------------------------------------------------


def test_06_a_retained_command_runs_at_no_connection(
    proxy: TcpProxy, mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    inbox = f"{topic_root}/device/inbox"
    with RawClient(mosquitto_url) as client:
        client.subscribe(f"{topic_root}/device/outbox/+")
        client.publish(inbox, b"count number=1", qos=1, retain=True)
        with running(proxy.url, topic_root) as device:
            for _ in range(2):
                assert client.next().body["error"]["code"] == "retained"
                proxy.cut()
            assert client.next().body["error"]["code"] == "retained"
            client.publish(inbox, b"count number=2", qos=1, retain=True)
            assert client.next().body["error"]["code"] == "retained", "live, but flagged (MQTT 5)"
            client.publish(inbox, b"count number=3", qos=1)
            until(lambda: device.ran == [3])
        client.publish(inbox, b"", qos=1, retain=True)


# -- 7 ----------------------------------------------------------------------------------------


@pytest.mark.timeout(120)
def test_07_of_five_thousand_commands_none_is_lost_in_silence(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with (
        running(mosquitto_url, topic_root, max_waiting=1000) as device,
        Sender("ops", settings=settings_for(mosquitto_url, topic_root)) as sender,
    ):
        sender.send_to("device", "block")
        receipts = [
            sender.post("device", "count", {"number": number}, ttl=100) for number in range(5000)
        ]
        until(lambda: all(receipt.is_answered for receipt in receipts), 60)
        device.go.set()
        until(lambda: all(receipt.is_ended for receipt in receipts), 30)
        ends = [receipt.report.state.value for receipt in receipts if receipt.report]
        assert len(ends) == 5000
        assert (ends.count("done"), ends.count("rejected")) == (1000, 4000)
        assert device.ran == list(range(1000)), "in the order in which they were sent"


def test_07_commands_to_an_absent_agent_are_told_so(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with Sender("ops", settings=settings_for(mosquitto_url, topic_root)) as sender:
        receipts = [sender.post("nobody", "hello", ttl=20.0) for _ in range(500)]
        until(lambda: all(receipt.is_ended for receipt in receipts))
        errors = {type(_error(receipt)).__name__ for receipt in receipts}
        assert errors == {"NobodyListens"}


def _error(receipt: Any) -> BaseException | None:
    try:
        receipt.result(0)
    except Exception as error:  # noqa: BLE001 - whichever it is
        return error
    return None


# -- 8 ----------------------------------------------------------------------------------------


def test_08_a_broker_that_was_killed_and_forgot_everything_has_it_again(
    tmp_path: Path, topic_root: str
) -> None:
    with (
        OwnMosquitto(tmp_path) as broker,
        running(broker.url, topic_root) as device,
        Sender("ops", settings=settings_for(broker.url, topic_root)) as sender,
    ):
        receipt = sender.send_to("device", "block")
        broker.kill()
        device.go.set()
        later = sender.post("device", "count", {"number": 5})
        until(lambda: not device._alive.transport.is_up)
        broker.start()
        assert receipt.result(20) is True, "its end came while there was no broker"
        assert later.result(20) == 5
        kept = _kept_status(broker.url, topic_root)
        assert (kept["state"], kept["session"]) == ("ready", device._alive.session)
        with RawClient(broker.url) as client:
            about = client.subscribe(f"{topic_root}/device/about").next()
            assert "goto" in about.body["messages"]
        assert device.ran == [5]


def test_08_a_report_that_went_out_while_the_sender_was_away_is_asked_for(
    proxy: TcpProxy, mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with (
        running(mosquitto_url, topic_root) as device,
        Sender("ops", settings=settings_for(proxy.url, topic_root)) as sender,
        RawClient(mosquitto_url) as client,
    ):
        client.subscribe(f"{topic_root}/device/outbox/ops")
        receipt = sender.send_to("device", "block")
        proxy.is_closed = True
        proxy.cut()
        device.go.set()
        end_of(client, receipt.command.id)
        assert not receipt.is_ended
        proxy.is_closed = False
        assert receipt.result(15) is True


# -- 9 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_09_what_is_over_the_brokers_limit_blocks_nothing_behind_it(
    tmp_path: Path, topic_root: str, version: str, request: pytest.FixtureRequest
) -> None:
    if version == "3.1.1":
        request.getfixturevalue("only_3_1_1")
    with (
        OwnMosquitto(tmp_path, max_packet_size="2000") as broker,
        running(broker.url, topic_root),  # its about alone is larger than that
        Sender("ops", settings=settings_for(broker.url, topic_root)) as sender,
    ):
        assert sender.ask("device", "close", timeout=15) == "closed"
        large = sender.post("device", "goto", {"ra": "1" * 5000}, ttl=15)
        small = sender.post("device", "count", {"number": 5}, ttl=15)
        with pytest.raises(Undeliverable, match="more than the broker takes"):
            large.result(15)
        assert small.result(15) == 5
        report = sender.post("device", "large", {"size": 5000}, ttl=15)
        with contextlib.suppress(Ended):
            report.result(20)
        assert report.report is not None
        assert report.report.error is not None
        assert report.report.error.code == "too-large"
        assert sender.ask("device", "count", number=6, timeout=15) == 6


# -- 10 ---------------------------------------------------------------------------------------


def test_10_a_publication_that_the_access_rules_deny_is_told_to_its_sender(
    tmp_path: Path, topic_root: str
) -> None:
    rules = tmp_path / "acl"
    rules.write_text(
        f"topic read {topic_root}/#\n"
        f"user device\ntopic readwrite {topic_root}/#\n"
        f"user ops\ntopic readwrite {topic_root}/#\n"
    )
    with (
        OwnMosquitto(tmp_path, acl_file=str(rules)) as broker,
        running(broker.url, topic_root, username="device"),
    ):
        with (
            Sender("guest", settings=settings_for(broker.url, topic_root)) as guest,
            pytest.raises(Undeliverable, match="access rules do not let 'guest'"),
        ):
            guest.send_to("device", "close")
        settings = settings_for(broker.url, topic_root, username="ops")
        with Sender("ops", settings=settings) as ops:
            assert ops.ask("device", "close", timeout=5) == "closed"


# -- 11 ---------------------------------------------------------------------------------------


def test_11_twenty_slow_commands_keep_no_abort_from_being_heard(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with (
        running(mosquitto_url, topic_root),
        Sender("ops", settings=settings_for(mosquitto_url, topic_root)) as sender,
    ):
        receipts = [sender.send_to("device", "wait") for _ in range(20)]
        sender.ask("device", "abort", timeout=5)
        for receipt in receipts:
            with pytest.raises(WasCancelled):
                receipt.result(5)


# -- 12 ---------------------------------------------------------------------------------------


def test_12_what_is_sent_without_a_connection_is_run_once_and_reported_once(
    proxy: TcpProxy, mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with (
        running(mosquitto_url, topic_root) as device,
        Sender("ops", settings=settings_for(proxy.url, topic_root)) as sender,
        RawClient(mosquitto_url) as client,
    ):
        sender.ask("device", "close", timeout=5)
        client.subscribe(f"{topic_root}/device/outbox/ops")
        proxy.is_closed = True
        proxy.cut()
        until(lambda: not sender._transport.is_up)
        receipt = sender.post("device", "count", {"number": 1})
        assert receipt.state == "sent", "no error that would tempt anybody to send it again"
        proxy.is_closed = False
        assert receipt.result(15) == 1
        states = [client.next().body["state"], client.next().body["state"]]
        assert states == ["accepted", "done"]
        assert client.hears_nothing(0.3)
        assert device.ran == [1]


def test_12_a_report_made_without_a_connection_is_sent_once(
    proxy: TcpProxy, mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with running(proxy.url, topic_root) as device, RawClient(mosquitto_url) as client:
        client.subscribe(f"{topic_root}/device/outbox/ops")
        body = {"message": "block", "id": "b", "from": "ops"}
        client.publish(f"{topic_root}/device/inbox", body, qos=1)
        client.until(lambda m: m.body["state"] == "running")
        proxy.is_closed = True
        proxy.cut()
        until(lambda: not device._alive.transport.is_up)
        device.go.set()
        until(lambda: device._alive.condition.task is None)
        proxy.is_closed = False
        assert end_of(client, "b", 15)["state"] == "done"
        assert client.hears_nothing(0.3)


# -- 13 ---------------------------------------------------------------------------------------


def test_13_stopping_does_not_hang_on_a_mute_broker(proxy: TcpProxy, topic_root: str) -> None:
    with running(proxy.url, topic_root) as device:
        proxy.is_mute = True
        device.stop()
        assert device.join(10)


def test_13_no_old_subscription_survives(mosquitto_url: BrokerUrl, topic_root: str) -> None:
    heard: list[str] = []
    for pattern in ("old", "new"):
        with link(mosquitto_url, topic_root) as one, RawClient(mosquitto_url) as client:
            one.subscribe(f"{topic_root}/{pattern}", lambda d: heard.append(d.topic))
            one.open()
            until(partial(getattr, one, "is_up"))
            if pattern == "new":
                client.publish(f"{topic_root}/old", b"x", qos=1)
                client.publish(f"{topic_root}/new", b"x", qos=1)
                until(lambda: heard)
    assert heard == [f"{topic_root}/new"]


# -- 14 ---------------------------------------------------------------------------------------


def test_14_overlapping_subscriptions_are_refused(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with link(mosquitto_url, topic_root) as one:
        one.subscribe(f"{topic_root}/+/status", print)
        for pattern in (f"{topic_root}/dome/status", f"{topic_root}/#", "#"):
            with pytest.raises(ValueError, match="overlaps"):
                one.subscribe(pattern, print)
        one.subscribe(f"{topic_root}/+/about", print)


# -- 15 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["+", "#", "+/inbox", "dome/#", "$share"])
def test_15_a_name_that_would_hear_everybodys_commands_is_refused_before_any_connection(
    proxy: TcpProxy, topic_root: str, name: str
) -> None:
    settings = settings_for(proxy.url, topic_root)
    with pytest.raises(BadName):
        Agent(name, settings=settings)
    with pytest.raises(BadName):
        Sender(name, settings=settings)
    assert proxy.connections == 0


# -- 16 ---------------------------------------------------------------------------------------


def test_16_small_packets_leave_at_once(
    mosquitto_url: BrokerUrl, topic_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Connection] = []
    connect = Connection.connect

    def note(connection: Connection) -> None:
        made.append(connection)
        connect(connection)

    monkeypatch.setattr(Connection, "connect", note)
    with (
        running(mosquitto_url, topic_root),
        Sender("ops", settings=settings_for(mosquitto_url, topic_root)) as sender,
    ):
        sender.ask("device", "close", timeout=5)
        open_ones: list[Any] = [one._twin for one in made if one.is_connected]
        options = [
            sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            for sock in open_ones
            if sock is not None and sock.fileno() >= 0
        ]
        assert len(options) >= 2
        assert all(options), "Nagle and a delayed acknowledgement cost 0.04 s"


# -- and the network itself -------------------------------------------------------------------


def test_a_cut_is_mended_and_subscriptions_and_status_come_back(
    proxy: TcpProxy, mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with running(proxy.url, topic_root) as device, RawClient(mosquitto_url) as client:
        client.subscribe(f"{topic_root}/device/status")
        session = claim(client, "ready")["session"]
        for _ in range(3):
            proxy.cut()
            claim(client, "lost")
            assert claim(client, "ready")["session"] == session
        assert ask(mosquitto_url, topic_root, "close") == "closed"
        assert device.is_alive


def test_a_broker_that_goes_mute_is_noticed(proxy: TcpProxy, topic_root: str) -> None:
    with link(proxy.url, topic_root, keepalive=1) as one:
        one.open()
        until(lambda: one.is_up)
        proxy.is_mute = True
        until(lambda: not one.is_up)
        assert "does not answer" in one.trouble, "two keep-alives and a bit would be late"


def test_one_that_cannot_move_in_once_there_is_a_broker_ends_and_says_why(
    tmp_path: Path, topic_root: str
) -> None:
    class FullDisk(MemoryJournal):
        def begin_life(self, boot: int) -> int:  # noqa: ARG002 - the protocol's signature
            raise JournalError("the disk is full")

    broker = OwnMosquitto(tmp_path)
    device = Device(settings=settings_for(broker.url, topic_root), journal=FullDisk())
    with started(device):
        until(lambda: device._alive.has_begun)
        with broker, pytest.raises(JournalError, match="the disk is full"):
            device.join(20)


def test_a_line_that_takes_no_more_is_given_no_more(proxy: TcpProxy, topic_root: str) -> None:
    fates: list[str] = []
    turned = threading.Semaphore(0)
    with link(proxy.url, topic_root, keepalive=60) as one:
        one.open()
        until(lambda: one.is_up)
        proxy.is_mute = True
        for _ in range(1000):
            one.publish(Parcel(f"{topic_root}/news", bytes(20_000), qos=0), fates.append)
        one.on_turn(turned.release)
        for _ in range(10):
            assert turned.acquire(timeout=5)
        assert len(fates) < 900, "who publishes learns that the line is slow"
        proxy.is_mute = False
        until(lambda: len(fates) == 1000)
        one.publish(Parcel(f"{topic_root}/news", b"", qos=1), fates.append)
        until(lambda: len(fates) == 1001)
    assert set(fates) <= {Fate.TAKEN, Fate.NO_SUBSCRIBER}


def test_a_slow_link_is_only_slow(
    proxy: TcpProxy, mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with running(proxy.url, topic_root):
        proxy.lag = 0.05
        assert ask(mosquitto_url, topic_root, "goto", ra=5) == [5.0, 0.0]
        assert len(ask(mosquitto_url, topic_root, "large", size=200_000)) == 200_000


def test_the_next_broker_is_tried_where_the_first_is_not_there(
    mosquitto_url: BrokerUrl, topic_root: str, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        dead = BrokerUrl("mqtt", "127.0.0.1", nobody.getsockname()[1])
    caplog.set_level(logging.INFO)
    settings = Settings(brokers=(dead, mosquitto_url), root=topic_root)
    with running(mosquitto_url, topic_root), Sender("ops", settings=settings) as sender:
        assert sender.ask("device", "close", timeout=10) == "closed"


def test_no_thread_and_no_descriptor_is_left_behind(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    def descriptors() -> int:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())

    with running(mosquitto_url, topic_root):
        pass
    threads, files = threading.active_count(), descriptors()
    for _ in range(5):
        with (
            running(mosquitto_url, topic_root),
            Sender("ops", settings=settings_for(mosquitto_url, topic_root)) as sender,
        ):
            sender.ask("device", "close", timeout=5)
    until(lambda: threading.active_count() <= threads and descriptors() <= files)
