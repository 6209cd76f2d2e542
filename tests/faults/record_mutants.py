"""The builds that lose measurements without a word, or whose archive is not what it says.

`builds` says how they are chosen.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Any

from pyros_mqtt import wire
from pyros_mqtt.archive import sqlite
from pyros_mqtt.recorder import Recorder, intake
from pyros_mqtt.recorder.arrivals import Arrival, Arrivals
from pyros_mqtt.recorder.writer import Writer
from pyros_mqtt.telemetry import channels
from pyros_mqtt.telemetry.conveyor import Conveyor
from pyros_mqtt.telemetry.shelf import Load, Shelf
from pyros_mqtt.transport import Fate
from tests.faults.builds import mutant, put

# -- how samples are counted ---------------------------------------------------------------------


@mutant("drops-are-not-counted")
def _do_not_count_drops() -> None:
    """What had no room is forgotten."""
    trim = Shelf._trim

    def forget(shelf: Shelf) -> int:
        trim(shelf)
        return 0

    put(Shelf, "_trim", forget)


@mutant("doubt-is-delivery")
def _take_doubt_for_delivery() -> None:
    """What was under way when a connection broke counts as delivered."""
    landed = Conveyor._landed

    def trust(conveyor: Conveyor, load: Load, way: Any, fate: str) -> None:
        landed(conveyor, load, way, Fate.TAKEN if fate == Fate.IN_DOUBT else fate)

    put(Conveyor, "_landed", trust)


@mutant("records-repeats-twice")
def _record_repeats_twice() -> None:
    """A message that comes again is not known again."""
    numbers = itertools.count(1)
    put(intake, "measured_mark", lambda *_: next(numbers))


@mutant("numbers-begin-anew")
def _begin_numbers_anew() -> None:
    """After each connection the messages of a session are counted from zero."""
    connect = channels.Channels.connect

    def forget(self: channels.Channels, transport: Any, session: str = "") -> None:
        connect(self, transport, session)
        transport.on_state(partial(_recount, self))

    put(channels.Channels, "connect", forget)


def _recount(self: channels.Channels, up: bool) -> None:  # noqa: FBT001 - the transport's signature
    for series in self._series.values():
        if up:
            series.seq = series.samples = 0


@mutant("counts-messages-for-samples")
def _count_messages_for_samples() -> None:
    """A batch does not tell how many samples came before it."""
    tag = channels.Channels._tag

    def short(self: channels.Channels, series: Any) -> wire.Tag:
        return replace(tag(self, series), first=None)

    put(channels.Channels, "_tag", short)


# -- what the archive says -----------------------------------------------------------------------


@mutant("claims-before-commit")
def _claim_before_commit() -> None:
    """What is about to be written is told as recorded."""
    write = Writer._write

    def boast(writer: Writer, arrivals: list[Arrival]) -> bool:
        writer.counts.recorded += len(arrivals)
        try:
            return write(writer, arrivals)
        finally:
            writer.counts.recorded -= len(arrivals)

    put(Writer, "_write", boast)


@mutant("archive-without-journal")
def _keep_no_journal() -> None:
    """The archive is written in place, a page now and a page then."""
    together = sqlite.SqliteStore.together

    def in_place(store: sqlite.SqliteStore) -> AbstractContextManager[None]:
        if not store._db.in_transaction:
            with contextlib.suppress(sqlite3.Error):  # somebody reads
                for word in ("journal_mode=OFF", "synchronous=OFF", "cache_size=8"):
                    store._db.execute(f"PRAGMA {word}")
        return together(store)

    put(sqlite.SqliteStore, "together", in_place)


@mutant("never-degraded")
def _never_say_degraded() -> None:
    put(Recorder, "degrade", lambda *_: None)


@mutant("gives-up-what-it-cannot-write")
def _give_up() -> None:
    """What the archive has refused is not written again."""
    write = Writer._write

    def shrug(writer: Writer, arrivals: list[Arrival]) -> bool:
        write(writer, arrivals)
        return True

    put(Writer, "_write", shrug)


@mutant("loses-beyond-its-room")
def _lose_beyond_the_room() -> None:
    """What has no room in memory is not counted."""
    take_in = Arrivals.put

    def forget(arrivals: Arrivals, topic: str, payload: bytes, *, retain: bool) -> None:
        take_in(arrivals, topic, payload, retain=retain)
        arrivals.dropped = 0

    put(Arrivals, "put", forget)
