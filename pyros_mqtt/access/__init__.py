"""Who may do what in an observatory, in one readable file."""

from __future__ import annotations

from pyros_mqtt.access.register import Identity, Register
from pyros_mqtt.access.roles import BUILT_IN, EVERYONE, EVERYTHING, Role

__all__ = ["BUILT_IN", "EVERYONE", "EVERYTHING", "Identity", "Register", "Role"]
