"""The old TCP sockets <-> inboxes, for an observatory that moves over one machine at a time."""

from pyros_mqtt.gateway.gateway import Gateway
from pyros_mqtt.gateway.proxy import Proxy

__all__ = ["Gateway", "Proxy"]
