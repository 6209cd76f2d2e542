"""A recorded night as one page for people."""

from pyros_mqtt.nightly.night import Night, look_at
from pyros_mqtt.nightly.page import page

__all__ = ["Night", "look_at", "page"]
