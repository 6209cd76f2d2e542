"""Whether a connection that was lost is made anew, and under which client id."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial

from pyros_mqtt.link import backoff
from pyros_mqtt.link.connection import Connection
from pyros_mqtt.link.eviction import Evicted, Evictions

MayReturn = Callable[[], bool | None]
"""Whether nobody newer has our name; None where the broker cannot be asked now."""


class Comeback:
    """Asked before each return to the bus. For the network thread.

    Args:
        client_id: under which we have come first.
        wait: pauses for so many seconds.
        is_closing: nobody wants to come back any more.
        go_under: takes another client id, and the call that tells why.
    """

    def __init__(
        self,
        client_id: str,
        wait: Callable[[float], None],
        is_closing: Callable[[], bool],
        go_under: Callable[[str, Callable[[], None]], None],
    ) -> None:
        self._wait = wait
        self._is_closing = is_closing
        self._go_under = go_under
        self._evictions = Evictions(client_id)
        self._may_return: MayReturn | None = None
        self._evicted: Evicted | None = None
        self._has_been_up = False
        self._was_closed = False

    def guard(self, may_return: MayReturn, evicted: Evicted) -> None:
        """Ask `may_return` from now on; `evicted` is told where our client id seems stolen."""
        self._may_return, self._evicted = may_return, evicted

    def reached(self) -> None:
        """A broker has taken us: whatever follows is a return."""
        self._has_been_up = True

    def lost(self, connection: Connection) -> None:
        """A connection has ended, and not by us."""
        if self._evicted is not None:
            # a broker that was killed takes nobody in this moment; one that threw us out does
            thrown_out = connection.was_closed and connection.broker_answers()
            self._was_closed = self._was_closed or thrown_out

    def shut_out(self) -> None:
        """A broker has closed a connection while it was made: a thief may be as quick as that."""
        self._was_closed |= self._has_been_up

    def is_barred(self) -> bool:
        """Whether somebody newer has our name, so that coming back would throw it out."""
        if not self._has_been_up or self._may_return is None:
            return False
        for attempt in itertools.count():
            answer = self._may_return()
            if answer is not None or self._is_closing():
                break
            self._was_closed = False  # the broker was away
            self._wait(backoff.delay(attempt))
        if answer is not False and self._was_closed:
            self._was_closed = False
            self._evade()
        return answer is False

    def _evade(self) -> None:
        """We were thrown out, and no other agent has our name: perhaps our client id was taken."""
        client_id = self._evictions.happened()
        if client_id is not None and self._evicted is not None:
            self._go_under(client_id, partial(self._evicted, self._evictions.in_words()))
