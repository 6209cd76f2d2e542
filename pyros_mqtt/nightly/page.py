"""A night as one HTML page that needs nothing else: no server, no network, no script."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from pyros_mqtt import wire
from pyros_mqtt.nightly.drawing import (
    COLOURS,
    Axis,
    clock,
    curve_lines,
    safe,
    strip_lines,
    time_lines,
)
from pyros_mqtt.nightly.night import Night
from pyros_mqtt.nightly.orders import Order

MOST_ROWS = 500
"""Rows of a table; the rest is counted."""

MOST_LETTERS = 300

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 1080px; margin: 2em auto; padding: 0 1em; }
h1 { margin-bottom: 0; } h2 { margin: 2em 0 .4em; border-bottom: 1px solid var(--line); }
.lead { opacity: .75; margin-top: .2em; }
.tiles { display: flex; flex-wrap: wrap; gap: .8em; margin: 1.2em 0; }
.tile { background: var(--soft); border-radius: 8px; padding: .6em 1em; min-width: 7em; }
.tile b { display: block; font-size: 1.5em; } .tile.bad b { color: #c8382e; }
svg { width: 100%; height: auto; display: block; }
svg text { font: 11px system-ui, sans-serif; fill: currentColor; }
.label { text-anchor: end; } .hour { text-anchor: middle; opacity: .7; }
.grid { stroke: var(--line); } .name { font-weight: 600; }
.band { fill: #2f7fc1; opacity: .25; } .mean { fill: none; stroke: #2f7fc1; stroke-width: 1.2; }
.dot { fill: #2f7fc1; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th, td { text-align: left; padding: .25em .6em; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: break-word; max-width: 30em; }
td:first-child { white-space: nowrap; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.legend span { display: inline-block; margin-right: 1em; }
.legend i { display: inline-block; width: .9em; height: .9em; border-radius: 2px;
  margin-right: .35em; vertical-align: -1px; }
.done { color: #2e8b57; } .bad { color: #c8382e; font-weight: 600; }
@media print { body { max-width: none; margin: 0; } }
"""

Cell = str | tuple[str, str]
"""Text, or text and the class of its cell."""


def page(night: Night) -> str:
    """Write the page."""
    axis = Axis(*night.active)
    title = f"{night.root}: night of {night.name}"
    body = [
        f"<h1>{safe(title)}</h1>",
        f'<p class="lead">{_moment(night.start)} to {_moment(night.stop)}, all times UTC</p>',
        _tiles(night),
        *(f"<p>{safe(one)}</p>" for one in night.problems),
        _section("Agents", _agents(night, axis)),
        _section("Alarms", _alarms(night)),
        _section("Alerts", _alerts(night)),
        _section("Weather and safety", _measured(night, axis)),
        _section("Images", _images(night)),
        _section("Commands", _ends(night.orders) + _commands(night.orders)),
        _section("Gaps in the record", _gaps(night)),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{safe(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _tiles(night: Night) -> str:
    failed = sum(one.end not in {"done", ""} for one in night.orders)
    missing = sum(one.account.missing for one in night.gaps)
    tiles = [
        ("agents", len(night.lives), False),
        ("commands", len(night.orders), False),
        ("not done", failed, failed > 0),
        ("images", len(night.images), False),
        ("alerts", len({one.event for one in night.alerts if one.event}), False),
        ("alarms", len(night.alarms), len(night.alarms) > 0),
        ("messages missing", missing, missing > 0),
    ]
    return (
        '<div class="tiles">'
        + "".join(
            f'<div class="tile{" bad" if bad else ""}"><b>{count}</b>{safe(what)}</div>'
            for what, count, bad in tiles
        )
        + "</div>"
    )


def _agents(night: Night, axis: Axis) -> str:
    if not night.lives:
        return "<p>No agent has said anything.</p>"
    seen = {span.state for spans in night.lives.values() for span in spans}
    legend = "".join(
        f'<span><i style="background:{colour}"></i>{state}</span>'
        for state, colour in COLOURS.items()
        if state in seen
    )
    troubled = [
        (clock(span.start), clock(span.stop), agent, (span.state, "bad"), span.detail)
        for agent, spans in night.lives.items()
        for span in spans
        if span.state in {"fault", "lost", "silent", "degraded"}
    ]
    told = _table(("from", "to", "agent", "state", "detail"), sorted(troubled)) if troubled else ""
    return f'{time_lines(night.lives, axis)}<p class="legend">{legend}</p>{told}'


def _alarms(night: Night) -> str:
    return _table(
        ("from", "to", "agent", "alarm", "severity", "what became of it", "text"),
        [
            (
                clock(one.start),
                "goes on" if one.stop is None else clock(one.stop),
                one.agent,
                one.alarm,
                one.severity,
                ", ".join([*one.states, *(["over"] if one.stop is not None else [])]),
                one.text,
            )
            for one in night.alarms
        ],
    )


def _alerts(night: Night) -> str:
    return _table(
        ("at", "event", "decision", "reason", "what became of it"),
        [
            (clock(one.moment), one.event, one.decision, one.reason, _became(one.orders))
            for one in night.alerts
        ],
    )


def _became(orders: Iterable[Order]) -> str:
    return "; ".join(
        f"{clock(one.moment)} {one.agent} {one.message}: {one.end or 'no end'}" for one in orders
    )


def _measured(night: Night, axis: Axis) -> str:
    parts = [strip_lines(night.strips, axis)] if night.strips else []
    parts += [curve_lines(panel, axis) for panel in night.curves]
    parts += ["<p>A dark bar means yes.</p>"] if night.strips else []
    return "".join(parts) or "<p>Nothing was measured.</p>"


def _images(night: Night) -> str:
    rows = []
    for one in night.images:
        told = one.result if isinstance(one.result, dict) else {}
        words = [str(told.get(key) or "") for key in ("object", "filter", "seconds", "path")]
        gaps = ", ".join(map(str, told.get("gaps") or []))
        rows.append((clock(one.ended or one.moment), one.agent, *words, gaps))
    names = ("at", "camera", "object", "filter", "seconds", "file", "gaps in the header")
    return _table(names, rows)


def _ends(orders: Sequence[Order]) -> str:
    """Sum up by agent: how many, how they ended, how long the first answer took."""
    rows: list[tuple[Cell, ...]] = []
    for agent in sorted({one.agent for one in orders}):
        own = [one for one in orders if one.agent == agent]
        ends = Counter(one.end or "no end" for one in own)
        latencies = sorted(one.latency for one in own if one.latency is not None)
        rows.append((
            agent,
            (str(len(own)), "n"),
            ", ".join(f"{count} {end}" for end, count in ends.most_common()),
            (_seconds(statistics.median(latencies)) if latencies else "", "n"),
            (_seconds(latencies[-1 - len(latencies) // 20]) if latencies else "", "n"),
            (_seconds(latencies[-1]) if latencies else "", "n"),
        ))  # fmt: skip
    names = ("agent", "commands", "ends", "answered: median", "95 %", "slowest")
    return _table(names, rows)


def _commands(orders: Sequence[Order]) -> str:
    if not orders:
        return ""
    rows = [
        (
            clock(one.moment),
            f"{one.sender} → {one.agent}",
            " ".join([one.message, *(f"{k}={_short(v)}" for k, v in one.args.items())]),
            (one.end or "no end", "done" if one.end == "done" else "bad"),
            (_seconds(one.latency), "n"),
            (_seconds(one.lasted), "n"),
            one.error,
        )
        for one in orders
    ]
    names = ("at", "who to whom", "command", "end", "answered after", "lasted", "error")
    return _table(names, rows)


def _gaps(night: Night) -> str:
    silences = [
        (clock(one.start), clock(one.stop), _seconds(one.stop - one.start)) for one in night.away
    ]
    told = "<p>Nobody said anything, or nobody recorded it:</p>" if silences else ""
    told += _table(("from", "to", "for"), silences) if silences else ""
    rows = [
        (
            clock(gap.start),
            clock(gap.stop),
            one.agent,
            one.channel,
            (str(gap.missing), "n"),
            (str(gap.samples), "n"),
        )
        for one in night.gaps
        for gap in one.account.gaps
    ]
    names = ("from", "to", "agent", "channel", "messages missing", "samples")
    return told + (_table(names, rows) if rows else "<p>No numbered message is missing.</p>")


def _section(title: str, inside: str) -> str:
    return f"<section><h2>{safe(title)}</h2>{inside or '<p>None.</p>'}</section>"


def _table(names: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    if not rows:
        return ""
    kinds = ["" if isinstance(one, str) else one[1] for one in rows[0]]
    head = "".join(
        f'<th class="n">{safe(name)}</th>' if kind == "n" else f"<th>{safe(name)}</th>"
        for name, kind in zip(names, kinds, strict=True)
    )
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows[:MOST_ROWS])
    left = len(rows) - MOST_ROWS
    more = f"<p>and {left} more; `pyros query` shows them</p>" if left > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _cell(cell: Cell) -> str:
    text, kind = (cell, "") if isinstance(cell, str) else cell
    shown = text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}…"
    return f'<td class="{kind}">{safe(shown)}</td>' if kind else f"<td>{safe(shown)}</td>"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else wire.compact(value)
    return text if len(text) <= 60 else f"{text[:59]}…"  # noqa: PLR2004 - what fits a cell


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if abs(seconds) < 10:  # noqa: PLR2004 - below, milliseconds matter
        return f"{seconds:.3f} s"
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"  # noqa: PLR2004


def _moment(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M}"
