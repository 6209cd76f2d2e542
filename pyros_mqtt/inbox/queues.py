"""Where accepted commands wait for the thread that runs them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from pyros_mqtt.inbox.ticket import Ticket


class TicketQueue:
    """Tickets for one thread, which nobody else is woken for; all queues have one lock."""

    def __init__(self, lock: threading.RLock) -> None:
        self.tickets: deque[Ticket] = deque()
        self.news = threading.Condition(lock)
        self.is_awaited = False
        """Its thread waits for the next one."""

    def put(self, ticket: Ticket) -> None:
        """Queue a ticket, with the lock held."""
        self.tickets.append(ticket)
        self.news.notify()

    def take(self, timeout: float, then: Callable[[Ticket], None] | None = None) -> Ticket | None:
        """As `Inbox.take`."""
        with self.news:
            if not self.tickets and timeout > 0:
                self.is_awaited = True
                self.news.wait(timeout)
                self.is_awaited = False
            ticket = self.tickets.popleft() if self.tickets else None
            if ticket is not None and then is not None:
                then(ticket)
        return ticket
