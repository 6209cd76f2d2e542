"""How a soak's numbers are put into words, the same on the page and in the summary."""

from __future__ import annotations

from typing import Any

from tests.faults.soak.report import MOST_SENTENCES, Record

MINUTE = 60
"""Seconds of a minute, and minutes of an hour."""

FEW = 0.01
"""A rate of failures below which `1 in N` is read more easily than per cent."""


def duration(seconds: float) -> str:
    """Such as `7 h 03 min`, `12 min` or `42 s`."""
    if seconds < MINUTE:
        return f"{seconds:.0f} s"
    minutes = round(seconds / MINUTE)
    hours, rest = divmod(minutes, MINUTE)
    return f"{hours} h {rest:02d} min" if hours else f"{minutes} min"


def progress(record: Record) -> str:
    """How much of the full count has been done."""
    return f"{record.count:,} of {record.full:,}"


def bound(record: Record) -> str:
    """What is known of the rate of failures, in one word or two."""
    if not record.count:
        return "not known"
    if record.bound is None:
        return f"{record.breaks:,} seen"
    if record.bound >= 1:
        return "not known"
    if record.bound > FEW:
        return f"< {record.bound:.1%}"
    return f"< 1 in {record.count // 3:,}"


def mutants(record: Record) -> str:
    """How many of the mutants were caught."""
    if not record.wanted:
        return "none"
    caught = sum(mutant.caught for mutant in record.mutants.values())
    open_ones = f", {len(record.untried)} not run yet" if record.untried else ""
    return f"{caught} of {len(record.wanted)} caught{open_ones}"


def spread(one: dict[str, Any]) -> str:
    """How the values of one measured quantity are spread."""
    return f"p50 {_short(one['p50'])}, p99 {_short(one['p99'])}, max {_short(one['max'])}"


def limit(one: dict[str, Any]) -> str:
    """What is promised of a measured quantity; empty where nothing is."""
    if "limit" not in one:
        return ""
    percentile = "max" if one["percent"] == 100 else f"p{one['percent']:g}"
    return f"promised {percentile} ≤ {_short(one['limit'])}"


def verdict(record: Record) -> str:
    """One word for what has been shown."""
    if record.breaks or record.excesses:
        return "broken"
    if record.escaped:
        return "proves nothing"
    if record.missing:
        return "not run"
    if record.failures:
        return "not judged"
    if not record.count:
        return "not run yet"
    return "held" if not record.left and not record.untried else "held so far"


def troubles(record: Record, most: int = MOST_SENTENCES) -> list[str]:
    """All that speaks against a record, a sentence each; of breaks and errors `most` each."""
    told = _first(record.broken, record.breaks, most, "more breaks")
    told += record.excesses
    told += [f"the mutant {build} passes for healthy" for build in record.escaped]
    errors = [f"could not be judged: {each}" for each in record.errors]
    told += _first(errors, record.failures, most, "more that could not be judged")
    if record.missing:
        told.append(f"cannot run here: {record.missing}")
    return told


def _first(sentences: list[str], count: int, most: int, rest: str) -> list[str]:
    shown = sentences[:most]
    return shown + ([f"and {count - len(shown):,} {rest}"] if count > len(shown) else [])


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1e4 else f"{value:,.0f}"
