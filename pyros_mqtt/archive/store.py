"""What a recorder and a reader ask of an archive's database, and how one is opened by its URL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

from pyros_mqtt.archive.place import POSTGRESQL, SQLITE, checked
from pyros_mqtt.archive.rows import Counted, EventRow, Roll, SampleRow, Source, Written
from pyros_mqtt.errors import ArchiveError


class Store(Protocol):
    """One connection to an archive's database. For one thread at a time.

    Every method raises `ArchiveError` where the database fails. Moments are microseconds.
    """

    place: str
    """Where it is, for people; without a password."""

    def write(self, samples: Sequence[SampleRow], events: Sequence[EventRow]) -> Written:
        """Add rows, all or none; those whose key is there already are passed over.

        Raises:
            ValueError: a row that no archive can hold.
        """

    def lease(self, name: str, owner: str, now: int, until: int) -> int | None:
        """Take or prolong the sole right to something.

        Returns:
            When the last holder's right ended or ends (0: there was none, or it is ours); None
            where somebody else has it.
        """

    def sources(self, root: str) -> dict[Source, int]:
        """List what has been heard under a root, with the numbers that stand for it."""

    def latest(self, source: Source) -> tuple[int, int] | None:
        """The moment and mark of the latest event of a source."""

    def samples(self, source: int, start: int, stop: int) -> Iterator[tuple[object, ...]]:
        """Rows that may hold samples from `start` until before `stop`.

        Each is t, seq, n, flags, value and body, in order of t.
        """

    def events(
        self, sources: Iterable[int], start: int, stop: int
    ) -> Iterator[tuple[int, int, int, bytes]]:
        """The events from `start` until before `stop`: source, t, heard, body, in order of t."""

    def ends(self, source: int) -> tuple[int, int] | None:
        """The moments of the first and the last row of a channel."""

    def accounts(self, source: int, start: int, stop: int) -> Iterator[Counted]:
        """For each row of a channel, in order of life and seq, what it counts."""

    def count(self, source: int, start: int, stop: int, most: int) -> int:
        """How many samples the first `most` rows of a span hold; rows as `samples` gives them."""

    def next_after(self, source: int, t: int) -> int | None:
        """The moment of the first row of a channel from `t` on; None where there is none."""

    def last_before(self, source: int, t: int) -> int | None:
        """The moment of the last row of a channel before `t`; None where there is none."""

    # -- housekeeping ---------------------------------------------------------------------------

    def rolls(self, source: int, step: int, start: int, stop: int) -> Iterator[Roll]:
        """The down-sampled values of a channel in steps of `step` seconds, in order of t."""

    def write_rolls(
        self, source: int, step: int, span: tuple[int, int] | None, rolls: Sequence[Roll]
    ) -> None:
        """Put down-sampled values in the place of those within `span`; None: add to what is there.

        Adding merges: counts and totals are summed, extremes kept.
        """

    def nights(self, root: str) -> dict[str, tuple[bool, bool]]:
        """The nights that housekeeping knows: whether down-sampled, and whether raw is gone."""

    def note_night(self, root: str, night: str, *, rolled: bool, purged: bool) -> None:
        """Note how far a night's housekeeping has come."""

    def delete(self, table: str, source: int, stop: int, limit: int, step: int = 0) -> int:
        """Delete up to `limit` of the oldest rows of a source before `stop`; how many there were.

        `table` is `samples`, `events` or `rolls`, the last with `step`.
        """

    def troubles(self) -> list[str]:
        """Look whether the database is whole; one line for each thing that is not."""

    def together(self) -> AbstractContextManager[None]:
        """Make what is done inside one transaction."""

    def give_up(self) -> None:
        """Break off what another thread waits for; it gets an `ArchiveError`. For any thread."""

    def close(self) -> None:
        """End the connection."""


def open_store(url: str, *, create: bool = True) -> Store:
    """Open the archive at `sqlite:///path` or `postgresql://...`.

    Args:
        url: where it is.
        create: make a new one where there is none.

    Raises:
        ArchiveError: it cannot be opened, is none of ours, or the URL is wrong.
        MissingExtra: it is PostgreSQL, and its driver is not installed.
    """
    if checked(url).startswith(POSTGRESQL):
        from pyros_mqtt.archive.postgres import PostgresStore

        return PostgresStore(url)
    from pyros_mqtt.archive.sqlite import SqliteStore

    path = Path(unquote(url.removeprefix(SQLITE))).expanduser()
    if not create and not path.is_file():
        raise ArchiveError(f"there is no archive at {path} yet: `pyros record` makes one")
    return SqliteStore(path)
