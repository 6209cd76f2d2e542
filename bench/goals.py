"""Ratios, and the table of goals: what was to be reached, and what was measured. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bench.rounds import Results
from bench.systems import OURS

COMPARED = {
    "ask_p50_vs_paho": ("ask", "p50_us", "paho"),
    "ask_p99_vs_paho": ("ask", "p99_us", "paho"),
    "ask_p50_vs_clu": ("ask", "p50_us", "clu"),
    "ask_p50_vs_celery": ("ask", "p50_us", "celery"),
    "ask_p50_vs_tango": ("ask", "p50_us", "tango"),
    "commands_vs_clu": ("commands", "per_s", "clu"),
    "commands_vs_celery": ("commands", "per_s", "celery"),
    "oneway_qos1_vs_paho": ("oneway-qos1", "per_s", "paho"),
    "oneway_qos1_vs_crt": ("oneway-qos1", "per_s", "awscrt"),
}
"""Each ratio with its work, its figure and the peer."""

BY_CLI = "send_cli_vs_mosquitto_pub"
PER_AGENT = "agent_among_1000_vs_100"


@dataclass(frozen=True)
class Goal:
    """One row of the table. `source` is a ratio's name, or a work and a figure of ours."""

    what: str
    bound: Literal["≤", "≥"]
    number: float
    unit: str
    source: str | tuple[str, str]


GOALS = (
    Goal("a command and its result, p50, over paho's ping-pong", "≤", 1, "", "ask_p50_vs_paho"),
    Goal("the same, p99", "≤", 1.5, "", "ask_p99_vs_paho"),
    Goal("the same, p50, over CLU over RabbitMQ", "≤", 0.2, "", "ask_p50_vs_clu"),
    Goal("the same, p50, over Celery over Redis", "≤", 0.2, "", "ask_p50_vs_celery"),
    Goal("the same, p50, over TANGO's direct call", "≤", 2, "", "ask_p50_vs_tango"),
    Goal("commands done, 200 outstanding", "≥", 3000, "/s", ("commands", "per_s")),
    Goal("the same, over CLU", "≥", 10, "", "commands_vs_clu"),
    Goal("the same, over Celery", "≥", 10, "", "commands_vs_celery"),
    Goal("one-way messages at QoS 1, over paho", "≥", 2, "", "oneway_qos1_vs_paho"),
    Goal("the same, over AWS CRT", "≥", 0.6, "", "oneway_qos1_vs_crt"),
    Goal("single samples at QoS 0", "≥", 15e3, "/s", ("telemetry-single", "samples_per_s")),
    Goal("samples in batches", "≥", 1e6, "/s", ("telemetry-batch", "samples_per_s")),
    Goal("the same, CPU of the agent", "≤", 1.5, "µs", ("telemetry-batch", "writer_us")),
    Goal("the same, CPU of the reader", "≤", 1.5, "µs", ("telemetry-batch", "reader_us")),
    Goal("`pyros send`, over `mosquitto_pub` and a bare interpreter", "≤", 2, "", BY_CLI),
    Goal("import of `Agent`, over the bare interpreter", "≤", 120, "ms", ("import", "agent_ms")),
    Goal("an agent's memory", "≤", 45, "MB", ("memory", "mb")),
    Goal("fleet view of 200 agents, share of a core", "≤", 0.2, "", ("fleet", "share")),
    Goal("the same, with 2,000 channels followed", "≤", 0.2, "", ("fleet", "all_share")),
    Goal("an agent's cost among 1,000, over one among 100", "≤", 1.5, "", PER_AGENT),
    Goal("500 statuses at once, until all are seen", "≤", 0.1, "s", ("status-storm", "seen_s")),
)


@dataclass(frozen=True)
class Figure:
    """A goal, and what was measured; None where it was not."""

    goal: Goal
    measured: float | None

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is reached; None where it was not measured."""
        if self.measured is None:
            return None
        number = self.goal.number
        return self.measured <= number if self.goal.bound == "≤" else self.measured >= number

    def told(self) -> dict[str, object]:
        """The form in which it is written."""
        goal = self.goal
        return {
            "what": goal.what,
            "goal": f"{goal.bound} {goal.number:g} {goal.unit}".strip(),
            "measured": self.measured,
            "unit": goal.unit,
            "is_met": self.is_met,
        }


def ratios(results: Results) -> dict[str, float]:
    """Our figure divided by theirs, medians of all rounds; only those that were measured.

    Below 1 is better where times are compared, above 1 where messages a second are.
    """
    found = {}
    for name, (work, figure, peer) in COMPARED.items():
        mine, theirs = (results.medians(work, one).get(figure) for one in (OURS, peer))
        if mine and theirs:
            found[name] = mine / theirs
    sent, published = (results.medians("cli", one) for one in (OURS, "mosquitto"))
    if sent and published:
        found[BY_CLI] = sent["run_ms"] / (published["run_ms"] + published["bare_ms"])
    return found


def figures(results: Results) -> list[Figure]:
    """The goals with what was measured, the journal on the disk."""
    compared = ratios(results)
    curves = results.medians("curves", OURS)
    many, some = (curves.get(f"fleet_share@{agents}") for agents in (1000, 100))
    if many and some:
        compared[PER_AGENT] = many / 1000 / (some / 100)

    def measured(goal: Goal) -> float | None:
        if isinstance(goal.source, str):
            return compared.get(goal.source)
        work, figure = goal.source
        return results.medians(work, OURS).get(figure)

    return [Figure(goal, measured(goal)) for goal in GOALS]
