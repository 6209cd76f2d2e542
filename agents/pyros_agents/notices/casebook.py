"""What has been read of the events so far: which notices, what was pointed at, what taken back.

Kept in memory and bounded: after a restart an event is new again, and the scheduler, which knows
what it observes, takes a second `observe` of it for an update.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TypeVar

from pyros_agents.notices.notice import Notice, Position

_Kept = TypeVar("_Kept")


@dataclass(frozen=True, slots=True)
class Case:
    """One event: the best position that was sent to the telescope, and when it was taken back.

    `retracted` is when the notice that took it back was issued, POSIX seconds; 0 where that notice
    did not say; None while the event stands.
    """

    event: str
    position: Position | None = None
    retracted: float | None = None


class Casebook:
    """The memory between notices; one thread uses it. Holds the last `size` notices and events."""

    def __init__(self, size: int = 10_000) -> None:
        """Start with an empty memory."""
        self._size = size
        self._cases: OrderedDict[str, Case] = OrderedDict()
        self._events: OrderedDict[str, str] = OrderedDict()
        self._seen: OrderedDict[str, str] = OrderedDict()

    def has_seen(self, notice: Notice) -> bool:
        """Say whether this very notice has been entered before."""
        return notice.ivorn in self._seen

    def event_of(self, notice: Notice) -> str:
        """Name the event of a notice, as it is called here.

        That is its own name for it, else the one under which one of its further names is known,
        else the event of a notice that it cites.
        """
        names = (notice.event, *notice.also)
        known = next((self._events[name] for name in names if name in self._events), None)
        if known is None:
            known = next((self._seen[each] for each in notice.cites if each in self._seen), None)
        return notice.event if known is None else known

    def case_of(self, notice: Notice) -> Case:
        """Say what is known of the event of a notice; of a new event, nothing."""
        event = self.event_of(notice)
        return self._cases.get(event, Case(event))

    def enter(self, notice: Notice, position: Position | None = None) -> None:
        """Remember a notice, and the `position` that was sent to the telescope because of it."""
        case = self.case_of(notice)
        self._keep(self._seen, notice.ivorn, case.event)
        for name in (notice.event, *notice.also):
            self._keep(self._events, name, case.event)
        if position is not None:
            case = replace(case, position=position, retracted=None)
        self._keep(self._cases, case.event, case)

    def close(self, notice: Notice) -> None:
        """Remember that the event of `notice` was taken back by it."""
        self.enter(notice)
        event = self.event_of(notice)
        self._keep(self._cases, event, Case(event, retracted=notice.issued or 0.0))

    def _keep(self, shelf: OrderedDict[str, _Kept], key: str, value: _Kept) -> None:
        shelf[key] = value
        shelf.move_to_end(key)
        if len(shelf) > self._size:
            shelf.popitem(last=False)
