"""What an old sender has written -> a command of ours."""

from __future__ import annotations

import time

from pyros_mqtt import wire
from pyros_mqtt.messages import Command
from pyros_mqtt.sender.sender import compose


def command_of(raw: bytes, agent: str, sender: str, ttl: float) -> Command | None:
    """Read one message as an inbox would, and make a command of it in the sender's name.

    `ttl` is seconds; a shorter one in the message itself counts. Nothing in it: None.

    Raises:
        Refusal: it cannot be read; the text says where.
    """
    arrived = time.time()
    read = wire.decode_command(raw, agent, arrived=arrived, max_payload=len(raw))
    if read is None:
        return None
    if read.deadline is not None:
        ttl = min(ttl, max(0.0, read.deadline - arrived))
    return compose(agent, read.message, sender, args=read.args, ttl=ttl, urgent=read.urgent)
