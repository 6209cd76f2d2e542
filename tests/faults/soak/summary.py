"""A soak's result as a Markdown table, to be kept with the documentation."""

from __future__ import annotations

from typing import Any

from tests.faults.soak import words
from tests.faults.soak.report import Record, Report

TITLE = "# The latest soak"

FEW = 3
"""Breaks of one harness that are told word by word; the report has more."""

HEAD = (
    "| promise | | tests | breaks | rate of failures (95 %) | figures, in seconds unless named "
    "| mutants | |\n| --- | --- | --- | --- | --- | --- | --- | --- |"
)


def summary(report: Report) -> str:
    """A page: the table, what it was measured on, and all that speaks against a promise."""
    machine = report.machine
    place = (
        f"Measured from {report.runs[0].start} on for {words.duration(report.seconds)} at commit "
        f"`{_commits(report)}` on {machine['cpus']} cores, {machine['kernel']}, "
        f"Python {machine['python']}, mosquitto {machine['mosquitto']}."
    )
    rows = [_row(record) for record in report.records.values()]
    troubles = [
        f"* {_escaped(record.name)}: {_escaped(sentence)}"
        for record in report.records.values()
        for sentence in words.troubles(record, FEW)
    ]
    parts = [TITLE, place, "\n".join([HEAD, *rows]), "\n".join(troubles)]
    return "\n\n".join(filter(None, parts)) + "\n"


def _row(record: Record) -> str:
    figures = "<br>".join(_figure(each) for each in record.figures())
    cells = (
        f"{record.promise} ({_escaped(record.name)})",
        _escaped(record.title),
        words.progress(record),
        f"{record.breaks:,}",
        words.bound(record),
        figures,
        words.mutants(record),
        words.verdict(record),
    )
    return f"| {' | '.join(cells)} |"


def _figure(one: dict[str, Any]) -> str:
    told = f"{one['name']}: {'; '.join(filter(None, [words.spread(one), words.limit(one)]))}"
    return f"**{_escaped(told)}**" if one["is_over"] else _escaped(told)


def _commits(report: Report) -> str:
    return "`, `".join(dict.fromkeys(run.commit for run in report.runs))


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is, in one cell of a table."""
    for character in "\\`*_<>|[]":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())
