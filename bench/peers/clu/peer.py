"""CLU (sdss-clu): an actor and a client over RabbitMQ, with the click parser of its documentation.

Its best settings: nothing is logged, and its answer has no schema to be checked against.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import click
from clu import AMQPActor, AMQPClient, command_parser

from bench import lane
from bench.job import Job, Told, number_of
from bench.tally import Tally

ACTOR = "bench_echo"


async def serve(job: Job) -> Told:
    """Be an actor whose command `echo` finishes with what it was given."""
    tally = Tally(job)

    @command_parser.command()  # type: ignore[untyped-decorator]
    @click.argument("text")
    async def echo(command: Any, text: str) -> None:
        tally.take(number_of(text))
        command.finish(text=text)

    actor = AMQPActor(ACTOR, **where(job))
    await actor.start()
    lane.ready()
    await asyncio.to_thread(lane.wait_for_end)
    return tally.told()


async def asking(job: Job) -> Any:
    """Give a client, and how to ask by it."""
    client = AMQPClient("bench_client", **where(job))
    await client.start()

    async def once(text: str) -> str:
        command = await (await client.send_command(ACTOR, "echo", text, await_command=False))
        return str(command.replies.get("text"))

    return once


async def ask(job: Job) -> Told:
    """One command at a time."""
    return await lane.laps_async(job, await asking(job))


async def commands(job: Job) -> Told:
    """Many at a time."""
    return await lane.crowd_async(job, await asking(job))


def where(job: Job) -> dict[str, Any]:
    """Where RabbitMQ is; what would be logged of each command is switched off for the process."""
    logging.disable(logging.CRITICAL)
    return {"host": job.place["host"], "port": job.place["port"]}


if __name__ == "__main__":
    lane.main({"serve": serve, "ask": ask, "commands": commands})
