"""Results as files: JSON for judging, Markdown for reading, tables for the documentation."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.goals import Figure, figures, ratios
from bench.processes import ROOT
from bench.rounds import Results
from bench.systems import System
from bench.works import WORKS

BEGIN, END = "<!-- scripts/bench writes this -->", "<!-- until here -->"

TABLES: tuple[tuple[str, str, tuple[tuple[str, str, str], ...]], ...] = (
    ("ask", "A command and its result, one at a time",
     (("p50_us", "p50", "µs"), ("p99_us", "p99", "µs"))),
    ("commands", "Commands, 200 outstanding", (("per_s", "a second", ""),)),
    ("oneway-qos1", "One-way messages of 100 B at QoS 1",
     (("per_s", "a second", ""), ("writer_us", "CPU of the writer", "µs"),
      ("reader_us", "CPU of the reader", "µs"))),
    ("oneway-qos0", "One-way messages of 100 B at QoS 0",
     (("per_s", "a second", ""), ("writer_us", "CPU of the writer", "µs"),
      ("reader_us", "CPU of the reader", "µs"))),
)  # fmt: skip
"""The works in which peers are compared: what their columns show."""


def body(
    results: Results, systems: Iterable[System], rounds: int, about: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything, in the form of `bench-results.json`."""
    return {
        **about,
        "rounds": rounds,
        "ratios": ratios(results),
        "ratios_are": "our figure divided by theirs, medians of all rounds",
        "figures": [one.told() for one in figures(results)],
        "results": {
            work: {name: record.told() for name, record in records.items()}
            for work, records in results.records.items()
        },
        "settings": {one.name: one.settings for one in systems},
        "versions": {one.name: version_of(one) for one in systems},
        "not_run": results.not_run,
        "failures": results.failures,
    }


def machine() -> dict[str, Any]:
    """When, where and of what this is."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "commit": _commit(),
        "machine": {
            "cores": os.cpu_count(),
            "system": f"{platform.system()} {platform.release()}",
            "python": platform.python_version(),
            "load": round(os.getloadavg()[0], 2),
        },
    }


def version_of(system: System) -> str:
    """The version of a peer's own package: the one line of its requirements that names it."""
    named = {
        "paho": "paho-mqtt", "clu": "sdss-clu", "pyro5": "Pyro5", "pytango": "pytango",
    }.get(system.peer, system.peer)  # fmt: skip
    if not system.requirements.exists():
        return ""
    for line in system.requirements.read_text("utf-8").split():
        name, _, version = line.partition("==")
        if name.lower() == named.lower():
            return f"{name} {version}"
    return ""


def write_json(told: Mapping[str, Any], file: Path) -> None:
    """Write the results for judging."""
    file.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")


def markdown(results: Results, rounds: int, about: Mapping[str, Any]) -> str:
    """The tables for people: the goals first, then who stands where."""
    is_whole = len(results.records) == len(WORKS)
    rows = [one for one in figures(results) if is_whole or one.measured is not None]
    parts = [_heading(rounds, about), goals_table(rows)]
    for work, title, columns in TABLES:
        if results.records.get(work):
            parts.append(f"**{title}**\n\n{_peers_table(results, work, columns)}")
    if results.not_run:
        parts.append(_list("Not run", (f"{name}: {why}" for name, why in results.not_run.items())))
    if results.failures:
        parts.append(_list("Failed", results.failures))
    return "\n\n".join(parts) + "\n"


def goals_table(rows: Sequence[Figure]) -> str:
    """What was to be reached, and what came out."""
    lines = ["| what | goal | measured | |", "| --- | --- | --- | --- |"]
    verdict = {True: "reached", False: "**missed**", None: "not measured"}
    for one in rows:
        goal, measured = one.goal, one.measured
        wanted = f"{goal.bound} {shown(goal.number)} {goal.unit}".strip()
        found = "" if measured is None else f"{shown(measured)} {goal.unit}".strip()
        lines.append(f"| {goal.what} | {wanted} | {found} | {verdict[one.is_met]} |")
    return "\n".join(lines)


def into_page(page: Path, text: str) -> None:
    """Put the tables between the marks of a page of the documentation.

    Raises:
        ValueError: the page has no such marks.
    """
    before, begin, rest = page.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no lines {BEGIN} and {END}")
    page.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}", "utf-8")


def shown(number: float) -> str:
    """A number with three significant figures, and no more zeros than people need."""
    if abs(number) >= 100:  # noqa: PLR2004 - from here on it is whole
        return f"{float(f'{number:.3g}'):,.0f}"
    return f"{number:.3g}"


def _heading(rounds: int, about: Mapping[str, Any]) -> str:
    where = about["machine"]
    return (
        f"Measured {about['at']} at commit `{about['commit']}`: {rounds} rounds on "
        f"{where['cores']} cores, {where['system']}, Python {where['python']}, load "
        f"{where['load']} at the start" + (", a quick run" if about.get("quick") else "") + "."
    )


def _peers_table(results: Results, work: str, columns: Sequence[tuple[str, str, str]]) -> str:
    heads = [f"{title}, {unit}" if unit else title for _, title, unit in columns]
    lines = [f"| system | {' | '.join(heads)} |", "| --- |" + " --- |" * len(columns)]
    found = {name: results.medians(work, name) for name in results.records[work]}
    first, is_time = columns[0][0], columns[0][0].endswith("_us")
    for name in sorted(found, key=lambda one: found[one][first], reverse=not is_time):
        cells = [shown(found[name][figure]) for figure, _, _ in columns]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _list(title: str, lines: Iterable[str]) -> str:
    return f"{title}:\n\n" + "\n".join(f"* {line}" for line in lines)


def _commit() -> str:
    try:
        said = subprocess.run(  # noqa: S603 - our own words
            ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return said.stdout.strip()
