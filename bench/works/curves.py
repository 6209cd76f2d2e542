"""Cost against size: payloads of 10 B to 100 kB, and 1 to 1,000 agents."""

from __future__ import annotations

from bench.stage import Sample, Stage
from bench.systems import OURS, System
from bench.works import asking, crowds, oneway

SIZES = (10, 100, 1000, 10_000, 100_000)
AGENTS = (1, 10, 100, 1000)

MESSAGES = {10: 10_000, 100: 10_000, 1000: 10_000, 10_000: 5000, 100_000: 1000}


def curves(stage: Stage, system: System) -> Sample:
    """Figures with the size behind an `@`; those of agents for the library alone."""
    figures: dict[str, float] = {}
    for size in SIZES:
        asked = asking.ask(stage, system, size=size, full=500)
        figures[f"ask_p50_us@{size}"] = asked.figures["p50_us"]
        sent = oneway.oneway(stage, system, qos=1, size=size, full=MESSAGES[size])
        figures[f"oneway_per_s@{size}"] = sent.figures["per_s"]
    if system.name == OURS:
        for agents in AGENTS:
            seen = crowds.share(stage, system, agents, follows=False)
            figures[f"fleet_share@{agents}"] = seen["share"]
            figures[f"storm_seen_s@{agents}"] = crowds.storm(stage, system, agents).figures[
                "seen_s"
            ]
    return Sample(figures)
