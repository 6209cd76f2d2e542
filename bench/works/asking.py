"""Commands and their results: one at a time, and two hundred at a time."""

from __future__ import annotations

from bench.job import Job
from bench.quantiles import quantile
from bench.stage import Sample, Stage
from bench.systems import System

OUTSTANDING = 200
MICRO = 1e-3
"""Nanoseconds in microseconds."""


def ask(stage: Stage, system: System, size: int = 100, full: int = 2000) -> Sample:
    """A command and its result, one at a time: what a person or a script waits for."""
    job = Job(count=stage.count(full, 200), warmup=stage.count(300, 50), size=size)
    _, told = stage.pair(system, ("serve", "ask"), job)
    laps = told["laps"]
    return Sample({f"p{share}_us": quantile(laps, share / 100) * MICRO for share in (50, 99)}, laps)


def commands(stage: Stage, system: System) -> Sample:
    """Many at once, from one sender to one agent, each with its result."""
    full = 2000 if system.server != "mosquitto" else 10_000
    job = Job(count=stage.count(full, 400), warmup=stage.count(1000, 200), window=OUTSTANDING)
    _, told = stage.pair(system, ("serve", "commands"), job)
    return Sample({"per_s": job.count / (told["ended"] - told["began"]) * 1e9})
