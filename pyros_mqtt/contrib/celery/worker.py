"""A Celery worker that shows itself as an agent: status, beat, current tasks and their progress.

The agent lives in the worker's main process, from Celery's signal `worker_ready` to
`worker_shutdown`; the processes of a prefork pool know nothing of it.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from dataclasses import dataclass
from typing import Any

from celery import states
from celery.signals import worker_ready, worker_shutdown, worker_shutting_down
from celery.worker import state as worker_state

from pyros_mqtt.agent import Agent
from pyros_mqtt.contrib.celery.news import News, from_backend
from pyros_mqtt.contrib.celery.sources import has_backend, reached
from pyros_mqtt.dispatch import on
from pyros_mqtt.messages import JSON, Channel, Progress, Task

log = logging.getLogger(__name__)

LOOK = 0.25
"""Seconds between two looks at what the worker does."""

FAREWELL = 10.0
"""Most seconds that the end of the worker waits for its agent."""


@dataclass(frozen=True, slots=True)
class _Running:
    """One task that the worker has started; `since` is POSIX seconds."""

    id: str
    name: str
    since: float
    news: News | None

    def __str__(self) -> str:
        done = self.news
        if done is None or (done.fraction is None and not done.text):
            return self.name
        share = "" if done.fraction is None else f" {done.fraction:.0%}"
        return f"{self.name}{share}" + (f" ({done.text})" if done.text else "")


class WorkerAgent(Agent):
    """A Celery worker: which tasks it runs, and how far they are."""

    channels = (
        Channel(
            "tasks",
            description="tasks that run, that wait in this worker, and all since its start",
            fields=("active", "waiting", "total"),
            retain=True,
        ),
    )

    def __init__(self, app: Any, name: str, hostname: str, **options: Any) -> None:
        super().__init__(name, **options)
        self._app = app
        self._hostname = hostname
        self._finished = threading.Event()
        self._shown: list[_Running] | None = None
        self._counts: dict[str, int] | None = None
        self.is_leaving = False
        """The worker has been told to end; set from a signal handler, so no more than this."""

    def work(self) -> None:
        """Begin to look at the worker."""
        self.thread(self._watch)

    def shutdown(self) -> None:
        """Stay, as `stopping`, while a worker that is told to end finishes its tasks."""
        while self._must_stay():
            self.sleep(0.1)
        self._finished.set()

    def _must_stay(self) -> bool:
        ends = self.is_leaving and not self._finished.is_set()
        return ends and threading.main_thread().is_alive()

    def leave(self) -> None:
        """End, because the worker has ended. Blocks for `FAREWELL` seconds at most."""
        self._finished.set()
        self.stop()
        if not self.join(FAREWELL):
            self.log.warning("the agent of the worker %s has not ended", self._hostname)

    @on("shutdown")
    def end_worker(self) -> None:
        """End the worker after the tasks that run now: a warm shutdown."""
        self.is_leaving = True
        worker_state.should_stop = 0

    @on("tasks", urgent=True)
    def tasks(self) -> list[JSON]:
        """Tell the tasks that run now, with their progress."""
        return [
            {
                "id": one.id,
                "name": one.name,
                "since": one.since,
                "fraction": one.news.fraction if one.news else None,
                "text": one.news.text if one.news else "",
            }
            for one in self._shown or []
        ]

    @on("revoke", urgent=True)
    def revoke(self, id: str, terminate: bool = False) -> JSON:  # noqa: A002, FBT001, FBT002 - a message's arguments
        """Take a task back; one that runs is ended only with `terminate`."""
        with reached(self._app) as connection:
            return self._app.control.revoke(
                id,
                terminate=terminate,
                destination=[self._hostname],
                connection=connection,
                reply=True,
                timeout=1.0,
                limit=1,
            )

    # -- the thread that looks ----------------------------------------------------------------

    def _watch(self) -> None:
        while not self._finished.wait(LOOK):
            self._show([self._seen(request) for request in _current()])
            if self.is_leaving or not threading.main_thread().is_alive():
                self.stop()

    def _seen(self, request: Any) -> _Running:
        known = next((one for one in self._shown or [] if one.id == request.id), None)
        since = known.since if known else time.time()
        return _Running(request.id, request.name, since, self._progress(request.id))

    def _progress(self, task_id: str) -> News | None:
        if not has_backend(self._app):
            return None
        try:
            meta = self._app.backend.get_task_meta(task_id)
        except Exception as error:  # noqa: BLE001 - any kind of backend
            self.degrade(f"Celery's result backend is away: {error}", "celery backend")
            return None
        self.recover("celery backend")
        ours = meta["status"] not in states.ALL_STATES
        return from_backend(meta, "") if ours else None

    def _show(self, running: list[_Running]) -> None:
        counts = {
            "active": len(running),
            "waiting": _waiting(),
            "total": int(worker_state.all_total_count[0]),
        }
        if counts != self._counts:
            self._counts = counts
            self.telemetry("tasks", counts)
        if running == self._shown:
            return
        changed = [one.id for one in running] != [one.id for one in self._shown or []]
        self._shown = running
        condition, now = self._alive.condition, time.monotonic()
        if not running:
            condition.end(now)
            return
        if changed:
            names = ", ".join(one.name for one in running)
            first = running[0]
            condition.begin(Task(names, first.id, "celery", first.since), float("inf"), now)
        condition.advance(_together(running), now)


def worker_agent(app: Any, name: str | None = None, **options: Any) -> None:
    """Let the workers of an app show themselves as agents; call it where the app is made.

    Elsewhere than in a worker it does nothing.

    Args:
        app: the Celery app.
        name: the agent's; by default the worker's node name, `celery@host` as `celery-host`.
            Workers that run at once need different names.
        **options: of the agent, such as `settings`.
    """
    here: list[WorkerAgent] = []

    def begin(sender: Any, **_: Any) -> None:
        try:
            hostname = str(sender.hostname)
            agent = WorkerAgent(app, name or _name_of(hostname), hostname, **options)
            agent.start()
        except Exception:
            log.exception("this worker does not show itself as an agent")
            return
        here.append(agent)

    def leaving(**_: Any) -> None:
        for agent in here:
            agent.is_leaving = True

    def end(**_: Any) -> None:
        while here:
            try:
                here.pop().leave()
            except Exception:
                log.exception("the worker's agent had ended before")

    worker_ready.connect(begin, weak=False)
    worker_shutting_down.connect(leaving, weak=False)
    worker_shutdown.connect(end, weak=False)


def _name_of(hostname: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", hostname.lower()).strip("-_")[:63] or "worker"


def _current() -> list[Any]:
    """Requests that run in this worker, oldest first."""
    try:
        running = list(worker_state.active_requests)
    except RuntimeError:  # it grew meanwhile
        return _current()
    return sorted(running, key=lambda request: (request.time_start or 0.0, request.id))


def _waiting() -> int:
    """How many tasks this worker has taken and not begun, those for later among them."""
    scheduled = getattr(worker_state, "scheduled_requests", ())  # since Celery 5.7
    taken = len(worker_state.reserved_requests) + len(scheduled)
    return max(0, taken - len(worker_state.active_requests))


def _together(running: list[_Running]) -> Progress:
    if len(running) == 1:
        news = running[0].news
        return Progress(news.fraction, news.text) if news else Progress()
    return Progress(None, ", ".join(str(one) for one in running))
