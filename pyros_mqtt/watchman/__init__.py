"""The agent that watches the rules of `[alarms]` and calls people."""

from pyros_mqtt.watchman.watchman import Watchman

__all__ = ["Watchman"]
