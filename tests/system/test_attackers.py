"""What an attacker can do at a broker with closed doors: one test for each row of the table.

The table stands in docs/how-to/security.md. The broker has the configuration that is shipped.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from pyros_mqtt import NoAnswer, Sender, Undeliverable, Unreachable
from pyros_mqtt.access import Register
from pyros_mqtt.access.rules import PASSWORDS, write_rules
from pyros_mqtt.link import Link
from pyros_mqtt.link.eviction import TIMES
from tests.need import need
from tests.system.closed_doors import SECRET, Authority, ClosedMosquitto
from tests.system.device import Device, claim, end_of, running, settings_for, until
from tests.system.own_mosquitto import OwnMosquitto
from tests.system.raw_mqtt import Message, RawClient, Will

ROOT = "t60"
ACCESS = """
[identities]
dome = { role = "agent" }
mount = { role = "agent" }
camera = { role = "agent" }
sacked = { role = "operator" }
ops = { role = "operator" }
guest = { role = "viewer" }
sensor = { role = "agent", password = true }
wall = { role = "viewer", password = true }
"""

DEVICES = 100
"""Connections that the door for devices takes."""

SEEN = ("status", "about", "telemetry/temperature", "outbox/ops")

SHUT = (AssertionError, ConnectionError, ssl.SSLError, TimeoutError)
"""How a broker does not let somebody in."""


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClosedMosquitto]:
    need("mosquitto")
    folder = tmp_path_factory.mktemp("doors")
    (folder / "access.toml").write_text(ACCESS)
    with ClosedMosquitto(folder, Register.read(folder / "access.toml"), ROOT) as broker:
        for name in broker.register.identities:
            broker.authority.issue(name)
        yield broker


@pytest.fixture(scope="module")
def dome(doors: ClosedMosquitto, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    with agent(doors, "dome", tmp_path_factory.mktemp("dome")) as dome:
        yield dome


@contextlib.contextmanager
def agent(doors: ClosedMosquitto, name: str, folder: Path) -> Iterator[Device]:
    files = doors.authority.settings(name)
    with running(doors.url, ROOT, name, state_dir=folder, **files) as one:
        yield one


@pytest.fixture
def witness(doors: ClosedMosquitto) -> Iterator[RawClient]:
    """Somebody for whom there are no rules."""
    with RawClient(doors.witness) as client:
        yield client


def answers(doors: ClosedMosquitto, number: int, name: str = "dome") -> bool:
    """Whether an agent does what an operator asks for, who repeats it as the protocol says."""
    with doors.client("ops") as ops:
        ops.subscribe(f"{ROOT}/+/outbox/ops")
        body = {"message": "count", "args": {"number": number}, "id": f"n-{number}", "from": "ops"}
        for _ in range(15):
            ops.publish(f"{ROOT}/{name}/inbox", body, qos=1)
            with contextlib.suppress(TimeoutError):
                return bool(end_of(ops, f"n-{number}", 3)["result"] == number)
    return False


# -- anonymous on the LAN --------------------------------------------------------------------------


def test_nobody_comes_in_without_a_certificate_or_a_password(doors: ClosedMosquitto) -> None:
    tries: tuple[Callable[[], RawClient], ...] = (
        lambda: RawClient(doors.url, tls=doors.authority.context()),
        lambda: RawClient(doors.url, tls=doors.authority.context(), login=("ops", SECRET)),
        lambda: RawClient(doors.devices),
        lambda: RawClient(doors.devices, login=("sensor", "")),
        lambda: RawClient(doors.devices, login=("ops", SECRET)),
    )
    for one in tries:
        with pytest.raises(SHUT), one() as client:
            client.drain()


def test_nothing_is_told_in_the_clear_where_tls_is_asked_for(doors: ClosedMosquitto) -> None:
    with socket.create_connection(("127.0.0.1", doors.url.port), timeout=10) as plain:
        plain.sendall(b"\x10\x0c\0\4MQTT\4\2\0\x3c\0\0")
        with contextlib.suppress(ConnectionError):
            assert plain.recv(100)[:1] != b"\x20"


# -- a camera machine that was taken over ----------------------------------------------------------


def test_a_taken_camera_machine_cannot_open_the_dome(doors: ClosedMosquitto, dome: Device) -> None:
    with doors.client("camera") as camera:
        for retain in (False, True):
            body = {"message": "count", "args": {"number": 666}, "from": "ops"}
            camera.publish(f"{ROOT}/dome/inbox", body, qos=1, retain=retain)
    assert answers(doors, 1)
    assert 666 not in dome.ran


def test_a_taken_camera_machine_is_told_that_it_may_not(
    doors: ClosedMosquitto, dome: Device, tmp_path: Path
) -> None:
    files = doors.authority.settings("camera")
    settings = settings_for(doors.url, ROOT, state_dir=tmp_path, **files)
    with Sender("camera", settings=settings) as sender, pytest.raises((Undeliverable, NoAnswer)):
        sender.send_to(dome.name, "count", number=667, ttl=20).wait_accepted(30)
    assert 667 not in dome.ran


def test_a_taken_camera_machine_cannot_speak_for_the_dome(
    doors: ClosedMosquitto, dome: Device, witness: RawClient
) -> None:
    witness.subscribe(f"{ROOT}/dome/#", qos=0)
    places = ("status", "about", "alarm/rain", "telemetry/azimuth", "log/info", "outbox/ops")
    with doors.client("camera") as camera:
        for place in places:
            camera.publish(f"{ROOT}/dome/{place}", "forged", qos=1, retain=True)
    with contextlib.suppress(*SHUT):
        forged = Will(f"{ROOT}/dome/status", b"forged")
        tls = doors.authority.context("camera")
        RawClient(doors.url, will=forged, tls=tls).vanish()
    assert answers(doors, 2)
    assert not [one for one in witness.drain() if one.payload == b"forged"]
    assert dome.name == "dome"


def test_a_name_that_is_merely_claimed_is_not_believed(
    doors: ClosedMosquitto, witness: RawClient
) -> None:
    witness.subscribe(f"{ROOT}/#", qos=0)
    tls = doors.authority.context("camera")
    with RawClient(doors.url, tls=tls, login=("ops", SECRET)) as camera:
        camera.publish(f"{ROOT}/mount/inbox", "close", qos=1)
        camera.publish(f"{ROOT}/camera/status", "ready", qos=1)
    topics = [one.topic for one in witness.drain()]
    assert f"{ROOT}/camera/status" in topics
    assert f"{ROOT}/mount/inbox" not in topics


def test_a_taken_camera_machine_does_not_read_the_commands_of_others(
    doors: ClosedMosquitto, dome: Device
) -> None:
    with doors.client("camera") as camera:
        camera.subscribe("#", f"{ROOT}/+/inbox", f"{ROOT}/{dome.name}/inbox", qos=0)
        assert answers(doors, 3)
        assert not [one for one in camera.drain() if one.topic.endswith("inbox")]


def test_who_is_thrown_out_by_a_stolen_client_id_goes_on_and_says_so(
    doors: ClosedMosquitto, tmp_path: Path, witness: RawClient
) -> None:
    """The broker gives a client id to whoever comes with it, whatever the certificate says."""
    witness.subscribe(f"{ROOT}/mount/alarm/client-id", qos=0)
    loot: list[Message] = []
    with agent(doors, "mount", tmp_path) as mount:
        for _ in range(3 * TIMES):  # one that comes while the mount dials may count for two
            with _thief(doors) as thief:
                until(partial(_has_lost_its_prey, thief, mount, loot), 60)
            if _is_elsewhere(mount):
                break
        until(lambda: mount._alive.transport.is_up, 60)
        with _thief(doors) as thief:
            assert answers(doors, 4, "mount")
            loot += thief.drain()
            assert mount._alive.transport.is_up
        alarm = witness.until(lambda message: message.topic.endswith("/client-id"), 20)
    assert loot == []
    assert "somebody else" in alarm.body["text"]


def test_a_broker_that_is_killed_again_and_again_is_no_thief(tmp_path: Path) -> None:
    with (
        OwnMosquitto(tmp_path) as broker,
        running(broker.url, ROOT, "dome", state_dir=tmp_path / "state") as dome,
    ):
        link = dome._alive.transport
        assert isinstance(link, Link)
        for _ in range(TIMES):
            broker.kill()
            until(lambda: not link.is_up)
            broker.start()
            until(lambda: link.is_up, 60)
        assert link._access.client_id == f"{ROOT}-dome"


def _thief(doors: ClosedMosquitto) -> RawClient:
    """A camera machine that comes as the mount, to take up its session with its subscriptions."""
    tls = doors.context("camera")
    thief = RawClient(doors.url, f"{ROOT}-mount", tls=tls, clean=False)
    return thief.subscribe(f"{ROOT}/mount/inbox", qos=0)


def _has_lost_its_prey(thief: RawClient, mount: Device, loot: list[Message]) -> bool:
    """Whether the mount has thrown the thief out, or has come back under another client id."""
    try:
        loot += thief.drain()
    except ConnectionError:
        return True
    return mount._alive.transport.is_up and _is_elsewhere(mount)


def _is_elsewhere(mount: Device) -> bool:
    """Whether it has another client id."""
    link = mount._alive.transport
    assert isinstance(link, Link)
    return link._access.client_id != f"{ROOT}-mount"


# -- a curious viewer ------------------------------------------------------------------------------


def test_a_curious_viewer_sees_everything_but_commands_and_says_nothing(
    doors: ClosedMosquitto, dome: Device, witness: RawClient
) -> None:
    witness.subscribe(f"{ROOT}/#", qos=0)
    with doors.client("guest") as guest:
        guest.subscribe("#", f"{ROOT}/+/inbox", qos=0)
        for place in ("inbox", "status", "telemetry/temperature"):
            guest.publish(f"{ROOT}/dome/{place}", "boo", qos=1)
        assert answers(doors, 5)
        seen: set[str] = set()
        wanted = {f"{ROOT}/{dome.name}/{place}" for place in SEEN}

        def has_seen_all() -> bool:
            seen.update(one.topic for one in guest.drain())
            return wanted <= seen

        until(has_seen_all)
    assert f"{ROOT}/{dome.name}/inbox" not in seen
    assert not [one for one in witness.drain() if one.payload == b"boo"]


def test_a_browser_looks_and_commands_nothing(
    doors: ClosedMosquitto, dome: Device, witness: RawClient
) -> None:
    witness.subscribe(f"{ROOT}/#", qos=0)
    with browser(doors, "wall", SECRET) as (client, seen):
        client.publish(f"{ROOT}/dome/inbox", "boo", qos=1).wait_for_publish(10)
        assert answers(doors, 6)
        until(lambda: f"{ROOT}/{dome.name}/outbox/ops" in seen)
    assert f"{ROOT}/dome/inbox" not in seen
    assert not [one for one in witness.drain() if one.payload == b"boo"]


@pytest.mark.usefixtures("dome")
def test_a_browser_needs_a_password_and_a_device_s_is_none(doors: ClosedMosquitto) -> None:
    for name, password in (("", ""), ("wall", "guess")):
        with pytest.raises(AssertionError), browser(doors, name, password):
            pass
    with browser(doors, "sensor", SECRET) as (_, seen):
        assert answers(doors, 7)
        assert not seen


@contextlib.contextmanager
def browser(
    doors: ClosedMosquitto, name: str, password: str
) -> Iterator[tuple[paho.Client, set[str]]]:
    """Come by WebSocket; gives the client, and the topics that it is shown."""
    seen: set[str] = set()
    welcomes: list[bool] = []
    client = paho.Client(
        CallbackAPIVersion.VERSION2, transport="websockets", reconnect_on_failure=False
    )
    client.tls_set_context(doors.authority.context())
    client.ws_set_options(path="/mqtt")
    if name:
        client.username_pw_set(name, password)
    client.on_connect = lambda *told: welcomes.append(not told[3].is_failure)
    client.on_subscribe = lambda *_: welcomes.append(True)
    client.on_message = lambda _client, _data, message: seen.add(message.topic)
    client.connect("localhost", doors.browsers.port)
    client.loop_start()
    try:
        until(lambda: welcomes)
        assert welcomes[0]
        client.subscribe("#")
        until(lambda: len(welcomes) > 1)
        yield client, seen
    finally:
        client.disconnect()
        client.loop_stop()


# -- a recorded command ----------------------------------------------------------------------------


def test_a_recorded_command_runs_once(doors: ClosedMosquitto, dome: Device) -> None:
    body = {
        "message": "count", "args": {"number": 70}, "id": "once", "from": "ops", "ttl": 2,
        "sent_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }  # fmt: skip
    record = json.dumps(body)
    with doors.client("ops") as ops, doors.client("sacked") as spy:
        ops.subscribe(f"{ROOT}/+/outbox/ops")
        ops.publish(f"{ROOT}/dome/inbox", record, qos=1)
        first = end_of(ops, "once")
        spy.publish(f"{ROOT}/dome/inbox", record, qos=1)
        assert end_of(ops, "once") == first
        other = record.replace('"once"', '"again"').replace('"ttl": 2', '"ttl": 0.001')
        spy.publish(f"{ROOT}/dome/inbox", other, qos=1)
        assert end_of(ops, "again")["state"] == "expired"
    assert dome.ran.count(70) == 1


def test_a_recorded_command_that_the_broker_keeps_is_never_run(
    doors: ClosedMosquitto, tmp_path: Path
) -> None:
    """Whoever may command may retain, too: mosquitto's rules know no difference."""
    with doors.client("ops") as ops, RawClient(doors.witness) as witness:
        ops.subscribe(f"{ROOT}/+/outbox/ops")
        body = {"message": "count", "args": {"number": 71}, "id": "kept", "from": "ops"}
        ops.publish(f"{ROOT}/camera/inbox", body, qos=1, retain=True)
        with agent(doors, "camera", tmp_path) as camera:
            told = end_of(ops, "kept", 30)
            assert told["error"]["code"] == "retained"
            assert camera.ran == []
        ops.publish(f"{ROOT}/camera/inbox", b"", qos=1, retain=True)  # who commands can remove it
        witness.subscribe(f"{ROOT}/camera/inbox", qos=0)
        assert witness.drain() == []


def test_a_reply_topic_does_not_lend_the_agent_s_voice(
    doors: ClosedMosquitto, dome: Device, witness: RawClient
) -> None:
    """Who commands the dome cannot have it write into others' names."""
    witness.subscribe(f"{ROOT}/mount/#", f"{ROOT}/guest/#", qos=0)
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.tls_set_context(doors.authority.context("ops"))
    client.connect("localhost", doors.url.port)
    client.loop_start()
    try:
        for place in ("mount/status", "mount/inbox", "guest/status"):
            wish = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            wish.ResponseTopic = f"{ROOT}/{place}"
            body = json.dumps({"message": "close", "from": "ops"})
            said = client.publish(f"{ROOT}/dome/inbox", body, qos=1, properties=wish)
            said.wait_for_publish(10)
    finally:
        client.disconnect()
        client.loop_stop()
    assert answers(doors, 8)
    assert not [one for one in witness.drain() if not one.retain]
    assert dome._alive.transport.is_up


# -- stolen and forged identities ------------------------------------------------------------------


def test_certificates_that_are_not_ours_or_no_longer_good_open_nothing(
    doors: ClosedMosquitto, tmp_path: Path
) -> None:
    ours, theirs = doors.authority, Authority(tmp_path / "theirs", "observatory")
    theirs.issue("dome")
    ours.issue("old", days=-1)
    contexts = (theirs.context("dome", trusts=ours), ours.context("old"))
    for tls in contexts:
        with pytest.raises(SHUT), RawClient(doors.url, tls=tls) as client:
            client.drain()


def test_who_is_revoked_is_out_and_who_is_struck_off_does_nothing_more(
    doors: ClosedMosquitto, witness: RawClient
) -> None:
    everybody = doors.register
    witness.subscribe(f"{ROOT}/#", qos=0)
    with doors.client("sacked") as inside:
        inside.publish(f"{ROOT}/x/inbox", "while it may", qos=1)
        rest = {name: one for name, one in everybody.identities.items() if name != "sacked"}
        write_rules(Register(rest, {}), doors.folder, ROOT)
        doors.authority.revoke("sacked")
        doors.read_again()
        tls = doors.authority.context("sacked")
        until(lambda: not _enters(doors, tls))
        inside.publish(f"{ROOT}/x/inbox", "when it may no more", qos=1)
    said = {one.payload for one in witness.drain() if one.topic == f"{ROOT}/x/inbox"}
    assert said == {b"while it may"}
    doors.apply()
    doors.authority.revoke()
    doors.read_again()


def test_a_password_that_is_taken_back_ends_its_connection(doors: ClosedMosquitto) -> None:
    with RawClient(doors.devices, login=("sensor", SECRET)) as device:
        (doors.folder / PASSWORDS).write_text("")
        doors.read_again()
        until(lambda: _is_out(device))
    doors.apply()
    doors.read_again()


def _is_out(client: RawClient) -> bool:
    try:
        client.drain()
    except ConnectionError:
        return True
    return False


def _enters(doors: ClosedMosquitto, tls: ssl.SSLContext) -> bool:
    try:
        with RawClient(doors.url, tls=tls) as client:
            return client.drain() == []
    except SHUT:
        return False


# paho leaves the socket of a failed handshake to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_impostor_s_broker_is_told_nothing(doors: ClosedMosquitto, tmp_path: Path) -> None:
    theirs = Authority(tmp_path / "theirs", "observatory")
    files = doors.authority.settings("ops") | {"ca_file": str(theirs.folder / "ca.crt")}
    settings = settings_for(doors.url, ROOT, state_dir=tmp_path, **files)
    with Sender("ops", settings=settings) as sender, pytest.raises(Unreachable) as told:
        sender.send_to("dome", "close", ttl=1).wait_accepted(20)
    assert "certificate" in str(told.value)


# -- floods ----------------------------------------------------------------------------------------


def test_an_oversized_packet_costs_only_its_sender_the_connection(
    doors: ClosedMosquitto, dome: Device
) -> None:
    with doors.client("camera") as camera, pytest.raises(SHUT):
        camera.publish(f"{ROOT}/camera/telemetry/image", b"x" * 3_000_000, qos=1)
    assert answers(doors, 9)
    assert dome._alive.transport.is_up


def test_a_flood_of_connections_does_not_keep_others_from_commanding(
    doors: ClosedMosquitto, dome: Device
) -> None:
    with contextlib.ExitStack() as stack:
        for port in (doors.devices.port, doors.url.port, doors.browsers.port):
            for _ in range(100):
                stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
        assert answers(doors, 10)
    assert dome._alive.transport.is_up


def test_a_door_has_room_for_so_many_and_no_more(tmp_path: Path) -> None:
    """A first time: mosquitto 2.0.11 makes room for one more by each that it denies."""
    nobody = Register({}, {})
    with ClosedMosquitto(tmp_path, nobody, ROOT) as own, contextlib.ExitStack() as stack:
        place = ("127.0.0.1", own.devices.port)
        crowd = [
            stack.enter_context(socket.create_connection(place, 10)) for _ in range(DEVICES + 1)
        ]
        with contextlib.suppress(ConnectionError):
            assert crowd[-1].recv(1) == b""


def test_a_flood_of_messages_keeps_nobody_from_commanding(
    doors: ClosedMosquitto, dome: Device
) -> None:
    """Also where a viewer subscribes to all of it and does not read."""
    with doors.client("camera") as camera, doors.client("guest") as lazy:
        lazy.subscribe("#", qos=0)
        for number in range(3000):
            camera.publish(f"{ROOT}/camera/telemetry/noise", b"x" * 1000)
            if number == 1500:
                assert answers(doors, 11)
    assert answers(doors, 12)
    assert dome._alive.transport.is_up


@pytest.mark.usefixtures("dome")
def test_what_a_device_says_in_the_clear_gives_away_no_more_than_the_device(
    doors: ClosedMosquitto, witness: RawClient
) -> None:
    """Who has listened on the line has its password."""
    witness.subscribe(f"{ROOT}/#", qos=0)
    with RawClient(doors.devices, login=("sensor", SECRET)) as spy:
        spy.subscribe("#", qos=0)
        for place in ("dome/inbox", "dome/status", "camera/telemetry/x", "sensor/status"):
            spy.publish(f"{ROOT}/{place}", "stolen", qos=1)
        assert answers(doors, 13)
        assert {one.topic for one in spy.drain()} == {f"{ROOT}/sensor/status"}
    stolen = {one.topic for one in witness.drain() if one.payload == b"stolen"}
    assert stolen == {f"{ROOT}/sensor/status"}


def test_the_will_of_an_agent_is_still_spoken(doors: ClosedMosquitto, witness: RawClient) -> None:
    will = Will(f"{ROOT}/camera/status", b'{"agent":"camera","state":"lost"}')
    witness.subscribe(f"{ROOT}/camera/status", qos=0)
    RawClient(doors.url, will=will, tls=doors.authority.context("camera")).vanish()
    assert claim(witness, "lost")["agent"] == "camera"
