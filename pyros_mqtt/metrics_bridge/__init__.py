"""`pyros metrics`: what passes on the bus, as numbers for Prometheus. It only listens."""

from pyros_mqtt.metrics_bridge.bridge import Bridge

__all__ = ["Bridge"]
