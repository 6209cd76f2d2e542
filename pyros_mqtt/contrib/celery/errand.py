"""One task on its way: handed over to Celery and followed to its end, in a thread of its own.

Whatever of Celery may block, blocks here and never the agent's thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from celery.result import EagerResult

from pyros_mqtt.contrib.celery.news import News, Stage, from_backend
from pyros_mqtt.contrib.celery.sources import (
    BackendSource,
    EventSource,
    Source,
    has_backend,
    reached,
)
from pyros_mqtt.errors import words_of

log = logging.getLogger(__name__)

AGAIN = 0.5
"""Seconds between two attempts to reach Celery."""

FORGOTTEN = 10.0
"""Seconds after which a task that the result backend has forgotten is given up."""


@dataclass(frozen=True, slots=True)
class Order:
    """A task and how it is to be run; `send` is its `apply_async`, or the app's for its name."""

    app: Any
    send: Callable[..., Any]
    id: str
    kwargs: dict[str, Any]
    countdown: float | None
    eta: datetime | None
    expires: datetime | None
    max_retries: int | None
    options: dict[str, Any]
    terminate: bool
    signal: str


class Errand:
    """Runs an order. `run` is its thread; the rest is for the agent's."""

    def __init__(self, order: Order, *, follow: bool) -> None:
        self._order = order
        self._follow = follow
        self._changed = threading.Condition()
        self._news: list[News] = []
        self._gone = threading.Event()
        self._has_announced = False
        self._lost_since: float | None = None
        self.is_handed_over = False
        """Celery has the task."""
        self.is_ended = False
        """Its last news are there."""
        self.trouble = ""
        """What is wrong with Celery now."""

    def wait(self, timeout: float) -> list[News]:
        """Take what is new; waits `timeout` seconds for it."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._news), timeout)
            news, self._news = self._news, []
        return news

    def abandon(self) -> None:
        """Nobody waits any more: the thread revokes the task and ends. Returns at once."""
        self._gone.set()

    # -- the errand's thread ------------------------------------------------------------------

    def run(self) -> None:
        """Hand the task over and follow it, through outages, until its end or `abandon`."""
        while not self._gone.is_set() and not self.is_ended:
            try:
                self._attempt()
            except Exception as error:  # noqa: BLE001 - any kind of broker and backend
                self._complain(error)
                self._gone.wait(AGAIN)
        if self.is_handed_over and not self.is_ended:
            self._revoke()

    def _attempt(self) -> None:
        with self._source() as source:
            if not self.is_handed_over:
                self._hand_over(source)
            while self._follow and not self._gone.is_set() and not self.is_ended:
                for news in source.listen(self._gone):
                    self._hear(news)
                if self._lost_since is None:
                    self.trouble = ""

    def _source(self) -> Source:
        order = self._order
        kind = BackendSource if has_backend(order.app) else EventSource
        return kind(order.app, order.id, order.max_retries)

    def _hand_over(self, source: Source) -> None:
        is_eager = self._order.app.conf.task_always_eager
        if not is_eager and not self._has_announced and source.recalls():
            log.info("the task %s is on its way already; it is followed", self._order.id)
            self._note_handover()
            return
        with reached(self._order.app) as connection:
            if self._gone.is_set():
                return
            if not is_eager:
                self._has_announced = True  # from here on a note may be our own, and proves nothing
                source.announce()
            self._publish(connection)

    def _publish(self, connection: Any) -> None:
        """Give the task to the broker, once: a second attempt might start it twice."""
        order = self._order
        try:
            sent = order.send(
                kwargs=order.kwargs,
                task_id=order.id,
                countdown=order.countdown,
                eta=order.eta,
                expires=order.expires,
                connection=connection,
                retry=False,
                **order.options,
            )
        except Exception as error:
            log.exception("the task %s could not be handed over", order.id)
            self._tell(News(Stage.FAILED, f"Celery did not take the task: {words_of(error)}"))
            return
        self._note_handover()
        if isinstance(sent, EagerResult):
            self._hear(from_backend({"status": sent.state, "result": sent.result}, ""))

    def _note_handover(self) -> None:
        self.is_handed_over = True
        if not self._follow:
            self._tell(News(Stage.DONE, result={"task": self._order.id}))

    def _hear(self, news: News) -> None:
        if news.stage is not Stage.LOST:
            self._lost_since = None
            self._tell(news)
            return
        now = time.monotonic()
        self._lost_since = self._lost_since or now
        self.trouble = "Celery's result backend has forgotten the task"
        if now - self._lost_since > FORGOTTEN:
            self._tell(News(Stage.FAILED, f"{self.trouble}; what became of it is not known"))

    def _tell(self, news: News) -> None:
        with self._changed:
            self.is_ended = self.is_ended or news.stage.is_end
            self._news.append(news)
            self._changed.notify_all()

    def _complain(self, error: Exception) -> None:
        part = "result backend or broker" if has_backend(self._order.app) else "broker"
        trouble = f"Celery's {part} is away: {words_of(error)}"
        if trouble != self.trouble:
            log.warning("the task %s: %s", self._order.id, trouble)
            self.trouble = trouble

    def _revoke(self) -> None:
        order = self._order
        try:
            with reached(order.app) as connection:
                order.app.control.revoke(
                    order.id, terminate=order.terminate, signal=order.signal, connection=connection
                )
        except Exception as error:  # noqa: BLE001 - any kind of broker
            log.warning("the task %s could not be revoked: %s", order.id, words_of(error))
