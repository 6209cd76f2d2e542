"""The way of each measuring process: told its job, ready, at work, and telling what it has found.

Only the standard library, because it runs in each peer's own environment. The job comes as JSON in
the arguments; a process says on standard output that it is ready, works until its standard input
ends or its work is done, and tells what it has found.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from typing import Any

from bench.flow import Flow
from bench.job import Job, Told
from bench.pace import Stopwatch
from bench.tally import Tally

Role = Callable[[Job], Told | Coroutine[Any, Any, Told]]
"""What a process does with its job, in an event loop or without."""

MARK = "@bench "
"""Begins the lines that are for the one who measures; whatever else is printed is passed over."""

_OUT = sys.stdout
"""Held from the start: Celery puts its logger in the place of `sys.stdout`."""


def reading(job: Job, listen: Callable[[Callable[[int], None]], Callable[[], None]]) -> Told:
    """Be a reader: `listen` subscribes, calls back with each number, and gives how to end."""
    with Flow.to_writer() as flow:
        tally = Tally(job, flow.tell)
        end = listen(tally.take)
        ready(flow=flow.port)
        wait_for_end()
        end()
    return tally.told()


def serving(job: Job, listen: Callable[[Callable[[int], None]], Callable[[], None]]) -> Told:
    """Be the one who is asked: the same without a pace, since who asks waits for the answer."""
    tally = Tally(job)
    end = listen(tally.take)
    ready()
    wait_for_end()
    end()
    return tally.told()


def laps(job: Job, ask: Callable[[str], str]) -> Told:
    """Ask one at a time, and time each."""
    times, wrong = [], 0
    for number in range(job.total):
        text = job.text(number)
        began = time.perf_counter_ns()
        answer = ask(text)
        times.append(time.perf_counter_ns() - began)
        wrong += answer != text
    return {"laps": times[job.warmup :], "wrong": wrong}


async def laps_async(job: Job, ask: Callable[[str], Awaitable[str]]) -> Told:
    """Ask the same in an event loop."""
    times, wrong = [], 0
    for number in range(job.total):
        text = job.text(number)
        began = time.perf_counter_ns()
        answer = await ask(text)
        times.append(time.perf_counter_ns() - began)
        wrong += answer != text
    return {"laps": times[job.warmup :], "wrong": wrong}


async def crowd_async(job: Job, ask: Callable[[str], Awaitable[str]]) -> Told:
    """Keep `window` commands under way at once; tells how long all took."""
    watch, wrong = Stopwatch(), 0

    async def worker(numbers: Iterator[int]) -> None:
        nonlocal wrong
        for number in numbers:
            wrong += await ask(job.text(number)) != job.text(number)

    async def all_of(numbers: range) -> None:
        shared = iter(numbers)
        await asyncio.gather(*(worker(shared) for _ in range(job.window)))

    await all_of(range(job.warmup))
    watch.start()
    await all_of(range(job.warmup, job.total))
    return watch.stop() | {"wrong": wrong}


def ready(**more: Any) -> None:
    """Say that the work may begin."""
    _say({"ready": True, **more})


def wait_for_end() -> None:
    """Wait until the one who measures closes our standard input."""
    sys.stdin.read()


def end_as_event() -> threading.Event:
    """Give what is set when our standard input is closed, for who has other things to do."""
    ended = threading.Event()

    def wait() -> None:
        wait_for_end()
        ended.set()

    threading.Thread(target=wait, name="end", daemon=True).start()
    return ended


def main(roles: Mapping[str, Role]) -> None:
    """Do what the arguments say: a role, and its job as JSON."""
    name, text = sys.argv[1:3]
    told = roles[name](Job(**json.loads(text)))
    _say(asyncio.run(told) if isinstance(told, Coroutine) else told)
    os._exit(0)  # a library's threads may have no end of their own


def _say(told: Told) -> None:
    _OUT.write(f"{MARK}{json.dumps(told)}\n")
    _OUT.flush()
