"""Messages that have come and are not written yet: in memory, and over an outage on the disk."""

from __future__ import annotations

import contextlib
import os
import re
import struct
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

OVERHEAD = 300
"""Bytes of memory that a message costs besides its payload, about."""

BUNDLE = 8 * 2**20
"""Bytes that are taken out at once, at most about."""

SET_BACK = 1_000_000
"""Microseconds by which the clock was set back, and does not just hesitate."""

_BUNDLE = re.compile(r"(?P<number>\d+)-(?P<count>\d+)\.bundle", re.ASCII)

_FRAME = struct.Struct("<qHI?")


class Arrival(NamedTuple):
    """One message as it came; `heard` in microseconds, each of a recorder later than the last.

    Only where the clock was set back by more than `SET_BACK` does it begin anew.
    """

    topic: str
    payload: bytes
    heard: int
    retain: bool

    @property
    def size(self) -> int:
        """What it costs of the memory."""
        return len(self.payload) + OVERHEAD


class Arrivals:
    """What waits in memory; one thread puts in, one takes out.

    Args:
        limit: bytes that may wait; what comes beyond is dropped and counted.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[Arrival] = deque()
        self._come = threading.Event()
        self._in = self._out = 0
        self._last = 0
        self.heard = 0
        self.dropped = 0

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def size(self) -> int:
        """Bytes of what waits."""
        return self._in - self._out

    def is_half_full(self, beside: int = 0) -> bool:
        """Whether half of what may wait does, with so many bytes that were taken out already."""
        return self.size + beside > self._limit // 2

    def put(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Take one message in; in the network thread."""
        self.heard += 1
        arrival = Arrival(topic, payload, self._moment(), retain)
        if self._in - self._out + arrival.size > self._limit:
            self.dropped += 1
            return
        self._in += arrival.size
        self._waiting.append(arrival)
        if not self._come.is_set():
            self._come.set()

    def _moment(self) -> int:
        now = int(time.time() * 1e6)
        self._last = now if now < self._last - SET_BACK else max(self._last + 1, now)
        return self._last

    def wait(self, seconds: float) -> None:
        """Wait until something has come."""
        self._come.wait(seconds)

    def take(self, most: int) -> list[Arrival]:
        """Take out the oldest, not much more than `BUNDLE` bytes; in the writer's thread."""
        taken: list[Arrival] = []
        size = 0
        self._come.clear()
        with contextlib.suppress(IndexError):
            while len(taken) < most and size < BUNDLE:
                taken.append(self._waiting.popleft())
                size += taken[-1].size
        self._out += size
        if self._waiting:
            self._come.set()
        return taken


class Overflow:
    """What waits on the disk while the archive is away: a file for each bundle, oldest first.

    It outlives its process. Args: `limit` in bytes, over which nothing more is taken.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._files: deque[tuple[Path, int, int]] = deque()
        self._next = 1
        self._has_looked = False
        with contextlib.suppress(OSError):
            self.look()

    def look(self) -> None:
        """Find what an earlier life has left, where that could not be done before.

        Raises:
            OSError: the folder cannot be read now.
        """
        if self._has_looked:
            return
        found: list[tuple[Path, int, int]] = []
        for file in sorted(self._folder.iterdir()) if self._folder.exists() else ():
            if name := _BUNDLE.fullmatch(file.name):
                found.append((file, int(name["count"]), file.stat().st_size))
                self._next = int(name["number"]) + 1
        self._files.extend(found)
        self._has_looked = True

    def __len__(self) -> int:
        """How many messages wait."""
        return sum(count for _, count, _ in self._files)

    @property
    def bundles(self) -> int:
        """How many bundles there are."""
        return len(self._files)

    def put(self, arrivals: list[Arrival]) -> bool:
        """Write a bundle; whether it is on the disk now."""
        data = b"".join(_framed(arrivals))
        try:
            self.look()
        except OSError:
            return False  # it might take the name of a bundle that is there
        if sum(size for _, _, size in self._files) + len(data) > self._limit:
            return False
        file = self._folder / f"{self._next:012d}-{len(arrivals)}.bundle"
        part = file.with_suffix(".part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as opened:
                opened.write(data)
                opened.flush()
                os.fsync(opened.fileno())
            part.rename(file)
        except OSError:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            return False
        self._next += 1
        self._files.append((file, len(arrivals), len(data)))
        return True

    def first(self) -> list[Arrival]:
        """Read the oldest bundle; empty where there is none, or where it is broken or gone.

        Raises:
            OSError: it cannot be read now.
        """
        try:
            return list(_unframed(self._files[0][0].read_bytes()))
        except (IndexError, FileNotFoundError, ValueError, struct.error):
            return []

    def put_off(self) -> None:
        """Let the oldest bundle wait for all the others."""
        self._files.rotate(-1)

    def drop_first(self) -> int:
        """Forget the oldest bundle; how many messages it had."""
        if not self._files:
            return 0
        file, count, _ = self._files.popleft()
        with contextlib.suppress(OSError):
            file.unlink()
        return count


def _framed(arrivals: Iterable[Arrival]) -> Iterator[bytes]:
    for one in arrivals:
        topic = one.topic.encode()
        yield _FRAME.pack(one.heard, len(topic), len(one.payload), one.retain)
        yield topic
        yield one.payload


def _unframed(data: bytes) -> Iterator[Arrival]:
    at = 0
    while at < len(data):
        heard, topic_size, size, retain = _FRAME.unpack_from(data, at)
        at += _FRAME.size
        topic, payload = data[at : at + topic_size], data[at + topic_size : at + topic_size + size]
        at += topic_size + size
        if at > len(data):
            raise ValueError("a bundle that is cut off")
        yield Arrival(topic.decode(), payload, heard, retain)
