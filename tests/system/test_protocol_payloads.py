"""Every bad payload and field is sent for real, and its report is seen (protocol §§ 1-3)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from pyros_mqtt.settings import BrokerUrl
from pyros_mqtt.wire import to_rfc3339
from tests.system.device import Device, end_of, running
from tests.system.raw_mqtt import Message, RawClient


class Talk:
    """A device on a broker, and a raw client that talks with it."""

    def __init__(self, device: Device, client: RawClient, root: str) -> None:
        self.device, self.client, self.root = device, client, root
        self._marks = 0

    def say(self, payload: bytes | str | dict[str, Any], *, retain: bool = False) -> None:
        self.client.publish(f"{self.root}/device/inbox", payload, qos=1, retain=retain)

    def answer(self, payload: bytes | str | dict[str, Any]) -> dict[str, Any]:
        """Send something, and give the terminal report on it with its topic's sender as `to`."""
        self.say(payload)
        message = self.client.until(is_end)
        return message.body | {"to": message.topic.rpartition("/")[2]}

    def refusal(self, payload: bytes | str | dict[str, Any]) -> tuple[str, str]:
        """The code with which something is rejected, and to whom that is told."""
        report = self.answer(payload)
        assert report["state"] == "rejected"
        assert report["agent"] == "device"
        assert report["id"]
        return report["error"]["code"], report["to"]

    def still_answers(self) -> bool:
        """The next good command is answered within a second."""
        self._marks += 1
        began = time.monotonic()
        mark = f"mark-{self._marks}"
        self.say({"message": "count", "args": {"number": 0}, "id": mark, "from": "ops"})
        return end_of(self.client, mark)["state"] == "done" and time.monotonic() - began < 1.0


def is_end(message: Message) -> bool:
    return message.body["state"] not in {"accepted", "running"}


@pytest.fixture(scope="module", params=["mosquitto", "embedded"])
def talk(request: pytest.FixtureRequest) -> Iterator[Talk]:
    """One device for all of these tests: none of them changes it, and each sends its own."""
    url: BrokerUrl = request.getfixturevalue(f"{request.param}_url")
    root = f"payloads-{request.param}"
    with running(url, root, max_payload=4096) as device, RawClient(url) as client:
        client.subscribe(f"{root}/device/outbox/+")
        yield Talk(device, client, root)


BAD_PAYLOADS = {
    "too large": (b"x" * 4097, "too-large"),
    "too large and no text": (b"\xff" * 5000, "too-large"),
    "no UTF-8": (b"open\xff", "bad-encoding"),
    "UTF-16": ("open".encode("utf-16"), "bad-encoding"),
    "a NUL": (b"open\0", "bad-encoding"),
    "half an object": (b'{"message":"goto"', "bad-json"),
    "two objects": (b"{}{}", "bad-json"),
    "a duplicate key": (b'{"message":"goto","message":"goto"}', "bad-json"),
    "NaN": (b'{"message":"goto","args":{"ra":NaN}}', "bad-json"),
    "Infinity": (b'{"message":"goto","args":{"ra":-Infinity}}', "bad-json"),
    "1e999": (b'{"message":"goto","args":{"ra":1e999}}', "bad-json"),
    "a lone surrogate": (b'{"message":"\\ud800"}', "bad-json"),
    "33 levels": (b'{"message":"goto","args":{"a":' + b"[" * 31 + b"]" * 31 + b"}}", "bad-json"),
    "an abyss": (b'{"message":"goto","args":{"a":' + b"[" * 2000, "bad-json"),
    "no message": (b"{}", "bad-json"),
    "a message that is no text": (b'{"message":5}', "bad-json"),
    "a text without a message": (b"ra=1", "unknown-message"),
    "an unknown message": (b"fly me to the moon", "unknown-message"),
    "a loose word": (b"goto ra=1 now", "bad-arguments"),
    "an argument twice": (b"goto ra=1 ra=2", "bad-arguments"),
    "an argument of another type": (b"goto ra=west", "bad-arguments"),
    "an argument out of range": (b"goto dec=91", "bad-arguments"),
    "an argument that is not there": (b"goto speed=3", "bad-arguments"),
    "an argument that is missing": (b"count", "bad-arguments"),
    "arguments in a list": (b'{"message":"goto","args":[]}', "bad-arguments"),
    "an unknown field": (b'{"message":"goto","priority":1}', "unknown-field"),
    "urgent on what is not": (b'{"message":"goto","urgent":true}', "forbidden"),
    "another session": (b'{"message":"goto","session":"other"}', "conflict"),
    "from the future": (b'{"message":"goto","sent_at":"2100-01-01T00:00:00Z"}', "clock-skew"),
    "a time without Z": (b'{"message":"goto","sent_at":"2026-11-22T00:00:00+00:00"}', "bad-json"),
    "two deadlines": (
        b'{"message":"goto","ttl":5,"expires":"2100-01-01T00:00:00Z"}',
        "conflict",
    ),
    "a bad id": ('{"message":"goto","id":"é"}'.encode(), "bad-name"),
    "an empty id": (b'{"message":"goto","id":""}', "bad-name"),
    "a long id": (b'{"message":"goto","id":"' + b"x" * 65 + b'"}', "bad-name"),
}


@pytest.mark.parametrize("name", BAD_PAYLOADS)
def test_a_bad_thing_is_rejected_with_its_code_and_hurts_nobody(talk: Talk, name: str) -> None:
    payload, code = BAD_PAYLOADS[name]
    assert talk.refusal(payload) == (code, "anonymous")
    assert talk.still_answers()


@pytest.mark.parametrize("sender", ["+", "#", "ops/#", "a/b", "Ops", "", "x" * 64, "é", "$SYS"])
def test_a_bad_sender_never_reaches_a_topic(talk: Talk, sender: str) -> None:
    body = {"message": "goto", "from": sender, "id": "bad-sender"}
    assert talk.refusal(body) == ("bad-name", "anonymous")


def test_a_refusal_of_a_command_with_an_id_and_a_sender_goes_to_that_sender(talk: Talk) -> None:
    report = talk.answer({"message": "fly", "from": "somebody-1", "id": "r-1"})
    assert (report["to"], report["id"], report["error"]["code"]) == (
        "somebody-1",
        "r-1",
        "unknown-message",
    )
    assert "echo" not in report


def test_a_command_without_an_id_is_echoed(talk: Talk) -> None:
    report = talk.answer(b"goto ra=5\n")
    assert (report["result"], report["echo"]) == ([5.0, 0.0], "goto ra=5\n")


@pytest.mark.parametrize("payload", [b"", b"\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_nothing_is_ignored_and_counted(talk: Talk, payload: bytes) -> None:
    before = talk.device._alive.inbox.ignored
    talk.say(payload)
    assert talk.still_answers()
    assert talk.device._alive.inbox.ignored == before + 1


@pytest.mark.parametrize(
    ("payload", "result"),
    [
        (b"goto", [0.0, 0.0]),
        (b"goto ra=83.633 dec=22.014", [83.633, 22.014]),
        (b"\xef\xbb\xbfgoto ra=1\r\n", [1.0, 0.0]),
        (b' {"message":"goto","args":{"ra":5},"x-trace":[1]} ', [5.0, 0.0]),
        (b'{"message":"goto","args":{"ra":1e-999}}', [0.0, 0.0]),
    ],
)
def test_a_good_one_is_run(talk: Talk, payload: bytes, result: list[float]) -> None:
    report = talk.answer(payload)
    assert (report["state"], report["result"]) == ("done", result)


def test_qos_0_is_accepted(talk: Talk) -> None:
    talk.client.publish(f"{talk.root}/device/inbox", b"goto ra=7", qos=0)
    assert talk.client.until(is_end).body["result"] == [7.0, 0.0]


def test_a_late_command_is_expired_and_not_run(talk: Talk) -> None:
    sent_at = to_rfc3339(time.time() - 60)
    before = len(talk.device.ran)
    report = talk.answer({"message": "goto", "id": "late-1", "sent_at": sent_at, "ttl": 5})
    assert (report["state"], report["error"]["code"]) == ("expired", "timeout")
    report = talk.answer({"message": "goto", "id": "late-2", "sent_at": sent_at})
    assert report["state"] == "expired", "the action's own lifetime of 30 s"
    assert len(talk.device.ran) == before


def test_a_retained_command_is_rejected_at_each_connection_and_never_run(
    talk: Talk, topic_root: str
) -> None:
    inbox = f"{topic_root}/device/inbox"
    url = talk.device._settings.brokers[0]
    with RawClient(url) as other:
        command = {"message": "count", "args": {"number": 7}, "id": "old"}
        other.publish(inbox, command, qos=1, retain=True)
        other.subscribe(f"{topic_root}/device/outbox/+")
        with running(url, topic_root) as device:
            report = end_of(other, "old")
            assert (report["state"], report["error"]["code"]) == ("rejected", "retained")
            assert device.ran == []
        other.publish(inbox, b"", qos=1, retain=True)


def test_a_thousand_random_payloads_hurt_nobody(talk: Talk) -> None:
    seed = json.dumps({"message": "goto", "args": {"ra": 1}, "id": "s", "from": "ops"}).encode()
    for number in range(1000):
        at = number % len(seed)
        cut = seed[:at] + bytes([number * 7 % 256]) + seed[at + 1 :]
        talk.client.publish(f"{talk.root}/device/inbox", cut, qos=0)
    talk.still_answers()  # once all of them have been read
    assert talk.still_answers()
