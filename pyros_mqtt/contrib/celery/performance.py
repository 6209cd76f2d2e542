"""One message's task in one agent: what the agent's thread does while a worker does the work."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pyros_mqtt.contrib.celery.errand import Errand, Order
from pyros_mqtt.contrib.celery.news import News, Stage
from pyros_mqtt.contrib.celery.sources import has_backend
from pyros_mqtt.contrib.celery.task import TaskAction
from pyros_mqtt.dispatch import PATIENCE, plain
from pyros_mqtt.errors import ActionFailed, AgentError, Cancelled
from pyros_mqtt.messages import JSON, Command

if TYPE_CHECKING:
    from pyros_mqtt.agent import Agent

SLICE = 0.05
"""Seconds between two checkpoints of the agent while it waits for a task."""

LATE = 3.0
"""Seconds after its deadline in which a task that was started just in time can show it."""


class Performance:
    """A task's action in one agent; called in the agent's thread (the urgent one if urgent)."""

    def __init__(self, action: TaskAction, agent: Agent, then: Callable[..., Any] | None) -> None:
        self._action = action
        self._agent = agent
        self._then = then
        self._own_times = action.own_times()
        self.__signature__ = action.signature()
        self.__doc__ = inspect.getdoc(action.task.run) if action.task is not None else ""

    def __call__(self, **arguments: Any) -> JSON:
        """Hand the task over, wait for its end at checkpoints, and return its result.

        Raises:
            ActionFailed: the task failed, was not started in time, or Celery is away.
            Cancelled: the command was cancelled, or the task revoked.
        """
        command = self._agent.command
        if command is None:
            raise AgentError(f"the task {self._action.name} is run by a message only")
        order = self._order(command, arguments)
        errand = Errand(order, follow=self._action.wait)
        self._agent.thread(errand.run, name=f"task {order.id}")
        try:
            result = self._accompany(errand, order)
        finally:
            errand.abandon()
        return self._followed_up(result)

    def _order(self, command: Command, arguments: dict[str, Any]) -> Order:
        action = self._action
        given = {name: value for name, value in arguments.items() if name in command.args}
        times = {name: given.pop(name, None) for name in self._own_times}
        countdown, eta = times.get("countdown"), times.get("eta")
        if countdown is not None and eta is not None:
            raise ActionFailed("countdown and eta exclude each other", "bad-arguments")
        if countdown is None and eta is None:
            countdown, eta = action.countdown, action.eta() if callable(action.eta) else action.eta
        return Order(
            action.app,
            self._send,
            task_id(command),
            {name: plain(value) for name, value in given.items()},
            countdown,
            eta,
            self._expiry(command, countdown, eta),
            None if action.task is None else action.task.max_retries,
            action.options,
            action.terminate,
            action.signal,
        )

    def _send(self, **how: Any) -> Any:
        if self._action.task is not None:
            return self._action.task.apply_async(**how)
        return self._action.app.send_task(self._action.name, **how)

    def _expiry(
        self, command: Command, countdown: float | None, eta: datetime | None
    ) -> datetime | None:
        """Until when workers may start it, counted from its eta if it has one."""
        now, within = time.time(), self._action.within
        last = command.deadline if within is None else now + within
        if last is None or last == float("inf"):
            return None
        later = countdown or 0.0 if eta is None else max(0.0, eta.timestamp() - now)
        return datetime.fromtimestamp(last, UTC) + timedelta(seconds=later)

    def _accompany(self, errand: Errand, order: Order) -> Any:
        agent, about = self._agent, f"celery {self._action.name}"
        began, started, trouble = time.monotonic(), False, ""
        while True:
            for news in errand.wait(SLICE):
                agent.recover(about)
                if news.stage.is_end:
                    return _ended(news)
                started = True
                # with a patience it is told even where reports of progress come thick
                told = PATIENCE if news.stage is Stage.RETRIES else None
                agent.progress(news.fraction, news.text, patience=told)
            agent.checkpoint()
            if errand.trouble != trouble:
                trouble = errand.trouble
                agent.degrade(trouble, about) if trouble else agent.recover(about)
            waited = time.monotonic() - began
            if not errand.is_handed_over and waited > self._action.patience:
                why = trouble or f"Celery's broker has not answered for {waited:.0f} s"
                agent.degrade(why, about)
                raise ActionFailed(f"the task was not handed over: {why}")
            if not started and not trouble and _is_late(order):
                if self._shows_starts():
                    raise _too_late()
                agent.degrade(f"no worker has said anything about the task {order.id}", about)

    def _shows_starts(self) -> bool:
        """Whether silence means that no worker has begun: a busy solo worker's events are late."""
        task, app = self._action.task, self._action.app
        tracks = app.conf.task_track_started if task is None else task.track_started
        return bool(tracks) and has_backend(app)

    def _followed_up(self, result: Any) -> Any:
        if self._then is None:
            return result
        wants_it = len(inspect.signature(self._then).parameters) > 0
        own = self._then(result) if wants_it else self._then()
        return result if own is None else own


def task_id(command: Command) -> str:
    """The id of a command's task: the same for a repeated command, and for no other one."""
    return ".".join([command.agent, command.sender, quote(command.id, safe="")])


def _is_late(order: Order) -> bool:
    """No worker may start it any more."""
    return order.expires is not None and time.time() > order.expires.timestamp() + LATE


def _ended(news: News) -> Any:
    match news.stage:
        case Stage.DONE:
            return news.result
        case Stage.REVOKED:
            raise Cancelled(news.text)
        case Stage.EXPIRED:
            raise _too_late()
    raise ActionFailed(news.text)


def _too_late() -> ActionFailed:
    return ActionFailed("no worker could start the task before its deadline", "timeout")
