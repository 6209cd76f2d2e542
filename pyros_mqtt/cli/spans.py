"""The options by which commands say what they want of the archive, and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from pyros_mqtt.cli.endings import FAILED, Trouble

if TYPE_CHECKING:
    from pyros_mqtt.archive import Archive
    from pyros_mqtt.cli.reach import Reach

Since = Annotated[
    str | None,
    typer.Option(metavar="WHEN", help="The first moment: 2h (ago), or 2026-11-22T20:14 (UTC)."),
]
Until = Annotated[
    str | None, typer.Option(metavar="WHEN", help="Up to this moment; by default now.")
]
Night = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="One night, by the date of its evening; or `last`."),
]
Every = Annotated[
    str | None,
    typer.Option(metavar="STEP", help="Means, minima and maxima of such steps: 10s, 5min, 1h."),
]
Url = Annotated[
    str | None,
    typer.Option(
        "--archive",
        metavar="URL",
        help="sqlite:///PATH or postgresql://..., not that of PYROS_ARCHIVE.",
    ),
]


END_OF_TIMES = 4e9
"""POSIX seconds after all that is recorded."""


class Span(NamedTuple):
    """From when to when, POSIX seconds."""

    start: float | None
    stop: float | None


def opened(reach: Reach, url: str | None) -> Archive:
    """Open the archive for reading.

    Raises:
        ArchiveError: there is none.
    """
    from pyros_mqtt.archive import Archive

    return Archive(url, settings=reach.settings)


def span_of(archive: Archive, since: str | None, until: str | None, night: str | None) -> Span:
    """Read what was said of the time.

    Raises:
        ArchiveError: it cannot be read.
    """
    from pyros_mqtt.archive.moments import posix

    if night is not None:
        if since is not None or until is not None:
            raise typer.BadParameter("say either a night, or --since and --until")
        return Span(*archive.nights.span(night_of(archive, night)))
    start, stop = (None if said is None else posix(said) for said in (since, until))
    if start is not None and stop is not None and start >= stop:
        raise typer.BadParameter(
            f"{since} is not before {until}", param_hint="'--since' / '--until'"
        )
    return Span(start, stop)


def night_of(archive: Archive, said: str | None) -> str:
    """Name a night: as said, `last` or nothing for the one that goes on or went last."""
    import time

    now = archive.nights.name(time.time())
    if said not in {None, "last"}:
        return str(said)
    return archive.latest_night() or now


def check_recorded(archive: Archive, span: Span, night: str | None) -> None:
    """Refuse a time in which nothing was recorded.

    Raises:
        Trouble: nothing was.
    """
    start = 0.0 if span.start is None else span.start
    stop = END_OF_TIMES if span.stop is None else span.stop
    if not archive.has_any(start, stop):
        when = "in this time" if night is None else f"in the night of {night}"
        raise Trouble(f"nothing was recorded {when}", FAILED)
