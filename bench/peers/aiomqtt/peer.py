"""aiomqtt: asyncio over paho.

Its best settings: TCP_NODELAY, and many publications under way at once, since each one waits for
its acknowledgement.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import aiomqtt

from bench import lane
from bench.flow import Flow
from bench.job import Job, Told, number_of
from bench.pace import write_async
from bench.tally import Tally

TOPIC, ANSWERS = "bench/aiomqtt/there", "bench/aiomqtt/back"
NO_DELAY = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]


def client_of(job: Job) -> Any:
    """A client that is not connected yet."""
    place = job.place
    return aiomqtt.Client(
        place["host"], place["port"], socket_options=NO_DELAY, max_inflight_messages=job.window
    )


async def serve(job: Job) -> Told:
    """Send back what comes."""
    tally = Tally(job)

    async def answer(client: Any) -> None:
        async for message in client.messages:
            tally.take(number_of(message.payload))
            await client.publish(ANSWERS, message.payload, job.qos)

    async with client_of(job) as client:
        await client.subscribe(TOPIC, job.qos)
        work = asyncio.create_task(answer(client))
        lane.ready()
        await asyncio.to_thread(lane.wait_for_end)
        work.cancel()
    return tally.told()


async def ask(job: Job) -> Told:
    """Ping and pong, one at a time."""
    async with client_of(job) as client:
        await client.subscribe(ANSWERS, job.qos)
        answers = aiter(client.messages)

        async def once(text: str) -> str:
            sent = asyncio.create_task(client.publish(TOPIC, text, job.qos))
            answer = await anext(answers)
            await sent
            return bytes(answer.payload).decode()

        return await lane.laps_async(job, once)


async def read(job: Job) -> Told:
    """Count what comes."""
    with Flow.to_writer() as flow:
        tally = Tally(job, flow.tell)

        async def count(client: Any) -> None:
            async for message in client.messages:
                tally.take(number_of(message.payload))

        async with client_of(job) as client:
            await client.subscribe(TOPIC, job.qos)
            work = asyncio.create_task(count(client))
            lane.ready(flow=flow.port)
            await asyncio.to_thread(lane.wait_for_end)
            work.cancel()
        return tally.told()


async def write(job: Job) -> Told:
    """Publish, with a window of tasks."""
    async with client_of(job) as client:
        return await write_async(job, lambda payload: client.publish(TOPIC, payload, job.qos))


if __name__ == "__main__":
    lane.main({"serve": serve, "ask": ask, "read": read, "write": write})
