"""Where the news of a task come from: the result backend, or, without one, the workers' events."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, Self

from celery import states
from celery.backends.base import DisabledBackend
from celery.backends.rpc import RPCBackend

from pyros_mqtt.contrib.celery.news import WAITS, News, Stage, from_backend, from_event, is_known

REACH = 3.0
"""Most seconds for one attempt to connect with Celery's broker."""

QUICKEST, SLOWEST = 0.05, 0.5
"""Seconds between two looks into the result backend: at first, and after a while."""

EVENT_SLICE = 0.2
"""Seconds of waiting for events at a stretch."""

ENABLED = 1.0
"""Most seconds to wait for a worker's word that it sends events; nobody may be there yet."""


@contextmanager
def reached(app: Any) -> Iterator[Any]:
    """Connect with the broker, within bounds: by itself Celery would try for ever.

    Raises:
        kombu.exceptions.OperationalError: the broker is away.
    """
    options = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}
    options |= {"socket_connect_timeout": REACH, "socket_timeout": REACH}
    with app.connection_for_write(transport_options=options, connect_timeout=REACH) as connection:
        connection.ensure_connection(
            max_retries=1, interval_start=0, interval_step=0.1, interval_max=0.1, timeout=REACH
        )
        yield connection


def has_backend(app: Any) -> bool:
    """The app keeps results."""
    return not isinstance(app.backend, DisabledBackend)


def remembers(app: Any) -> bool:
    """The app's result backend can tell later, and after our restart, that a task was sent."""
    return has_backend(app) and not isinstance(app.backend, RPCBackend)


class Source(Protocol):
    """Tells of one task, in one thread, while it is entered."""

    def __enter__(self) -> Self:
        """Open what is needed; before the task is handed over."""

    def __exit__(self, *_: object) -> None:
        """Close it."""

    def recalls(self) -> bool:
        """Whether the task has been handed over before, in an earlier life of the agent."""

    def announce(self) -> None:
        """Note that it will be handed over now."""

    def listen(self, until: threading.Event) -> Iterator[News]:
        """Give what is new, after a short while, or at once when `until` is set."""


class Retries:
    """Counts the retries of one task. `most` is the task's `max_retries`, if that is known."""

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._seen = 0

    def name(self, number: int | None = None) -> str:
        """Name retry `number`; by default the next one that has not been seen yet."""
        self._seen = self._seen + 1 if number is None else number
        return f"retry {self._seen}" + (f" of {self._most}" if self._most is not None else "")


class BackendSource:
    """Looks into the result backend again and again."""

    def __init__(self, app: Any, task_id: str, max_retries: int | None) -> None:
        self._app = app
        self._id = task_id
        self._retries = Retries(max_retries)
        self._status = ""
        self._pause = QUICKEST
        self._news = WAITS
        self._backend: Any = None

    def __enter__(self) -> Self:
        """Get this thread's backend."""
        self._backend = self._app.backend
        return self

    def __exit__(self, *_: object) -> None:
        """Close what sending opened in this thread."""
        consumer = getattr(self._backend, "result_consumer", None)
        if consumer is not None and not getattr(self._backend, "thread_safe", False):
            with contextlib.suppress(Exception):
                consumer.stop()

    def recalls(self) -> bool:
        """Whether the backend knows the task."""
        return remembers(self._app) and is_known(self._backend.get_task_meta(self._id))

    def announce(self) -> None:
        """Note it as pending; the state that Celery gives to what it does not know, too."""
        if remembers(self._app):
            self._backend.store_result(self._id, {"handed_over": True}, states.PENDING)

    def listen(self, until: threading.Event) -> Iterator[News]:
        """Look after a pause, which grows."""
        if until.wait(self._pause):
            return
        self._pause = min(1.2 * self._pause, SLOWEST)
        meta = self._backend.get_task_meta(self._id)
        if remembers(self._app) and not is_known(meta):
            yield News(Stage.LOST)
            return
        news = self._read(meta)
        if news != self._news:
            self._news = news
            self._pause = QUICKEST
            yield news

    def _read(self, meta: Any) -> News:
        status, before = meta["status"], self._status
        self._status = status
        if status != states.RETRY:
            return from_backend(meta, "")
        if isinstance(meta.get("retries"), int):  # with result_extended
            return from_backend(meta, self._retries.name(meta["retries"] + 1))
        return from_backend(meta, self._retries.name()) if before != status else self._news


class EventSource:
    """Listens to the workers' events; asks the workers to send them."""

    def __init__(self, app: Any, task_id: str, max_retries: int | None) -> None:
        self._app = app
        self._id = task_id
        self._retries = Retries(max_retries)
        self._heard: list[News] = []
        self._open = contextlib.ExitStack()
        self._connection: Any = None
        self._receiver: Any = None

    def __enter__(self) -> Self:
        """Subscribe, so that nothing is missed of what comes after."""
        with contextlib.ExitStack() as stack:
            self._connection = stack.enter_context(reached(self._app))
            self._receiver = self._app.events.Receiver(self._connection)
            consumer = self._connection.Consumer(
                queues=[self._receiver.queue],
                callbacks=[self._receive],
                no_ack=True,
                accept=self._receiver.accept,
            )
            stack.enter_context(consumer)
            # a task that is taken before its worker has heard this would run without a word
            self._app.control.enable_events(
                connection=self._connection, reply=True, limit=1, timeout=ENABLED
            )
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Unsubscribe."""
        self._open.close()

    def recalls(self) -> bool:
        """Nothing is remembered."""
        return False

    def announce(self) -> None:
        """Nothing is remembered."""

    def listen(self, until: threading.Event) -> Iterator[News]:
        """Wait for events."""
        if until.is_set():
            return
        with contextlib.suppress(TimeoutError):
            self._connection.drain_events(timeout=EVENT_SLICE)
        heard, self._heard = self._heard, []
        yield from heard

    def _receive(self, body: Any, _message: Any) -> None:
        for one in body if isinstance(body, list) else [body]:
            _, event = self._receiver.event_from_message(one)
            if event.get("uuid") == self._id:
                retried = event["type"] == "task-retried"
                news = from_event(event, self._retries.name() if retried else "")
                if news != WAITS:
                    self._heard.append(news)
