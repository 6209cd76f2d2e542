"""What is measured. Each work measures one system once; rounds and medians are others' business."""

from __future__ import annotations

from collections.abc import Callable

from bench.stage import Sample, Stage
from bench.systems import System
from bench.works import asking, crowds, curves, oneway, starting, telemetry

Work = Callable[[Stage, System], Sample]

WORKS: dict[str, Work] = {
    "ask": asking.ask,
    "commands": asking.commands,
    "oneway-qos1": oneway.at_qos1,
    "oneway-qos0": oneway.at_qos0,
    "telemetry-single": telemetry.single,
    "telemetry-batch": telemetry.batch,
    "cli": starting.cli,
    "import": starting.imports,
    "memory": starting.memory,
    "fleet": crowds.fleet,
    "status-storm": crowds.storm,
    "curves": curves.curves,
}

__all__ = ["WORKS", "Work"]
