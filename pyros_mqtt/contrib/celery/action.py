"""`task_action`: an agent's action whose work a Celery task does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from celery import Task

from pyros_mqtt.contrib.celery.performance import Performance
from pyros_mqtt.contrib.celery.sources import has_backend, remembers
from pyros_mqtt.contrib.celery.task import TaskAction
from pyros_mqtt.dispatch import Action, adapted
from pyros_mqtt.errors import AgentError

log = logging.getLogger(__name__)


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
