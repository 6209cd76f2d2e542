"""How results look: with colour and lines on a terminal, plain words everywhere else."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from pyros_mqtt import plain_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

STYLES = {
    "ready": "green",
    "busy": "cyan",
    "starting": "blue",
    "stopping": "blue",
    "degraded": "yellow",
    "fault": "bold red",
    "silent": "bold red",
    "lost": "bold red",
    "stopped": "dim",
    "unknown": "dim",
    "accepted": "blue",
    "running": "cyan",
    "done": "green",
    "failed": "bold red",
    "rejected": "bold red",
    "expired": "yellow",
    "cancelled": "yellow",
    "interrupted": "bold red",
    "raised": "bold red",
    "acknowledged": "yellow",
    "cleared": "cyan",
    "shelved": "dim",
    "command": "bold",
    "debug": "dim",
    "warning": "yellow",
    "error": "red",
    "critical": "bold red",
    "ok": "green",
    "warn": "yellow",
    "bad": "bold red",
}
"""A colour for each word that tells how something is."""

CLOCKS_DIFFER = 5.0
"""Seconds by which another machine's clock may be ahead of ours without a word."""


def is_terminal(*, err: bool = False) -> bool:
    """Tell whether a person looks at what we print."""
    return (sys.stderr if err else sys.stdout).isatty()


def console(*, err: bool = False) -> Console:
    """Make a rich console; it honours NO_COLOR and TERM=dumb."""
    from rich.console import Console

    return Console(stderr=err, highlight=False)


def line(text: str) -> None:
    """Print one line, at once, as it stands."""
    typer.echo(text)


def printable(text: str) -> str:
    """Take out what is no sign of a text: what comes from the bus must not drive the terminal.

    That is control characters, and those that turn, join or hide others (U+202E and the like).
    """
    return "".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in text)


one_line = plain_text.one_line
"""Write as escapes what `printable` takes out, and line ends."""


def json(value: Any) -> None:
    """Print a value as JSON, for programs."""
    from pyros_mqtt.wire import pretty, unveiled

    typer.echo(unveiled(pretty(value)))


def json_line(value: Any) -> None:
    """Print a value as JSON in one line, for programs."""
    from pyros_mqtt.wire import compact, unveiled

    typer.echo(unveiled(compact(value)))


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, styled: int = -1) -> None:
    """Print a table; the column `styled` takes its colour from its word."""
    legible = [tuple(map(one_line, row)) for row in rows]
    if is_terminal():
        console().print(rich_table(headers, legible, styled=styled))
        return
    for row in _aligned([tuple(one_line(name).upper() for name in headers), *legible]):
        line(row)


def rich_table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, styled: int = -1) -> Table:
    """Make a table for a terminal."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for header in headers:
        made.add_column(
            Text(one_line(header)), overflow="fold", no_wrap=header in {"agent", "age", "state"}
        )
    for row in rows:
        style = STYLES.get(row[styled].split(" ")[0], "") if styled >= 0 else ""
        made.add_row(*(Text(cell, style if i == styled else "") for i, cell in enumerate(row)))
    return made


def coloured(text: str, word: str) -> str:
    """Give `text` the colour of `word`, on a terminal."""
    if not is_terminal():
        return text
    style = STYLES.get(word, "")
    colour = {"green": "green", "cyan": "cyan", "blue": "blue", "yellow": "yellow"}.get(style)
    return typer.style(
        text,
        fg="red" if "red" in style else colour,
        bold="bold" in style or None,
        dim="dim" in style or None,
    )


def clock_time(moment: float | None = None) -> str:
    """Write a moment (POSIX seconds; now, if none is given) as `20:14:03Z`."""
    when = datetime.now(UTC) if moment is None else datetime.fromtimestamp(moment, UTC)
    return f"{when:%H:%M:%S}Z"


def dated_time(moment: float) -> str:
    """Write a moment as `20:14:03Z`, with its date where that is not today's."""
    when = datetime.fromtimestamp(moment, UTC)
    is_today = when.date() == datetime.now(UTC).date()
    return clock_time(moment) if is_today else f"{when:%Y-%m-%d} {clock_time(moment)}"


def duration(seconds: float) -> str:
    """Write seconds as people say them: `0.4 s`, `12 s`, `3 min`, `5 h`, `2 d`.

    Of a moment that is yet to come, by more than clocks differ, `future`.
    """
    if not math.isfinite(seconds):
        return "-"
    if seconds < -CLOCKS_DIFFER:
        return "future"
    seconds = max(0.0, seconds)
    for limit, unit, size in ((10, "s", 0), (120, "s", 1), (7200, "min", 60), (172800, "h", 3600)):
        if seconds < limit:
            return f"{seconds:.1f} {unit}" if not size else f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
