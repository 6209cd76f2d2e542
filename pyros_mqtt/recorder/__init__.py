"""Topics -> archive: an agent that writes down what passes on the bus."""

from pyros_mqtt.recorder.recorder import Recorder

__all__ = ["Recorder"]
