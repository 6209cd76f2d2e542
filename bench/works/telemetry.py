"""Measurements from an agent to a reader that does what the recorder does."""

from __future__ import annotations

from dataclasses import replace

from bench.checker import Wrong
from bench.job import Job
from bench.stage import Sample, Stage
from bench.systems import System

SAMPLES = 1000
"""Of a batch."""

BATCH_BYTES = 30_000
"""About what a batch with a time for each sample takes."""


def single(stage: Stage, system: System) -> Sample:
    """A message for each sample, QoS 0."""
    job = Job(count=stage.count(50_000), warmup=stage.count(5000), ahead=2000)
    return Sample(_figures(stage, system, job))


def batch(stage: Stage, system: System) -> Sample:
    """A thousand samples a message: at a steady rate, and with a time for each of them."""
    job = Job(count=stage.count(2000), warmup=stage.count(200), ahead=200, size=BATCH_BYTES)
    steady = _figures(stage, system, _batched(job, timed=False))
    timed = _figures(stage, system, _batched(job, timed=True))
    return Sample(steady | {f"timed_{name}": figure for name, figure in timed.items()})


def _batched(job: Job, *, timed: bool) -> Job:
    return replace(job, options={"samples": SAMPLES, "timed": timed})


def _figures(stage: Stage, system: System, job: Job) -> dict[str, float]:
    """Samples a second, and the microseconds of CPU that each costs on either side."""
    each = int(job.options.get("samples", 1))
    read, wrote = stage.pair(system, ("gauge", "measure"), job)
    if read["samples"] != job.total * each:
        raise Wrong(f"telemetry: {read['samples']} of {job.total * each} samples have come")
    samples = job.count * each
    return {
        "samples_per_s": samples / (read["last"] - wrote["began"]) * 1e9,
        "writer_us": wrote["cpu"] / samples / 1e3,
        "reader_us": read["cpu"] / samples / 1e3,
    }
