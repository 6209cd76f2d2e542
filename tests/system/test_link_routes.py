"""Who hears what comes over a link, and in which version of MQTT."""

from __future__ import annotations

import queue

from pyros_mqtt.link import Brokers
from pyros_mqtt.settings import BrokerUrl, Settings
from pyros_mqtt.transport import Delivery
from tests.system.device import until
from tests.system.raw_mqtt import RawClient


def test_a_lean_link_speaks_the_older_version(mosquitto_url: BrokerUrl, topic_root: str) -> None:
    settings = Settings(brokers=(mosquitto_url,))
    for lean, version in ((True, "MQTT 3.1.1"), (False, "MQTT 5")):
        link = Brokers(settings, lean=lean).transport(f"{topic_root}-{lean}")
        link.open()
        until(lambda link=link: link.is_up)  # type: ignore[misc]
        assert link.protocol == version
        link.close()


def test_a_topic_that_was_heard_before_goes_to_whoever_listens_now(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    heard: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()

    def hearing(who: str, delivery: Delivery) -> None:
        heard.put((who, delivery.topic.removeprefix(topic_root)))

    link = Brokers(Settings(brokers=(mosquitto_url,))).transport(f"{topic_root}-ear")
    link.subscribe(f"{topic_root}/a/+", lambda delivery: hearing("first", delivery))
    link.open()
    until(lambda: link.is_up)
    with RawClient(mosquitto_url, f"{topic_root}-mouth") as mouth:
        for topic in ("a/x", "b/x", "a/x"):
            mouth.publish(f"{topic_root}/{topic}", b"1", qos=1)
        assert [heard.get(timeout=10) for _ in range(2)] == [("first", "/a/x")] * 2
        link.unsubscribe(f"{topic_root}/a/+")
        link.subscribe(f"{topic_root}/#", lambda delivery: hearing("second", delivery))
        spoken = 0
        while heard.empty():
            mouth.publish(f"{topic_root}/a/x", b"1", qos=1)
            spoken += 1
        assert heard.get(timeout=10) == ("second", "/a/x")
    link.close()
    assert spoken
