"""FastStream over MQTT, on zmqtt, which is pure asyncio.

Its best settings: no logger, no conversion of types (`apply_types=False`), many publications under
way at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import zmqtt
from faststream.mqtt import MQTTBroker

from bench import lane
from bench.flow import Flow
from bench.job import PATIENCE, Job, Told, number_of
from bench.pace import write_async
from bench.tally import Tally

TOPIC = "bench/faststream/there"


def broker_of(job: Job) -> Any:
    """A broker, as FastStream calls its client."""
    url = f"mqtt://{job.place['host']}:{job.place['port']}"
    return MQTTBroker(url, logger=None, apply_types=False)


async def serve(job: Job) -> Told:
    """Answer requests with what they brought."""
    tally, broker = Tally(job), broker_of(job)

    @broker.subscriber(TOPIC, qos=zmqtt.QoS(job.qos))  # type: ignore[untyped-decorator]
    async def answer(body: str) -> str:
        tally.take(number_of(body))
        return body

    async with broker:
        await broker.start()
        lane.ready()
        await asyncio.to_thread(lane.wait_for_end)
    return tally.told()


def requester(broker: Any, job: Job) -> Callable[[str], Awaitable[str]]:
    """Give how to ask: FastStream's own request and reply."""

    async def once(text: str) -> str:
        message = await broker.request(text, TOPIC, timeout=PATIENCE, qos=zmqtt.QoS(job.qos))
        return bytes(message.body).decode()

    return once


async def ask(job: Job) -> Told:
    """Request and reply, one at a time."""
    async with broker_of(job) as broker:
        await broker.start()
        return await lane.laps_async(job, requester(broker, job))


async def read(job: Job) -> Told:
    """Count what comes."""
    with Flow.to_writer() as flow:
        tally, broker = Tally(job, flow.tell), broker_of(job)

        @broker.subscriber(TOPIC, qos=zmqtt.QoS(job.qos))  # type: ignore[untyped-decorator]
        async def take(body: bytes) -> None:
            tally.take(number_of(body))

        async with broker:
            await broker.start()
            lane.ready(flow=flow.port)
            await asyncio.to_thread(lane.wait_for_end)
        return tally.told()


async def write(job: Job) -> Told:
    """Publish, with a window of tasks."""
    qos = zmqtt.QoS(job.qos)
    async with broker_of(job) as broker:
        await broker.start()
        return await write_async(job, lambda payload: broker.publish(payload, TOPIC, qos=qos))


if __name__ == "__main__":
    lane.main({"serve": serve, "ask": ask, "read": read, "write": write})
