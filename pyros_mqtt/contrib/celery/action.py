"""`task_action`: an agent's action whose work a Celery task does."""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from celery import Task
from pydantic import AwareDatetime, Field

from pyros_mqtt.contrib.celery.errand import Errand, Order
from pyros_mqtt.contrib.celery.news import News, Stage
from pyros_mqtt.contrib.celery.sources import has_backend, remembers
from pyros_mqtt.dispatch import PATIENCE, Action, adapted, plain
from pyros_mqtt.errors import ActionFailed, AgentError, Cancelled
from pyros_mqtt.messages import JSON, Command

if TYPE_CHECKING:
    from pyros_mqtt.agent import Agent

log = logging.getLogger(__name__)

SLICE = 0.05
"""Seconds between two checkpoints of the agent while it waits for a task."""

LATE = 3.0
"""Seconds after its deadline in which a task that was started just in time can show it."""

_TIMES = {
    "countdown": Annotated[float | None, Field(ge=0, description="seconds until it starts")],
    "eta": Annotated[AwareDatetime | None, Field(description="when it starts")],
}


@dataclass(frozen=True)
class TaskAction:
    """A Celery task as the action of a message; made by `task_action`."""

    app: Any
    name: str
    task: Any
    countdown: float | None
    eta: datetime | Callable[[], datetime] | None
    within: float | None
    terminate: bool
    signal: str
    wait: bool
    patience: float
    options: dict[str, Any] = field(default_factory=dict)

    def __call__(self, **_: Any) -> None:
        """Say that it needs an agent.

        Raises:
            AgentError: always.
        """
        raise AgentError(f"the task {self.name} is run by an agent that it was given to")

    def signature(self) -> inspect.Signature:
        """The task's own arguments, and `countdown` and `eta` where it has none of that name."""
        if self.task is None:
            named = [inspect.Parameter("arguments", inspect.Parameter.VAR_KEYWORD)]
        else:
            named = list(inspect.signature(self.task.run, eval_str=True).parameters.values())
        loose = [one for one in named if one.kind is one.VAR_KEYWORD]
        timing = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
            for name, kind in _TIMES.items()
            if name not in {one.name for one in named}
        ]
        kept = [one for one in named if one not in loose]
        return inspect.Signature([*kept, *timing, *loose])

    def own_times(self) -> set[str]:
        """Which of `countdown` and `eta` are for Celery, not for the task."""
        own = set() if self.task is None else set(inspect.signature(self.task.run).parameters)
        return set(_TIMES) - own


def task_action(  # noqa: PLR0913 - what Celery lets one choose
    app_or_task: Any,
    name: str | None = None,
    /,
    *,
    countdown: float | None = None,
    eta: datetime | Callable[[], datetime] | None = None,
    within: float | None = None,
    terminate: bool = True,
    signal: str = "SIGTERM",
    wait: bool = True,
    patience: float = 5.0,
    **options: Any,
) -> TaskAction:
    """Make an action of a Celery task: `task_action(app, "reduce.image")`, `task_action(task)`.

    Give it to `self.actions_by_message[MESSAGE]`, or to `@on(MESSAGE, task=...)`. The message's
    arguments become the task's, by name. A task that this process knows only by name declares
    none, so any are taken.

    Args:
        app_or_task: the Celery app, or the task itself.
        name: the task's name, with an app.
        countdown: seconds until it starts; a sender may give another.
        eta: when it starts, aware; or what tells that for each command.
        within: seconds from the hand-over (or from `eta`) in which a worker may start it, retries
            too; by default until the command's own deadline. `math.inf` is for ever.
        terminate: a command that is cancelled ends its task even in the middle; otherwise only a
            task that waits is taken back.
        signal: ends the task's process then.
        wait: the command runs until the task has ended; otherwise it is done as soon as Celery
            has the task, with the result `{"task": id}`.
        patience: seconds for which an absent broker is waited for before the command fails.
        **options: further ones of `apply_async`, such as `queue` and `priority`.

    Raises:
        AgentError: neither a task, nor an app and a name.
    """
    if name is None:
        if not isinstance(app_or_task, Task):
            raise AgentError(f"task_action wants a task, or an app and a name: {app_or_task!r}")
        app, task, name = app_or_task.app, app_or_task, app_or_task.name
    else:
        app, task = app_or_task, app_or_task.tasks.get(name)
    return TaskAction(
        app, name, task, countdown, eta, within, terminate, signal, wait, patience, options
    )


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


@adapted.register
def _(call: TaskAction, action: Action, agent: Any) -> Action:
    if not has_backend(call.app):
        log.info("%s: no result backend, so the workers' events have to do", call.name)
    rules = replace(
        action.rules,
        elsewhere=True,
        # the task's id makes sure that it is not started twice
        idempotent=action.rules.idempotent or (call.wait and remembers(call.app)),
    )
    return replace(action, call=Performance(call, agent, action.then), rules=rules)


@adapted.register(Task)
def _(call: Any, action: Action, agent: Any) -> Action:
    return adapted(task_action(call), action, agent)
