"""What MQTT 5 adds: correlation data, message expiry and response topics (protocol § 3)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from pyros_mqtt.settings import BrokerUrl
from tests.system.debian_clients import run
from tests.system.device import Device, running
from tests.system.raw_mqtt import RawClient

pytestmark = pytest.mark.usefixtures("device")


@pytest.fixture
def device(mosquitto_url: BrokerUrl, topic_root: str) -> Iterator[Device]:
    """On mosquitto: the embedded broker speaks MQTT 3.1.1 only."""
    with running(mosquitto_url, topic_root) as device:
        yield device


def ask(url: BrokerUrl, root: str, *words: str) -> dict[str, Any]:
    """Ask with mosquitto_rr, whose first answer is what it prints."""
    said = run(
        url, "mosquitto_rr", "-V", "5", "-t", f"{root}/device/inbox", "-e", f"{root}/answers/1",
        "-W", "10", *words,
    )  # fmt: skip
    answer: dict[str, Any] = json.loads(said)
    return answer


def test_a_response_topic_gets_a_copy_of_each_report(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with RawClient(mosquitto_url) as client:
        client.subscribe(f"{topic_root}/answers/1", f"{topic_root}/device/outbox/+")
        answer = ask(
            mosquitto_url,
            topic_root,
            "-m",
            "goto ra=5",
            "-D",
            "publish",
            "correlation-data",
            "c-77",
        )
        assert (answer["state"], answer["id"]) == ("accepted", "c-77"), "correlation data is the id"
        copies = [client.next() for _ in range(4)]
        on_topic = {
            topic: [m.body["state"] for m in copies if m.topic.endswith(topic)]
            for topic in ("answers/1", "outbox/anonymous")
        }
        assert on_topic == {
            "answers/1": ["accepted", "done"],
            "outbox/anonymous": ["accepted", "done"],
        }


def test_an_id_that_differs_from_the_correlation_data_is_a_conflict(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with RawClient(mosquitto_url) as client:
        client.subscribe(f"{topic_root}/device/outbox/+")
        run(
            mosquitto_url, "mosquitto_pub", "-V", "5", "-t", f"{topic_root}/device/inbox",
            "-m", '{"message":"goto","id":"a"}', "-D", "publish", "correlation-data", "b",
        )  # fmt: skip
        assert client.next().body["error"]["code"] == "conflict"


def test_a_message_expiry_that_differs_from_the_lifetime_is_a_conflict(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with RawClient(mosquitto_url) as client:
        client.subscribe(f"{topic_root}/device/outbox/+")
        run(
            mosquitto_url, "mosquitto_pub", "-V", "5", "-t", f"{topic_root}/device/inbox",
            "-m", '{"message":"goto","ttl":10}',
            "-D", "publish", "message-expiry-interval", "100",
        )  # fmt: skip
        assert client.next().body["error"]["code"] == "conflict"


@pytest.mark.parametrize("topic", ["device/inbox", "other/inbox"])
def test_a_response_topic_that_is_an_inbox_is_refused(
    mosquitto_url: BrokerUrl, topic_root: str, topic: str
) -> None:
    with RawClient(mosquitto_url) as client:
        client.subscribe(f"{topic_root}/device/outbox/+", f"{topic_root}/other/inbox")
        run(
            mosquitto_url, "mosquitto_pub", "-V", "5", "-t", f"{topic_root}/device/inbox",
            "-m", "goto", "-D", "publish", "response-topic", f"{topic_root}/{topic}",
        )  # fmt: skip
        message = client.next()
        assert (message.topic, message.body["error"]["code"]) == (
            f"{topic_root}/device/outbox/anonymous",
            "bad-name",
        )
        assert client.hears_nothing(0.2)
