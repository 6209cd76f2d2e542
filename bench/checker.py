"""What has to be true of every measurement: nothing was lost, doubled or wrong. Pure."""

from __future__ import annotations

from bench.job import Told
from pyros_mqtt.errors import PyrosError


class Wrong(PyrosError):
    """A measurement in which messages were lost, doubled or mixed up; its figures say nothing."""


def check(name: str, *told: Told) -> None:
    """Look at what the processes of one measurement have counted.

    Raises:
        Wrong: it does not add up.
    """
    problems = [problem for one in told for problem in _problems(one)]
    if problems:
        raise Wrong(f"{name}: {', '.join(problems)}")


def _problems(told: Told) -> list[str]:
    problems = []
    lost = told.get("expected", 0) - told.get("received", 0)
    if lost:
        problems.append(f"{lost} of {told['expected']} messages were lost")
    for name, words in (
        ("doubled", "came twice"),
        ("strange", "were never sent"),
        ("wrong", "had a wrong answer"),
    ):
        if count := told.get(name, 0):
            problems.append(f"{count} {words}")
    return problems
