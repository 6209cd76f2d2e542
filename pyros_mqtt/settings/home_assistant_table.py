"""`[home_assistant]` of pyros.toml: which measurements Home Assistant is told of."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from pyros_mqtt.topics import check_name

_ENTRY = re.compile(r"([a-z0-9][a-z0-9_-]{0,62})/([a-z0-9][a-z0-9_-]{0,62})(?:\.([^\s./+#]+))?")


def _entry(value: str) -> str:
    if not _ENTRY.fullmatch(value):
        raise ValueError("must be 'agent/channel' or 'agent/channel.field'")
    return value


def _prefix(value: str) -> str:
    for level in value.split("/"):
        check_name("level of a topic", level)
    return value


class HomeAssistantTable(BaseModel):
    """`[home_assistant]`: the measurements that are to be seen there.

    `channels` are written `agent/channel`, which means all of its fields, or
    `agent/channel.field`; `prefix` is where Home Assistant looks for discovery documents.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    channels: tuple[Annotated[str, AfterValidator(_entry)], ...] = ()
    prefix: Annotated[str, AfterValidator(_prefix)] = "homeassistant"

    @property
    def sources(self) -> tuple[tuple[str, str, str], ...]:
        """Agent, channel and field of each entry; an empty field means all."""
        found = [match.groups("") for one in self.channels if (match := _ENTRY.fullmatch(one))]
        return tuple(dict.fromkeys((agent, channel, field) for agent, channel, field in found))
