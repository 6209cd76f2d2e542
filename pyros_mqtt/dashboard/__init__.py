"""Fleet, traffic and measurements as a web page; it shows agents and never imports `agent`."""

from pyros_mqtt.dashboard.authority import Authority, Person, ReadOnly, SharedToken
from pyros_mqtt.dashboard.history import History, MemoryHistory
from pyros_mqtt.dashboard.server import Dashboard

__all__ = [
    "Authority",
    "Dashboard",
    "History",
    "MemoryHistory",
    "Person",
    "ReadOnly",
    "SharedToken",
]
