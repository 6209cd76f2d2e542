"""`TaskAction`: a Celery task, and how it is run for a message."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, Field

from pyros_mqtt.errors import AgentError

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
