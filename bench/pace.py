"""How fast one writes, and how long it takes. Only the standard library: it runs anywhere.

Times are `time.perf_counter_ns()`, which on Linux is one clock for all processes.
"""

from __future__ import annotations

import asyncio
import queue
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

from bench.flow import Flow
from bench.job import PATIENCE, Job, Told


class Window:
    """At most so many are under way; who would be one more waits. For threads."""

    def __init__(self, width: int) -> None:
        self._places: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.width = width
        for _ in range(width):
            self._places.put(None)

    def enter(self) -> None:
        """Take a place, as soon as there is one."""
        self._places.get(timeout=PATIENCE)

    def leave(self, *_: object) -> None:
        """Give it back."""
        self._places.put(None)

    def drain(self) -> None:
        """Wait until all places are free."""
        for _ in range(self.width):
            self.enter()
        for _ in range(self.width):
            self.leave()


class Stopwatch:
    """When measuring began and ended, and what this process spent of a core meanwhile."""

    def __init__(self) -> None:
        self.began = self.ended = self._cpu = 0

    def start(self) -> None:
        """The warm-up is over."""
        self._cpu, self.began = time.process_time_ns(), time.perf_counter_ns()

    def stop(self) -> Told:
        """All is done."""
        self.ended = time.perf_counter_ns()
        spent = time.process_time_ns() - self._cpu
        return {"began": self.began, "ended": self.ended, "cpu": spent}


def paced(job: Job, watch: Stopwatch) -> Iterator[int]:
    """Give the numbers to write, never too far ahead of the reader; starts the watch."""
    with Flow.to_reader(job.flow) as flow:
        for number in range(job.total):
            if number == job.warmup:
                flow.wait_for(number)
                watch.start()
            if number - flow.arrived >= job.most_ahead:
                flow.wait_for(number - job.most_ahead // 2)
            yield number
        flow.wait_for(job.total)


async def paced_async(job: Job, watch: Stopwatch) -> AsyncIterator[int]:
    """Give the same in an event loop, which goes on while this waits."""
    with Flow.to_reader(job.flow) as flow:
        for number in range(job.total):
            if number == job.warmup:
                await asyncio.to_thread(flow.wait_for, number)
                watch.start()
            if number - flow.arrived >= job.most_ahead:
                await asyncio.to_thread(flow.wait_for, number - job.most_ahead // 2)
            yield number
        await asyncio.to_thread(flow.wait_for, job.total)


async def write_async(job: Job, publish: Callable[[bytes], Coroutine[Any, Any, object]]) -> Told:
    """Publish all payloads in an event loop, `window` of them at once."""
    watch = Stopwatch()
    under_way: set[asyncio.Task[object]] = set()
    async for number in paced_async(job, watch):
        if len(under_way) >= job.window:
            _, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
        under_way.add(asyncio.create_task(publish(job.payload(number))))
    return watch.stop()
