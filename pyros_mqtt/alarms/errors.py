"""What can be wrong with a question to the engine, or with a night that is to be judged."""

from __future__ import annotations

from pyros_mqtt.errors import PyrosError


class NoSuchAlarm(PyrosError):
    """There is no rule of this name, or nothing in it to do what was asked.

    Attributes:
        name: what was given.
    """

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"alarm {name!r}: {text}")
        self.name = name


class NightUnreadable(PyrosError):
    """A recorded night cannot be read; names the line."""
