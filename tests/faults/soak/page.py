"""A soak's result as one HTML page that needs nothing else: for screens, at night, and on paper."""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template
from typing import Any

from tests.faults.soak import words
from tests.faults.soak.report import Record, Report

PAGE = Path(__file__).with_name("page.html")

NONE = '<span class="none">none</span>'

TONES = {
    "held": "good",
    "held so far": "good",
    "broken": "bad",
    "proves nothing": "bad",
    "not judged": "bad",
}
"""How a verdict is coloured; the others are neither good nor bad."""


def page(report: Report) -> str:
    """The whole page."""
    machine = report.machine
    place = (
        f"{machine['cpus']} cores, {machine['kernel']}, Python {machine['python']}, "
        f"mosquitto {machine['mosquitto']}"
    )
    commits = ", ".join(dict.fromkeys(run.commit for run in report.runs))
    return Template(PAGE.read_text("utf-8")).substitute(
        headline=escape(_headline(report)),
        tone="good" if report.is_good else "bad",
        start=escape(report.runs[0].start),
        duration=escape(words.duration(report.seconds)),
        runs=f"{len(report.runs)} run{'s' if len(report.runs) > 1 else ''}",
        commits=escape(commits),
        place=escape(place),
        rows="\n".join(_row(record) for record in report.records.values()),
    )


def _headline(report: Report) -> str:
    records = report.records.values()
    bad = [record for record in records if not record.is_good]
    if bad:
        names = ", ".join(record.name for record in bad)
        return f"Not shown to hold by {len(bad)} of {len(records)} harnesses: {names}"
    short = sum(1 for record in records if record.left or record.untried)
    rest = f"; {short} of {len(records)} harnesses are short of their full count" if short else ""
    return f"Nothing was broken{rest}"


def _row(record: Record) -> str:
    verdict = words.verdict(record)
    done = min(1.0, record.count / record.full) if record.full else 1.0
    figures = "".join(_figure(each) for each in record.figures())
    told = "".join(f"<li>{escape(each)}</li>" for each in words.troubles(record))
    below = f'<tr class="troubles"><td colspan="7"><ul>{told}</ul></td></tr>' if told else ""
    return (
        f'<tr><th scope="row"><b>{escape(record.promise)}</b> {escape(record.title)}'
        f"<code>{escape(record.name)}</code></th>"
        f'<td data-is="verdict"><span class="{TONES.get(verdict, "open")}">{verdict}</span></td>'
        f'<td data-is="tests">{words.progress(record)}'
        f'<meter min="0" max="1" value="{done:.4f}">{done:.0%}</meter></td>'
        f'<td data-is="breaks">{record.breaks:,}</td>'
        f'<td data-is="rate of failures">{escape(words.bound(record))}</td>'
        f'<td data-is="figures">{f"<ul>{figures}</ul>" if figures else NONE}</td>'
        f'<td data-is="mutants">{_mutants(record)}</td></tr>'
        f"{below}"
    )


def _figure(one: dict[str, Any]) -> str:
    tone = ' class="bad"' if one["is_over"] else ""
    promised = f"; <span>{escape(words.limit(one))}</span>" if words.limit(one) else ""
    return f"<li{tone}><b>{escape(one['name'])}</b> {escape(words.spread(one))}{promised}</li>"


def _mutants(record: Record) -> str:
    """Each mutant, and by what it was caught."""
    told = []
    for build in record.wanted:
        mutant = record.mutants.get(build)
        if mutant is None:
            tone, how = "open", "not run yet"
        elif mutant.caught:
            tone, how = "good", f"caught: {mutant.how}"
        else:
            tone, how = "bad", "not caught"
        shown = "not caught" if tone == "bad" else how.partition(":")[0]
        told.append(
            f'<li title="{escape(how)}"><code>{escape(build)}</code> '
            f'<span class="{tone}">{shown}</span></li>'
        )
    return f"<ul>{''.join(told)}</ul>" if told else NONE
