"""What it costs to start: a command from the shell, the import, and an agent's memory."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

from bench.job import Job
from bench.processes import ROOT, environment
from bench.stage import Sample, Stage
from bench.systems import System
from pyros_mqtt.errors import PyrosError

BARE = (sys.executable, "-c", "pass")
"""An interpreter that does nothing, of the same environment."""


def cli(stage: Stage, system: System) -> Sample:
    """One command from the shell until it is accepted, or published; beside it, a bare start."""
    job = stage.set_up(system, Job())
    if system.peer == "mosquitto":
        words = ["mosquitto_pub", "-h", job.place["host"], "-p", str(job.place["port"])]
        words += ["-t", "bench/cli", "-m", "hello", "-q", "1"]
        return Sample(_times(stage, {"run_ms": words, "bare_ms": BARE}, {}))
    with stage.process(system, "serve", Job(place=job.place, count=100, warmup=0)) as agent:
        agent.ready()
        settings = {
            "PYROS_BROKERS": f"mqtt://{job.place['host']}:{job.place['port']}",
            "PYROS_ROOT": job.place["root"],
            "PYROS_STATE_DIR": job.place["state_dir"],
        }
        words = [sys.executable, "-m", "pyros_mqtt", "send", "echo", "echo", "text=0000000001"]
        return Sample(_times(stage, {"run_ms": words}, settings))


def imports(stage: Stage, system: System) -> Sample:
    """The import, over a bare interpreter: the package, and what an agent or a sender needs."""
    del system
    times = _times(
        stage,
        {
            "bare_ms": BARE,
            "package_ms": (sys.executable, "-c", "import pyros_mqtt"),
            "sender_ms": (sys.executable, "-c", "from pyros_mqtt import Sender"),
            "agent_ms": (sys.executable, "-c", "from pyros_mqtt import Agent"),
        },
        {},
    )
    bare = times.pop("bare_ms")
    return Sample({name: took - bare for name, took in times.items()} | {"bare_ms": bare})


def memory(stage: Stage, system: System) -> Sample:
    """What an agent holds after its first thousand commands."""
    job = Job(count=stage.count(900), warmup=stage.count(100), window=200)
    served, _ = stage.pair(system, ("serve", "commands"), job)
    return Sample({"mb": served["memory"] / 1e6})


def _times(
    stage: Stage, commands: dict[str, Sequence[str]], settings: dict[str, str]
) -> dict[str, float]:
    """Run each in turn, several times; the median of each in milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for words in commands.values():
        _time(stage, words, settings)  # the first one may have to write byte code
    for _ in range(stage.count(10, 3)):
        for name, words in commands.items():
            times[name].append(_time(stage, words, settings))
    return {name: statistics.median(one) for name, one in times.items()}


def _time(stage: Stage, words: Sequence[str], settings: dict[str, str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(  # noqa: S603 - our own words
        words,
        cwd=stage.folder,
        env=environment() | settings | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - began
    if done.returncode:
        raise PyrosError(f"{' '.join(words)}: {done.stderr.strip()}")
    return took * 1000
