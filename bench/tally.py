"""Each end's account of the messages. Only the standard library: it runs anywhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from bench.job import Job, Told


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
