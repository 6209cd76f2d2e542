"""A broker for those who have none: the configured one, else mosquitto, else an embedded one."""

from pyros_mqtt.broker.finding import RunningBroker, find_or_start
from pyros_mqtt.broker.kinds import Kind, NoBroker, configuration

__all__ = ["Kind", "NoBroker", "RunningBroker", "configuration", "find_or_start"]
