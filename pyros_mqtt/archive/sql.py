"""The queries of an archive, the same for every database; what differs is below `_` hooks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from pyros_mqtt.archive.rows import LONGEST, Counted, EventRow, Roll, SampleRow, Source, Written

SAMPLES = (
    "source", "t", "mark", "life", "seq", "ahead", "n", "span", "flags", "value", "body",
)  # fmt: skip
EVENTS = ("source", "t", "mark", "heard", "body")
ROLLS = ("source", "step", "field", "t", "n", "low", "high", "total")

_WITHIN = "source = ? AND t >= ? AND t < ? AND t + span >= ?"
"""Rows that may hold samples of a span: begun at most `LONGEST` before, and not over before."""

_DELETE = {
    "samples": ("source = ? AND t < ?", "source, t, mark"),
    "events": ("source = ? AND t < ?", "source, t, mark"),
    "rolls": ("source = ? AND t < ? AND step = ?", "source, step, field, t"),
}


class SqlStore(ABC):
    """An archive in a database that speaks SQL; keeps the protocol of `Store`."""

    place = ""

    def __init__(self) -> None:
        self._numbers: dict[Source, int] = {}

    # -- for a database to fill in ----------------------------------------------------------------

    @abstractmethod
    def _fetch(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a query with `?` for its values, and fetch all rows."""

    @abstractmethod
    def _stream(self, query: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Run a query, and fetch its rows little by little."""

    @abstractmethod
    def _change(self, query: str, values: Sequence[Any] = ()) -> int:
        """Run a statement; how many rows it has changed."""

    @abstractmethod
    def _add(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], more: str
    ) -> int:
        """Insert rows with the clause `more` (ON CONFLICT ...); how many were new or changed."""

    @abstractmethod
    def together(self) -> AbstractContextManager[None]:
        """Make what is done inside one transaction."""

    @abstractmethod
    def give_up(self) -> None:
        """Break off what another thread waits for."""

    @abstractmethod
    def close(self) -> None:
        """End the connection."""

    # -- writing ----------------------------------------------------------------------------------

    def write(self, samples: Sequence[SampleRow], events: Sequence[EventRow]) -> Written:
        """Add rows, all or none; those whose key is there already are passed over."""
        try:
            with self.together():
                number = self._number
                told = [(number(row[0]), *row[1:]) for row in samples]
                said = [(number(row[0]), *row[1:]) for row in events]
                new = self._add("samples", SAMPLES, told, "DO NOTHING") if told else 0
                passed = self._add("events", EVENTS, said, "DO NOTHING") if said else 0
        except BaseException:
            self._numbers.clear()  # some may have been of the transaction that is undone
            raise
        return Written(new, passed, len(told) + len(said) - new - passed)

    def _number(self, source: Source) -> int:
        known = self._numbers.get(source)
        if known is None:
            self._change(
                "INSERT INTO sources (root, agent, branch, leaf) VALUES (?, ?, ?, ?) "
                "ON CONFLICT DO NOTHING",
                source,
            )
            ((known,),) = self._fetch(
                "SELECT id FROM sources WHERE root = ? AND agent = ? AND branch = ? AND leaf = ?",
                source,
            )
            self._numbers[source] = known
        return known

    def lease(self, name: str, owner: str, now: int, until: int) -> int | None:
        """Take or prolong the sole right to something."""
        with self.together():
            self._change(
                "INSERT INTO leases (name, owner, until) VALUES (?, ?, 0) ON CONFLICT DO NOTHING",
                (name, ""),
            )
            ((holder, ends),) = self._fetch(
                f"SELECT owner, until FROM leases WHERE name = ?{self._for_update}",  # noqa: S608 - our own words
                (name,),
            )
            if holder not in {owner, ""} and ends > now:
                return None
            self._change(
                "UPDATE leases SET owner = ?, until = ? WHERE name = ?", (owner, until, name)
            )
        return 0 if holder == owner else int(ends)

    _for_update = ""

    # -- reading ----------------------------------------------------------------------------------

    def sources(self, root: str) -> dict[Source, int]:
        """List what has been heard under a root."""
        rows = self._fetch(
            "SELECT agent, branch, leaf, id FROM sources WHERE root = ? ORDER BY 1, 2, 3", (root,)
        )
        return {Source(root, agent, branch, leaf): number for agent, branch, leaf, number in rows}

    def latest(self, source: Source) -> tuple[int, int] | None:
        """The moment and mark of the latest event of a source."""
        rows = self._fetch(
            "SELECT t, mark FROM events WHERE source = (SELECT id FROM sources WHERE root = ? "
            "AND agent = ? AND branch = ? AND leaf = ?) ORDER BY t DESC LIMIT 1",
            source,
        )
        return (rows[0][0], rows[0][1]) if rows else None

    def samples(self, source: int, start: int, stop: int) -> Iterator[tuple[object, ...]]:
        """The rows that may hold samples from `start` until before `stop`."""
        return self._stream(
            f"SELECT t, seq, n, flags, value, body FROM samples WHERE {_WITHIN} ORDER BY t",  # noqa: S608 - our own words
            (source, start - LONGEST, stop, start),
        )

    def count(self, source: int, start: int, stop: int, most: int) -> int:
        """How many samples the first `most` rows of a span hold; rows as `samples` gives them."""
        ((found,),) = self._fetch(
            "SELECT coalesce(sum(n), 0) FROM "  # noqa: S608 - our own words
            f"(SELECT n FROM samples WHERE {_WITHIN} ORDER BY t LIMIT ?) AS earliest",
            (source, start - LONGEST, stop, start, most),
        )
        return int(found)

    def events(
        self, sources: Iterable[int], start: int, stop: int
    ) -> Iterator[tuple[int, int, int, bytes]]:
        """The events from `start` until before `stop`, in order of t."""
        numbers = list(sources)
        if not numbers:
            return
        marks = ", ".join("?" * len(numbers))
        for source, t, heard, body in self._stream(
            f"SELECT source, t, heard, body FROM events WHERE source IN ({marks}) "  # noqa: S608 - question marks
            "AND t >= ? AND t < ? ORDER BY t, heard",
            (*numbers, start, stop),
        ):
            yield source, t, heard, bytes(body)

    def ends(self, source: int) -> tuple[int, int] | None:
        """The moments of the first and the last row of a channel."""
        ((first, last),) = self._fetch(
            "SELECT min(t), max(t) FROM samples WHERE source = ?", (source,)
        )
        return None if first is None else (first, last)

    def accounts(self, source: int, start: int, stop: int) -> Iterator[Counted]:
        """For each row of a channel, in order of life and seq, what it counts."""
        for row in self._stream(
            "SELECT t, life, seq, ahead, n FROM samples WHERE source = ? AND t >= ? AND t < ? "
            "ORDER BY life, seq, t",
            (source, start, stop),
        ):
            yield Counted(*row)

    def last_before(self, source: int, t: int) -> int | None:
        """The moment of the last row of a channel before `t`; None where there is none."""
        ((last,),) = self._fetch(
            "SELECT max(t) FROM samples WHERE source = ? AND t < ?", (source, t)
        )
        return None if last is None else int(last)

    def next_after(self, source: int, t: int) -> int | None:
        """The moment of the first row of a channel from `t` on."""
        ((found,),) = self._fetch(
            "SELECT min(t) FROM samples WHERE source = ? AND t >= ?", (source, t)
        )
        return None if found is None else int(found)

    # -- housekeeping -----------------------------------------------------------------------------

    def rolls(self, source: int, step: int, start: int, stop: int) -> Iterator[Roll]:
        """The down-sampled values of a channel, in order of t."""
        for row in self._stream(
            "SELECT field, t, n, low, high, total FROM rolls WHERE source = ? AND step = ? "
            "AND t >= ? AND t < ? ORDER BY t, field",
            (source, step, start, stop),
        ):
            yield Roll(*row)

    def write_rolls(
        self, source: int, step: int, span: tuple[int, int] | None, rolls: Sequence[Roll]
    ) -> None:
        """Put down-sampled values in the place of those within `span`; None: add to those."""
        with self.together():
            if span is not None:
                self._change(
                    "DELETE FROM rolls WHERE source = ? AND step = ? AND t >= ? AND t < ?",
                    (source, step, *span),
                )
            self._add(
                "rolls",
                ROLLS,
                [(source, step, *row) for row in rolls],
                "(source, step, field, t) DO UPDATE SET n = rolls.n + excluded.n, "
                "low = CASE WHEN excluded.low < rolls.low THEN excluded.low ELSE rolls.low END, "
                "high = CASE WHEN excluded.high > rolls.high THEN excluded.high ELSE rolls.high "
                "END, total = rolls.total + excluded.total",
            )

    def nights(self, root: str) -> dict[str, tuple[bool, bool]]:
        """The nights that housekeeping knows: whether down-sampled, and whether raw is gone."""
        rows = self._fetch("SELECT night, rolled, purged FROM nights WHERE root = ?", (root,))
        return {night: (bool(rolled), bool(purged)) for night, rolled, purged in rows}

    def note_night(self, root: str, night: str, *, rolled: bool, purged: bool) -> None:
        """Note how far a night's housekeeping has come."""
        self._change(
            "INSERT INTO nights (root, night, rolled, purged) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (root, night) DO UPDATE SET rolled = excluded.rolled, "
            "purged = excluded.purged",
            (root, night, int(rolled), int(purged)),
        )

    def delete(self, table: str, source: int, stop: int, limit: int, step: int = 0) -> int:
        """Delete up to `limit` of the oldest rows of a source before `stop`; how many it were."""
        where, key = _DELETE[table]
        values = (source, stop) if table != "rolls" else (source, stop, step)
        return self._change(
            f"DELETE FROM {table} WHERE ({key}) IN "  # noqa: S608 - our own words
            f"(SELECT {key} FROM {table} WHERE {where} ORDER BY t LIMIT {int(limit)})",
            values,
        )

    def troubles(self) -> list[str]:
        """Look whether what refers to one another is there."""
        found = []
        for table in ("samples", "events", "rolls"):
            ((lost,),) = self._fetch(
                f"SELECT count(*) FROM {table} WHERE source NOT IN (SELECT id FROM sources)"  # noqa: S608 - our own words
            )
            found += [f"{table}: {lost} rows without a source"] if lost else []
        return found
