"""What a role may do; those that every observatory has, and the shape of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pyros_mqtt.topics import check_name

EVERYONE = "*"
"""In place of an agent's name: each of them."""

EVERYTHING = "*"
"""In place of a message: all that the agent understands."""


def _agent(value: str) -> str:
    return value if value == EVERYONE else check_name("agent", value)


Commands = dict[
    Annotated[str, AfterValidator(_agent)], Annotated[tuple[str, ...], Field(min_length=1)]
]
"""The messages that may be sent, by the agent that they go to; `*` stands for all of either."""


class Role(BaseModel):
    """What those who have it may do.

    Attributes:
        lives: it is an agent of its own name: reads its inbox, publishes status, measurements,
            alarms, logs and reports.
        views: it may see everyone's status, measurements, alarms, logs and reports.
        commands: to whom it may send what.
        keeps_house: it may take away what is retained under others' names, such as the status of
            an agent that there is no more, and try how fast the broker is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lives: bool = False
    views: bool = False
    commands: Commands = Field(default_factory=dict)
    keeps_house: bool = False

    def allows(self, agent: str, message: str) -> bool:
        """Say whether `message` may be sent to `agent`."""
        return allows(self.commands, agent, message)


def allows(commands: Mapping[str, tuple[str, ...]], agent: str, message: str) -> bool:
    """Say whether `commands` has this message to this agent."""
    taken = (*commands.get(agent, ()), *commands.get(EVERYONE, ()))
    return message in taken or EVERYTHING in taken


_ALL: Commands = {EVERYONE: (EVERYTHING,)}

BUILT_IN: Mapping[str, Role] = {
    "viewer": Role(views=True),
    "operator": Role(views=True, commands=_ALL),
    "agent": Role(lives=True, views=True),
    "scheduler": Role(lives=True, views=True, commands=_ALL),
    "engineer": Role(views=True, commands=_ALL, keeps_house=True),
    "bridge": Role(),
}
"""The roles that need no definition. An observatory's file may define others besides.

A bridge may do nothing but what is listed for it: each line between two sites is another."""
