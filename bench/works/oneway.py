"""Messages from one process to another, as many a second as arrive."""

from __future__ import annotations

from bench.job import Job
from bench.stage import Sample, Stage
from bench.systems import System

WINDOW = 100
"""Publications under way: more of them make paho slower, and the others no faster."""


def at_qos1(stage: Stage, system: System) -> Sample:
    """Each acknowledged by the broker, and to the broker."""
    return oneway(stage, system, qos=1)


def at_qos0(stage: Stage, system: System) -> Sample:
    """None acknowledged; that none is lost all the same is checked."""
    return oneway(stage, system, qos=0)


def oneway(
    stage: Stage, system: System, *, qos: int, size: int = 100, full: int = 30_000
) -> Sample:
    """From the first timed publication until the last one has been read."""
    job = Job(
        count=stage.count(full), warmup=stage.count(full // 10), size=size, qos=qos, window=WINDOW
    )
    read, wrote = stage.pair(system, ("read", "write"), job)
    return Sample(
        {
            "per_s": job.count / (read["last"] - wrote["began"]) * 1e9,
            "writer_us": wrote["cpu"] / job.count / 1e3,
            "reader_us": read["cpu"] / job.count / 1e3,
        }
    )
