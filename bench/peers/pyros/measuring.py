"""Telemetry from an agent to a reader: a message for each sample, or a thousand samples in one."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from bench import lane
from bench.job import PATIENCE, Job, Told
from bench.pace import Stopwatch, paced
from bench.peers.pyros.place import link_of, opened, settings_of, topics_of
from pyros_mqtt import Agent, Channel
from pyros_mqtt.transport import Delivery
from pyros_mqtt.wire import decode_columns

NAME, CHANNEL = "gauge", "azimuth"
STEP = 0.001
KINDS = 16
"""How many different batches there are, so that no cache flatters."""


class Batching(Agent):
    """Sends a thousand samples in one message."""

    channels = (Channel(CHANNEL, "deg", batch=1000),)


def gauge(job: Job) -> Told:
    """Read as the recorder does, and count messages and samples."""
    link, samples = link_of(job), 0

    def listen(take: Callable[[int], None]) -> Callable[[], None]:
        def hear(delivery: Delivery) -> None:
            nonlocal samples
            columns = decode_columns(delivery.payload, time.time())
            samples += len(columns)
            take(-1 if columns.seq is None else columns.seq)

        link.subscribe(topics_of(job).telemetry(NAME, CHANNEL), hear)
        opened(link)
        return link.close

    told = lane.reading(job, listen)
    return told | {"samples": samples}


def measure(job: Job) -> Told:
    """Be an agent that measures as fast as the reader reads."""
    kind = Agent if job.options.get("samples", 1) == 1 else Batching
    agent = kind(NAME, settings=settings_of(job))
    agent.start()
    if not agent.wait_ready(PATIENCE):
        raise TimeoutError("the agent is not ready")
    watch, send = Stopwatch(), _sender(job, agent)
    for number in paced(job, watch):
        send(number)
    told = watch.stop()
    agent.stop()
    agent.join(10)
    return told


def _sender(job: Job, agent: Agent) -> Callable[[int], None]:
    """Give how to send a message: one sample, or a batch of them."""
    count = int(job.options.get("samples", 1))
    if count == 1:
        return lambda number: agent.telemetry(CHANNEL, 180.0 + number % 1000 / 1000)
    numbers = random.Random(1)  # noqa: S311 - no secret
    batches = [[round(numbers.uniform(0, 360), 4) for _ in range(count)] for _ in range(KINDS)]
    if not job.options.get("timed"):
        return lambda number: agent.telemetry(CHANNEL, batches[number % KINDS], dt=STEP)
    began = time.time()
    times = [began + row * STEP for row in range(count)]
    return lambda number: agent.telemetry(CHANNEL, batches[number % KINDS], time=times)
