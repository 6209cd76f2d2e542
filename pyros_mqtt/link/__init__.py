"""The one door to MQTT: connect, fail over, window, batches, last will.

Only `connection` knows paho; it drives one paho client over one TCP connection and is thrown away
with it, so that nothing of a broken connection leaks into the next one.
"""

from pyros_mqtt.link.brokers import Brokers
from pyros_mqtt.link.dialling import UNTRIED
from pyros_mqtt.link.link import Link

__all__ = ["UNTRIED", "Brokers", "Link"]
