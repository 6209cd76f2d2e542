"""Where a measurement happens: interpreters, servers, scratch folder, amount of work."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.checker import check
from bench.job import Job, Told
from bench.processes import Process
from bench.servers import Server
from bench.systems import ServerKind, System
from pyros_mqtt.broker.ports import LOOPBACK

QUICK = 10
"""A quick run does a tenth of the work."""


@dataclass(frozen=True)
class Sample:
    """What one measurement of one system has given: figures, and single times in nanoseconds."""

    figures: dict[str, float]
    laps: list[int] = field(default_factory=list)


@dataclass
class Stage:
    """Everything that a work needs of its surroundings."""

    folder: Path
    pythons: dict[str, Path]
    servers: dict[ServerKind, Server]
    is_quick: bool = False
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def count(self, full: int, least: int = 20) -> int:
        """How much to do where a full run does so much."""
        return max(least, full // QUICK) if self.is_quick else full

    def set_up(self, system: System, job: Job) -> Job:
        """Give the job its place: the server, and a topic root and a folder of its own."""
        number = next(self._numbers)
        state = self.folder / f"state-{number}"
        server = self.servers.get(system.server)
        place = {
            "host": LOOPBACK,
            "port": server.port if server else 0,
            "root": f"bench-{number}",
            "state_dir": str(state),
            **system.place,
        }
        return replace(job, place=place)

    @contextlib.contextmanager
    def process(self, system: System, role: str, job: Job) -> Iterator[Process]:
        """Run one process of a system for a block."""
        python = self.pythons[system.name]
        with Process(python, system.peer, role, job, self.folder) as process:
            yield process

    def pair(self, system: System, roles: tuple[str, str], job: Job) -> tuple[Told, Told]:
        """Run who waits and who acts, and give what both have found, checked.

        Raises:
            PeerFailed: one of them has failed.
            Wrong: something was lost, doubled or mixed up.
        """
        job = self.set_up(system, job)
        with self.process(system, roles[0], job) as waiting:
            told = waiting.ready()
            place = job.place | ({"port": told["port"]} if "port" in told else {})
            job = replace(job, place=place, flow=told.get("flow", 0))
            with self.process(system, roles[1], job) as acting:
                acted = acting.result()
            waited = waiting.result()
        check(f"{system.name}, {roles[1]}", waited, acted)
        return waited, acted
