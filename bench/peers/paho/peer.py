"""paho-mqtt with its own loop (`loop_start`).

Its best settings: MQTT 3.1.1, which it reads faster than 5; TCP_NODELAY, without which reports wait
40 ms for an acknowledgement; a window of 100, since each acknowledgement scans what is in flight.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from bench import lane
from bench.job import PATIENCE, Job, Told, number_of
from bench.pace import Stopwatch, Window, paced

TOPIC, ANSWERS = "bench/paho/there", "bench/paho/back"


def connected(job: Job, topic: str = "", on_message: Callable[[Any], None] | None = None) -> Any:
    """A client whose loop runs and whose subscription is confirmed."""
    client: Any = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(max(100, job.window))
    client.max_queued_messages_set(0)
    client.on_socket_open = _at_once
    is_ready = threading.Event()
    if on_message is not None:
        client.on_message = lambda _client, _data, message: on_message(message.payload)
        client.on_subscribe = lambda *_: is_ready.set()
        client.on_connect = lambda *_: client.subscribe(topic, job.qos)
    else:
        client.on_connect = lambda *_: is_ready.set()
    client.connect(job.place["host"], job.place["port"])
    client.loop_start()
    if not is_ready.wait(PATIENCE):
        raise TimeoutError("no connection")
    return client


def serve(job: Job) -> Told:
    """Send back what comes."""

    def listen(take: Callable[[int], None]) -> Callable[[], None]:
        def answer(payload: bytes) -> None:
            take(number_of(payload))
            client.publish(ANSWERS, payload, job.qos)

        client = connected(job, TOPIC, answer)
        return lambda: _end(client)

    return lane.serving(job, listen)


def ask(job: Job) -> Told:
    """Ping and pong, one at a time."""
    answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    client = connected(job, ANSWERS, answers.put)

    def once(text: str) -> str:
        client.publish(TOPIC, text, job.qos)
        return answers.get(timeout=PATIENCE).decode()

    told = lane.laps(job, once)
    _end(client)
    return told


def commands(job: Job) -> Told:
    """Ping and pong, many at a time."""
    window, watch = Window(job.window), Stopwatch()
    client = connected(job, ANSWERS, window.leave)
    for number in range(job.total):
        if number == job.warmup:
            window.drain()
            watch.start()
        window.enter()
        client.publish(TOPIC, job.payload(number), job.qos)
    window.drain()
    told = watch.stop() | {"wrong": 0}
    _end(client)
    return told


def read(job: Job) -> Told:
    """Count what comes."""

    def listen(take: Callable[[int], None]) -> Callable[[], None]:
        client = connected(job, TOPIC, lambda payload: take(number_of(payload)))
        return lambda: _end(client)

    return lane.reading(job, listen)


def write(job: Job) -> Told:
    """Publish one after the other; the window is the flow control that paho leaves to its user."""
    client, window, watch = connected(job), Window(job.window), Stopwatch()
    client.on_publish = window.leave
    for number in paced(job, watch):
        window.enter()
        client.publish(TOPIC, job.payload(number), job.qos)
    told = watch.stop()
    _end(client)
    return told


def _at_once(_client: Any, _data: Any, sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _end(client: Any) -> None:
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    lane.main({"serve": serve, "ask": ask, "commands": commands, "read": read, "write": write})
