"""Many agents at once: what it costs to watch them, and how fast they all are seen."""

from __future__ import annotations

from dataclasses import replace

from bench.checker import Wrong, check
from bench.job import Job
from bench.stage import Sample, Stage
from bench.systems import System

AGENTS, CHANNELS, STORM = 200, 10, 500
LEAST_HEARD = 0.2
"""The share of all beats that must have come, or the machine was too slow to tell anything."""


def fleet(stage: Stage, system: System) -> Sample:
    """The share of a core for `Fleet`, alone and with every channel followed besides."""
    return Sample(
        share(stage, system, AGENTS, follows=False)
        | {f"all_{name}": one for name, one in share(stage, system, AGENTS, follows=True).items()}
    )


def share(stage: Stage, system: System, agents: int, *, follows: bool) -> dict[str, float]:
    """Watch so many agents at 1 s beats and 10 channels at 1 Hz each.

    Where this machine is too slow to be so many agents, some beats do not come in their second; the
    cost is then scaled up to all of them, which is more than it would be.

    Raises:
        Wrong: not all of them are seen, or their beats do not come.
    """
    seconds = stage.count(10, 3)
    job = stage.set_up(system, Job(count=agents, options={"channels": CHANNELS}))
    looking = replace(job, options={"channels": follows, "seconds": seconds})
    with stage.process(system, "crowd", job) as crowd:
        crowd.ready()
        with stage.process(system, "view", looking) as view:
            seen = view.result()
        crowd.result()
    heard = seen["beats"] / seen["seconds"] / agents
    if seen["seen"] != agents or heard < LEAST_HEARD:
        raise Wrong(
            f"fleet: {seen['seen']} of {agents} agents are seen, {heard:.2f} beats a second"
        )
    scaled = seen["share"] / min(1.0, heard)
    return {"share": scaled, "us_a_beat": scaled / agents * 1e6, "heard": heard}


def storm(stage: Stage, system: System, agents: int = STORM) -> Sample:
    """All statuses at once, retained: until the broker has them, until everyone is seen."""
    job = Job(count=agents, warmup=50)
    seen, sent = stage.pair(system, ("onlooker", "storm"), job)
    check("status-storm", {"expected": job.total, "received": sent["fates"]})
    return Sample(
        {
            "acknowledged_s": (sent["acknowledged"] - sent["began"]) / 1e9,
            "seen_s": (seen["last"] - sent["began"]) / 1e9,
        }
    )
