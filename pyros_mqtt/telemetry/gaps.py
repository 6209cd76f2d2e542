"""What a reader of a channel has missed, counted by `seq` and session. Pure."""

from __future__ import annotations

from bisect import bisect_right, insort

from pyros_mqtt.messages import Columns

MOST = 10_000
"""Separate holes that are remembered; of more, the oldest is given up."""


class _Holes:
    """Numbers that are missing, as stretches: an outage of any length is a single one."""

    def __init__(self) -> None:
        self._stretches: list[tuple[int, int]] = []
        self.size = 0
        self.given_up = 0

    def open(self, start: int, end: int) -> None:
        """The numbers from `start` up to `end`, which is not one of them, are missing."""
        if end <= start:
            return
        insort(self._stretches, (start, end))
        self.size += end - start
        if len(self._stretches) > MOST:
            first, last = self._stretches.pop(0)
            self.size -= last - first
            self.given_up += last - first

    def fill(self, number: int) -> bool:
        """A number has come; whether it was missing."""
        at = bisect_right(self._stretches, (number, float("inf"))) - 1
        if at < 0 or number >= self._stretches[at][1]:
            return False
        start, end = self._stretches[at]
        rest = [(start, number), (number + 1, end)]
        self._stretches[at : at + 1] = [one for one in rest if one[0] < one[1]]
        self.size -= 1
        return True


class Gaps:
    """Counts what did not come on one channel, and tells what came twice.

    Counting begins with the first message that is heard. Late ones fill the gaps that they left.
    A bare scalar has no number and is not counted. A message without a session belongs to the
    same one as the message before, unless its number goes back.
    """

    def __init__(self) -> None:
        self._session: str | None = None
        self._holes = _Holes()
        self._lowest = self._highest = -1
        self._messages_before = self._samples_before = 0
        self._begin_at = self._end_at = self._had = 0

    @property
    def messages(self) -> int:
        """Messages that were sent and have not come, up to now."""
        return self._messages_before + self._holes.size + self._holes.given_up

    @property
    def samples(self) -> int:
        """Samples that were sent and have not come, up to now."""
        return self._samples_before + self._end_at - self._begin_at - self._had

    def take(self, columns: Columns) -> bool:
        """Take a message in; whether it is new, and not one that came twice."""
        seq = columns.seq
        if seq is None:
            return True
        first = seq if columns.first is None else columns.first
        if self._is_other_session(columns, seq):
            self._begin(columns.session, seq, first)
        if not self._is_new(seq):
            return False
        self._begin_at = min(self._begin_at, first)
        self._end_at = max(self._end_at, first + len(columns))
        self._had += len(columns)
        return True

    def _is_new(self, seq: int) -> bool:
        if seq > self._highest:
            self._holes.open(self._highest + 1, seq)
            self._highest = seq
        elif seq < self._lowest:  # kept over an outage that began before we listened
            self._holes.open(seq + 1, self._lowest)
            self._lowest = seq
        else:
            return self._holes.fill(seq)
        return True

    def _is_other_session(self, columns: Columns, seq: int) -> bool:
        if self._session is None:
            return True
        if columns.session:
            return columns.session != self._session
        return seq < self._highest and not columns.late

    def _begin(self, session: str, seq: int, first: int) -> None:
        """A session begins; if another one was heard before, this one is known from its start."""
        is_first = self._session is None
        self._messages_before, self._samples_before = self.messages, self.samples
        self._holes = _Holes()
        self._session = session
        self._lowest = seq if is_first else 0
        self._highest = seq - 1 if is_first else -1
        self._begin_at = self._end_at = first if is_first else 0
        self._had = 0
