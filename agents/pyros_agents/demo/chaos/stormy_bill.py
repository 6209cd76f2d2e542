"""What a night in a storm came to: for people, and for `--json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console


@dataclass
class StormyBill:
    """What `pyros demo --chaos --json` prints.

    Attributes:
        kills: how often each agent and the broker were killed.
        commands: how many came to each end, `not taken` by any agent among them.
        given_again: of those without a good end, how many were done when given again.
        left_undone: the others of those, which nobody gave again.
        unaccounted: commands of which no end is known, or more than one.
        targets: how many images were taken of each.
        outcome: the state of dome and telescope, and whether the night's aims were reached.
    """

    seed: int
    broker: str
    seconds: float = 0.0
    kills: dict[str, int] = field(default_factory=dict)
    commands: dict[str, int] = field(default_factory=dict)
    given_again: int = 0
    left_undone: list[str] = field(default_factory=list)
    unaccounted: list[str] = field(default_factory=list)
    targets: dict[str, int] = field(default_factory=dict)
    alert: dict[str, Any] = field(default_factory=dict)
    images: list[str] = field(default_factory=list)
    outcome: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def show(console: Console, bill: StormyBill) -> None:
    """Tell people."""
    lines = {
        "killed": _counted(bill.kills),
        "commands": _counted(bill.commands),
        "done when given again": str(bill.given_again),
        "given up": ", ".join(bill.left_undone) or "none",
        "without an end": str(len(bill.unaccounted)),
        "images": _counted(bill.targets),
        "at the end": f"dome {bill.outcome['dome']}, telescope {bill.outcome['telescope']}",
        "broker": bill.broker,
        "to repeat it": f"pyros demo --chaos --seed {bill.seed}",
    }
    for name, words in lines.items():
        console.print(f"{name:>22}: {words}", soft_wrap=True, highlight=False)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "none"
