"""Clients that are not ours command an agent: Debian's, and one in packets of 256 bytes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest

from pyros_mqtt import Command
from pyros_mqtt.settings import BrokerUrl
from tests.system.debian_clients import command, run
from tests.system.device import Device, end_of, running
from tests.system.raw_mqtt import RawClient, Will

pytestmark = pytest.mark.usefixtures("device")


@pytest.fixture
def device(broker_url: BrokerUrl, topic_root: str) -> Iterator[Device]:
    with running(broker_url, topic_root) as device:
        yield device


@pytest.mark.parametrize("words", [["-q", "0"], ["-q", "1"]])
def test_mosquitto_pub_closes_the_dome_and_mosquitto_sub_sees_it(
    broker_url: BrokerUrl, topic_root: str, words: list[str]
) -> None:
    listen = command(
        broker_url, "mosquitto_sub", "-V", "mqttv311", "-t", f"{topic_root}/device/outbox/#",
        "-v", "-C", "2", "-W", "15", "-q", "1", "-d",
    )  # fmt: skip
    listen = ["stdbuf", "-oL", *listen]  # or its words wait in a buffer
    with subprocess.Popen(listen, stdout=subprocess.PIPE, text=True) as listener:  # noqa: S603
        assert listener.stdout is not None
        while "SUBACK" not in listener.stdout.readline():
            pass
        run(
            broker_url, "mosquitto_pub", "-V", "mqttv311", "-t", f"{topic_root}/device/inbox",
            "-m", "close", *words,
        )  # fmt: skip
        said = listener.stdout.read()
        lines = [line for line in said.splitlines() if line.startswith(topic_root)]
    assert [json.loads(line.split(" ", 1)[1])["state"] for line in lines] == ["accepted", "done"]
    assert all(line.startswith(f"{topic_root}/device/outbox/anonymous ") for line in lines)


def test_a_microcontroller_commands_and_reports_in_small_packets(
    broker_url: BrokerUrl, topic_root: str
) -> None:
    will = Will(f"{topic_root}/esp/status", b"lost")
    with RawClient(broker_url, "esp", will=will, limit=256) as small:
        small.publish(f"{topic_root}/esp/status", b"ready", retain=True)
        small.publish(f"{topic_root}/esp/telemetry/temperature", b"12.3")
        small.subscribe(f"{topic_root}/device/outbox/esp", qos=0)
        small.publish(
            f"{topic_root}/device/inbox",
            b'{"message":"goto","args":{"ra":1},"id":"7","from":"esp","ttl":10}',
        )
        assert end_of(small, "7")["result"] == [1.0, 0.0]
        small.publish(f"{topic_root}/device/inbox", b"close")
        small.ping()


def test_a_small_device_is_an_equal_peer(
    device: Device, broker_url: BrokerUrl, topic_root: str
) -> None:
    """It takes a command of ours and answers with the two reports that it has to."""
    with RawClient(broker_url, "esp", limit=512) as small:
        small.subscribe(f"{topic_root}/esp/inbox", qos=0)
        small.publish(f"{topic_root}/esp/status", b"ready", retain=True)
        command = Command("esp", "blink", {"times": 3}, id="b-1", sender=device.name)
        receipt = device._alive.voice.send(command)
        asked = small.next().body
        for state in ("accepted", "done"):
            report = {
                "id": asked["id"], "message": asked["message"], "agent": "esp", "state": state,
                "at": "2026-11-22T20:14:31.400Z", "result": 5,
            }  # fmt: skip
            small.publish(f"{topic_root}/esp/outbox/{asked['from']}", report)
        assert receipt.result(10) == 5


@pytest.mark.parametrize(
    "broken",
    [
        b"\x30\x02\x00\x00",
        b"\x32\x05\x00\x01x\x00\x00",
        b"\xff\xff\xff\xff\xff",
        b"\x82\x02\x00\x01",
        b"\x30\x7f\x00",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_broken_packets_of_others_hurt_no_agent(
    broker_url: BrokerUrl, topic_root: str, broken: bytes
) -> None:
    rude = RawClient(broker_url, "rude")
    rude.send_bytes(broken)
    with RawClient(broker_url) as client:
        client.subscribe(f"{topic_root}/device/outbox/ops")
        body = {"message": "goto", "id": "g", "from": "ops"}
        client.publish(f"{topic_root}/device/inbox", body, qos=1)
        assert end_of(client, "g")["state"] == "done"
    rude.vanish()
