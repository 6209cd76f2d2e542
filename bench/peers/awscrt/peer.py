"""AWS Common Runtime, in C: its MQTT 5 client.

Its best settings: without the throttle to AWS IoT Core's limits, which is on by default (100
publications a second). Commands go at QoS 0: it cannot set TCP_NODELAY, so that at QoS 1 each
answer would wait 40 ms behind an acknowledgement.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from awscrt import mqtt5

from bench import lane
from bench.job import PATIENCE, Job, Told, number_of
from bench.pace import Stopwatch, Window, paced

TOPIC, ANSWERS = "bench/awscrt/there", "bench/awscrt/back"


def connected(job: Job, topic: str = "", on_payload: Callable[[bytes], None] | None = None) -> Any:
    """A client that is connected and subscribed."""
    is_up = threading.Event()
    heard = on_payload or _nothing
    options = mqtt5.ClientOptions(
        host_name=job.place["host"],
        port=job.place["port"],
        connect_options=mqtt5.ConnectPacket(),
        extended_validation_and_flow_control_options=(
            mqtt5.ExtendedValidationAndFlowControlOptions.NONE
        ),
        on_publish_callback_fn=lambda data: heard(data.publish_packet.payload),
        on_lifecycle_event_connection_success_fn=lambda _: is_up.set(),
        disable_metrics=True,
    )
    client = mqtt5.Client(options)
    client.start()
    if not is_up.wait(PATIENCE):
        raise TimeoutError("no connection")
    if topic:
        wanted = mqtt5.Subscription(topic, mqtt5.QoS(job.qos))
        client.subscribe(mqtt5.SubscribePacket([wanted])).result(PATIENCE)
    return client


def serve(job: Job) -> Told:
    """Send back what comes."""
    job = at_once(job)

    def listen(take: Callable[[int], None]) -> Callable[[], None]:
        def answer(payload: bytes) -> None:
            take(number_of(payload))
            client.publish(packet(job, ANSWERS, payload))

        client = connected(job, TOPIC, answer)
        return client.stop  # type: ignore[no-any-return]

    return lane.serving(job, listen)


def ask(job: Job) -> Told:
    """Ping and pong, one at a time."""
    job = at_once(job)
    answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    client = connected(job, ANSWERS, answers.put)

    def once(text: str) -> str:
        client.publish(packet(job, TOPIC, text.encode()))
        return answers.get(timeout=PATIENCE).decode()

    return lane.laps(job, once)


def read(job: Job) -> Told:
    """Count what comes."""

    def listen(take: Callable[[int], None]) -> Callable[[], None]:
        client = connected(job, TOPIC, lambda payload: take(number_of(payload)))
        return client.stop  # type: ignore[no-any-return]

    return lane.reading(job, listen)


def write(job: Job) -> Told:
    """Publish one after the other, with a window of acknowledgements."""
    client, window, watch = connected(job), Window(job.window), Stopwatch()
    for number in paced(job, watch):
        window.enter()
        client.publish(packet(job, TOPIC, job.payload(number))).add_done_callback(window.leave)
    return watch.stop()


def at_once(job: Job) -> Job:
    """The same job at QoS 0."""
    return replace(job, qos=0)


def packet(job: Job, topic: str, payload: bytes) -> Any:
    """One publication."""
    return mqtt5.PublishPacket(topic=topic, qos=mqtt5.QoS(job.qos), payload=payload)


def _nothing(_payload: bytes) -> None:
    """A client that only publishes hears nothing."""


if __name__ == "__main__":
    lane.main({"serve": serve, "ask": ask, "read": read, "write": write})
