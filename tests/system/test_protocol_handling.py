"""What an agent does with good commands, on real brokers (protocol § 4)."""

from __future__ import annotations

import time
from typing import Any, Self

import pytest

from pyros_mqtt import NobodyListens, Sender, WasCancelled
from pyros_mqtt.settings import BrokerUrl
from pyros_mqtt.wire import to_rfc3339
from tests.system.device import claim, end_of, running, settings_for, until
from tests.system.raw_mqtt import RawClient


class Line:
    """A raw client that commands a device under one sender's name."""

    def __init__(self, url: BrokerUrl, root: str) -> None:
        self.client = RawClient(url).subscribe(f"{root}/device/outbox/ops")
        self._inbox = f"{root}/device/inbox"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def say(self, message: str, command_id: str, /, args: Any = None, **more: Any) -> None:
        body = {"message": message, "id": command_id, "from": "ops"} | more
        self.client.publish(self._inbox, body | ({"args": args} if args else {}), qos=1)

    def end(self, command_id: str) -> dict[str, Any]:
        return end_of(self.client, command_id)

    def ends(self, count: int) -> dict[str, str]:
        """The terminal states of the next commands to end, by their ids."""
        bodies = [self.client.until(_is_end).body for _ in range(count)]
        return {body["id"]: body["state"] for body in bodies}

    def state(self, command_id: str, state: str) -> dict[str, Any]:
        return self.client.until(
            lambda m: (m.body["id"], m.body["state"]) == (command_id, state)
        ).body


def test_a_duplicate_is_not_run_again_and_gets_the_latest_report(
    broker_url: BrokerUrl, topic_root: str
) -> None:
    with running(broker_url, topic_root) as device, Line(broker_url, topic_root) as line:
        line.say("count", "d", {"number": 5})
        first = line.end("d")
        for _ in range(3):
            line.say("count", "d", {"number": 5})
            assert line.end("d") == first
        line.say("count", "d", {"number": 6})
        assert line.end("d")["error"]["code"] == "conflict"
        assert device.ran == [5]


def test_a_duplicate_past_its_deadline_gets_the_latest_report(
    broker_url: BrokerUrl, topic_root: str
) -> None:
    with running(broker_url, topic_root) as device, Line(broker_url, topic_root) as line:
        deadline = time.time() + 0.4
        line.say("count", "d", {"number": 5}, expires=to_rfc3339(deadline))
        first = line.end("d")
        until(lambda: time.time() > deadline)
        line.say("count", "d", {"number": 5}, expires=to_rfc3339(deadline))
        assert line.end("d") == first
        line.say("count", "e", {"number": 5}, expires=to_rfc3339(deadline))
        assert line.end("e")["state"] == "expired"
        assert device.ran == [5]


def test_a_command_that_expires_while_it_waits_is_not_started(
    broker_url: BrokerUrl, topic_root: str
) -> None:
    with running(broker_url, topic_root) as device, Line(broker_url, topic_root) as line:
        line.say("block", "b")
        line.state("b", "running")
        line.say("count", "c", {"number": 1}, ttl=0.2)
        line.state("c", "accepted")
        deadline = time.monotonic() + 0.3
        until(lambda: time.monotonic() > deadline)
        device.go.set()
        assert line.end("c")["state"] == "expired"
        assert device.ran == []


def test_commands_run_in_their_order_and_each_ends_once(
    broker_url: BrokerUrl, topic_root: str
) -> None:
    with running(broker_url, topic_root) as device, Line(broker_url, topic_root) as line:
        for number in range(200):
            line.say("count", f"c{number}", {"number": number})
        states: dict[str, list[str]] = {}
        while sum(len(seen) for seen in states.values()) < 400:
            body = line.client.next().body
            states.setdefault(body["id"], []).append(body["state"])
        assert device.ran == list(range(200))
        assert all(seen == ["accepted", "done"] for seen in states.values())
        assert len(states) == 200


def test_urgent_ones_run_beside_and_abort_ends_all_others(
    broker_url: BrokerUrl, topic_root: str
) -> None:
    with running(broker_url, topic_root) as device, Line(broker_url, topic_root) as line:
        line.say("wait", "running")
        line.state("running", "running")
        for number in range(3):
            line.say("count", f"w{number}", {"number": number})
        line.say("close", "urgent")
        assert line.end("urgent")["result"] == "closed"
        line.say("abort", "abort")
        assert line.ends(5) == {
            "running": "cancelled",
            "w0": "cancelled",
            "w1": "cancelled",
            "w2": "cancelled",
            "abort": "done",
        }
        assert device.ran == []


def _is_end(message: Any) -> bool:
    return message.body["state"] in {"done", "cancelled", "failed", "rejected"}


def test_more_than_can_wait_is_rejected_as_full(broker_url: BrokerUrl, topic_root: str) -> None:
    with (
        running(broker_url, topic_root, max_waiting=5) as device,
        Line(broker_url, topic_root) as line,
    ):
        line.say("block", "b")
        line.state("b", "running")
        for number in range(8):
            line.say("count", f"c{number}", {"number": number})
        for number in (5, 6, 7):
            assert line.end(f"c{number}")["error"]["code"] == "full"
        line.say("close", "urgent")
        assert line.end("urgent")["state"] == "done"
        device.go.set()
        assert line.end("c4")["state"] == "done"
        assert device.ran == [0, 1, 2, 3, 4]


def test_a_clean_stop_reports_cancelled_and_stopped(broker_url: BrokerUrl, topic_root: str) -> None:
    with (
        running(broker_url, topic_root) as device,
        Line(broker_url, topic_root) as line,
        RawClient(broker_url) as watcher,
    ):
        watcher.subscribe(f"{topic_root}/device/status")
        line.say("wait", "running")
        line.state("running", "running")
        line.say("count", "waiting", {"number": 1})
        line.state("waiting", "accepted")
        line.say("shutdown", "s")
        assert line.ends(3) == {"running": "cancelled", "waiting": "cancelled", "s": "done"}
        assert device.join(5)
        claim(watcher, "stopping")
        claim(watcher, "stopped")
        assert watcher.hears_nothing(0.2), "no will after a goodbye"


def test_a_sender_of_ours_gets_results_progress_and_errors(
    broker_url: BrokerUrl, topic_root: str
) -> None:
    settings = settings_for(broker_url, topic_root)
    with running(broker_url, topic_root), Sender("ops", settings=settings) as sender:
        assert sender.ask("device", "goto", ra=1, dec=2, timeout=5) == [1.0, 2.0]
        receipt = sender.send_to("device", "wait")
        sender.ask("device", "abort", timeout=5)
        with pytest.raises(WasCancelled):
            receipt.result(5)
        with pytest.raises(NobodyListens):
            sender.send_to("nobody", "hello", ttl=1.5)


def test_a_large_result_passes(broker_url: BrokerUrl, topic_root: str) -> None:
    settings = settings_for(broker_url, topic_root)
    with running(broker_url, topic_root), Sender("ops", settings=settings) as sender:
        assert len(sender.ask("device", "large", size=1_000_000, timeout=10)) == 1_000_000
