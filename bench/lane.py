"""What each measuring process has: its job, its account of messages, its pace and its clock.

Only the standard library, because it runs in each peer's own environment. A process is told its job
as JSON in its arguments, says on standard output that it is ready, works until its standard
input ends or its work is done, and tells what it has found. Times are `time.perf_counter_ns()`,
which on Linux is one clock for all processes.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.flow import Flow

MARK = "@bench "
"""Begins the lines that are for the one who measures; whatever else is printed is passed over."""

DIGITS = 10
"""A payload begins with its number, in so many digits."""

OUTSTANDING_BYTES = 16 * 1024 * 1024
"""What may be between writer and reader: a quarter of what the broker holds for a reader."""

PATIENCE = 60.0

Told = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """What is to be measured. Numbers below `warmup` are sent and counted, and not timed."""

    place: dict[str, Any] = field(default_factory=dict)
    count: int = 1000
    warmup: int = 100
    size: int = 100
    qos: int = 1
    window: int = 100
    ahead: int = 5000
    flow: int = 0
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many messages there are, with those that warm up."""
        return self.warmup + self.count

    @property
    def most_ahead(self) -> int:
        """How many messages the writer may be ahead of the reader, so that no queue overflows."""
        return max(2, min(self.ahead, OUTSTANDING_BYTES // self.size))

    def text(self, number: int) -> str:
        """The payload of a number as text, `size` characters long."""
        return f"{number:0{DIGITS}d}".ljust(self.size, "x")

    def payload(self, number: int) -> bytes:
        """The payload of a number."""
        return self.text(number).encode()


def number_of(payload: bytes | str) -> int:
    """Read a payload's number."""
    return int(payload[:DIGITS])


class Tally:
    """Which numbers have come, how often, and when the timed ones did. For one thread."""

    def __init__(self, job: Job, on_more: Callable[[int], None] | None = None) -> None:
        self._seen = bytearray(job.total)
        self._warmup = job.warmup
        self._step = max(1, min(job.most_ahead // 8, job.total // 8))
        self._on_more = on_more
        self.received = self.doubled = self.strange = 0
        self.last = self._cpu_at_start = self._cpu = 0
        self.is_full = threading.Event()

    def take(self, number: int) -> None:
        """Count a number that has come."""
        if not 0 <= number < len(self._seen):
            self.strange += 1
        elif self._seen[number]:
            self.doubled += 1
        else:
            self._seen[number] = 1
            self.received += 1
            if self.received % self._step == 0 or self.received == self._warmup:
                self._tell()
            if self.received == len(self._seen):
                self._finish()

    def _tell(self) -> None:
        if self.received == self._warmup:
            self._cpu_at_start = time.process_time_ns()
        if self._on_more is not None:
            self._on_more(self.received)

    def _finish(self) -> None:
        self.last = time.perf_counter_ns()
        self._cpu = time.process_time_ns() - self._cpu_at_start
        if self._on_more is not None:
            self._on_more(self.received)
        self.is_full.set()

    def told(self) -> Told:
        """What the checker and the reckoning need."""
        return {
            "expected": len(self._seen),
            "received": self.received,
            "doubled": self.doubled,
            "strange": self.strange,
            "last": self.last,
            "cpu": self._cpu,
        }


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


def main(roles: Mapping[str, Callable[[Job], Told]]) -> None:
    """Do what the arguments say: a role, and its job as JSON."""
    role, text = sys.argv[1:3]
    _say(roles[role](Job(**json.loads(text))))
    sys.stdout.flush()
    os._exit(0)  # a library's threads may have no end of their own


def _say(told: Told) -> None:
    _OUT.write(f"{MARK}{json.dumps(told)}\n")
    _OUT.flush()


_OUT = sys.stdout
