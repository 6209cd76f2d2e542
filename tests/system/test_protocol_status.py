"""Status, will, beat and the ownership of a name, on real brokers (protocol § 6)."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from typing import Any

import pytest

from pyros_mqtt import NameTaken
from pyros_mqtt.settings import BrokerUrl
from pyros_mqtt.wire import from_rfc3339
from tests.system.device import Device, claim, process, running, settings_for, started, until
from tests.system.raw_mqtt import Message, RawClient, Will


def watcher(url: BrokerUrl, root: str) -> RawClient:
    return RawClient(url).subscribe(f"{root}/device/status")


def test_the_status_beats_with_session_order_and_time(
    broker_url: BrokerUrl, topic_root: str
) -> None:
    with (
        watcher(broker_url, topic_root) as client,
        running(broker_url, topic_root, beat=0.2) as device,
    ):
        claim(client, "ready")
        first, second, third = (claim(client, "ready") for _ in range(3))
        assert first["seq"] < second["seq"] < third["seq"]
        assert first["session"] == third["session"] == device._alive.session
        assert first["boot"] == third["boot"] > 1_700_000_000_000
        assert first["since"] == third["since"]
        assert from_rfc3339(third["at"]) == pytest.approx(time.time(), abs=3)
        assert (third["agent"], third["pid"], third["protocol"]) == ("device", os.getpid(), 1)
        assert third["idle"] < 1.5
        assert (third["task"], third["waiting"], third["beat"]) == (None, 0, 0.2)


def test_the_state_follows_the_work(broker_url: BrokerUrl, topic_root: str) -> None:
    inbox = f"{topic_root}/device/inbox"
    with (
        watcher(broker_url, topic_root) as client,
        running(broker_url, topic_root) as device,
    ):
        claim(client, "ready")
        client.publish(inbox, {"message": "block", "id": "b-1", "from": "ops"})
        busy = claim(client, "busy")
        assert (busy["task"]["message"], busy["task"]["id"]) == ("block", "b-1")
        assert busy["task"]["from"] == "ops"
        device.degrade("one wheel is stuck")
        client.until(lambda m: m.body["detail"] == "one wheel is stuck")
        device.go.set()
        claim(client, "degraded")
        device.recover()
        claim(client, "ready")


def test_status_and_about_are_retained(broker_url: BrokerUrl, topic_root: str) -> None:
    with running(broker_url, topic_root), RawClient(broker_url) as client:
        # the about goes before it
        until(lambda: _kept(broker_url, f"{topic_root}/device/status").get("state") == "ready")
        client.subscribe(f"{topic_root}/device/status", f"{topic_root}/device/about")
        kept = [client.until(lambda m: m.retain), client.until(lambda m: m.retain)]
        bodies = {message.topic.rpartition("/")[2]: message.body for message in kept}
        assert bodies["status"]["state"] == "ready"
        about = bodies["about"]
        assert about["messages"]["goto"]["description"] == "Point somewhere."
        assert about["messages"]["goto"]["ttl"] == 30
        assert about["messages"]["goto"]["args"]["properties"]["dec"]["maximum"] == 90
        assert about["messages"]["close"]["urgent"] is True
        assert "starting" in about["messages"]["abort"]["states"]
        assert about["telemetry"]["temperature"]["unit"] == "deg_C"


def _kept(url: BrokerUrl, topic: str) -> dict[str, Any]:
    with RawClient(url) as client, contextlib.suppress(TimeoutError):
        message = client.subscribe(topic).next(0.3)
        return message.body if message.retain else {}
    return {}


def test_the_will_of_a_process_that_is_killed_says_lost(
    broker_url: BrokerUrl, topic_root: str
) -> None:
    with watcher(broker_url, topic_root) as client, process(broker_url, topic_root) as child:
        ready = claim(client, "ready", 30)
        assert ready["pid"] == child.pid
        child.send_signal(signal.SIGKILL)
        lost = claim(client, "lost")
        assert lost == {
            "agent": "device",
            "state": "lost",
            "session": ready["session"],
            "boot": ready["boot"],
        }
        with RawClient(broker_url) as later:
            kept = later.subscribe(f"{topic_root}/device/status").next()
            assert (kept.retain, kept.body) == (True, lost)


def test_a_process_that_is_told_to_end_says_stopped(broker_url: BrokerUrl, topic_root: str) -> None:
    with watcher(broker_url, topic_root) as client, process(broker_url, topic_root) as child:
        claim(client, "ready", 30)
        child.send_signal(signal.SIGTERM)
        claim(client, "stopping")
        claim(client, "stopped")
        assert child.wait(10) == 0
        assert client.hears_nothing(0.2), "no will comes after a goodbye"


def test_a_forged_will_or_an_older_claim_is_answered_by_the_agent(
    broker_url: BrokerUrl, topic_root: str
) -> None:
    topic = f"{topic_root}/device/status"
    with running(broker_url, topic_root, beat=60.0), watcher(broker_url, topic_root) as client:
        mine = client.next().body
        forgeries: list[str] = [
            json.dumps({"agent": "device", "state": "lost", "session": "x", "boot": 1}),
            json.dumps({"agent": "device", "state": "ready", "session": "x", "boot": 1}),
            json.dumps({"state": "lost", "session": mine["session"], "boot": mine["boot"]}),
            "lost",
            "ready",
            "complete nonsense",
            "",
        ]
        for forged in forgeries:
            client.publish(topic, forged, qos=1, retain=True)
            while client.next().payload != forged.encode():
                pass
            answer = client.until(lambda m: m.payload.startswith(b"{"), 5).body
            assert (answer["session"], answer["state"]) == (mine["session"], "ready")
        assert _kept_body(broker_url, topic)["session"] == mine["session"]


def _kept_body(url: BrokerUrl, topic: str) -> dict[str, Any]:
    with RawClient(url) as client:
        return client.subscribe(topic).next().body


def test_a_claim_of_a_clock_far_ahead_is_surpassed(broker_url: BrokerUrl, topic_root: str) -> None:
    topic = f"{topic_root}/device/status"
    far = 4_000_000_000_000
    with RawClient(broker_url) as client:
        old = {"agent": "device", "state": "stopped", "session": "x", "boot": far}
        client.publish(topic, old, qos=1, retain=True)
        client.subscribe(topic)
        with running(broker_url, topic_root):
            assert claim(client, "ready")["boot"] == far + 1


def test_a_second_agent_of_one_name_refuses_with_host_and_pid(
    broker_url: BrokerUrl, topic_root: str
) -> None:
    with running(broker_url, topic_root) as first, watcher(broker_url, topic_root) as client:
        session = claim(client, "ready")["session"]
        settings = settings_for(broker_url, topic_root)
        with (
            started(Device(settings=settings)) as second,
            pytest.raises(NameTaken, match=f"pid {os.getpid()}") as caught,
        ):
            second.join(15)
        assert caught.value.holder.host
        assert first._alive.transport.is_up
        until(lambda: claim(client, "ready")["session"] == session)
        assert first.is_alive


def test_a_higher_boot_takes_over_and_the_older_one_leaves(
    broker_url: BrokerUrl, topic_root: str
) -> None:
    topic = f"{topic_root}/device/status"
    with (
        watcher(broker_url, topic_root) as client,
        running(broker_url, topic_root, beat=60.0) as device,
    ):
        claim(client, "ready")
        while not client.hears_nothing(0.2):
            pass
        newer = {
            "agent": "device", "state": "ready", "session": "y", "host": "other", "pid": 99,
            "boot": device._alive.outbox.boot + 1000, "seq": 1, "beat": 5,
        }  # fmt: skip
        client.publish(topic, newer, qos=1, retain=True)
        with pytest.raises(NameTaken, match="on host other, pid 99"):
            device.join(10)
        assert _kept_body(broker_url, topic)["session"] == "y", "it left without a word"


def test_a_small_device_may_say_a_bare_word_and_have_it_as_its_will(
    broker_url: BrokerUrl, topic_root: str
) -> None:
    topic = f"{topic_root}/device/status"
    small = RawClient(broker_url, "esp", will=Will(topic, b"lost"), limit=256)
    small.publish(topic, b"ready", retain=True)
    with watcher(broker_url, topic_root) as client:
        assert client.next().payload == b"ready"
        small.vanish()
        client.until(lambda m: m.payload == b"lost")


def test_telemetry_passes_with_time_value_and_number(
    broker_url: BrokerUrl, topic_root: str
) -> None:
    with RawClient(broker_url) as client:
        client.subscribe(f"{topic_root}/device/telemetry/+")
        with running(broker_url, topic_root):
            samples: list[Message] = [client.next() for _ in range(3)]
        numbers = [sample.body["seq"] for sample in samples]
        assert numbers == list(range(numbers[0], numbers[0] + 3))
        assert samples[0].topic == f"{topic_root}/device/telemetry/temperature"
        assert samples[0].body["v"] == 20.5
        assert samples[0].body["t"] == pytest.approx(time.time(), abs=5)
