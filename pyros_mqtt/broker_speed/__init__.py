"""How fast a broker is from here, and what limits it.

`trial` sends messages to itself, `speed` holds what came out, `words` says what it means.
"""

from pyros_mqtt.broker_speed.speed import Rate, Speed
from pyros_mqtt.broker_speed.trial import Trial, TrialFailed
from pyros_mqtt.broker_speed.words import limits

__all__ = ["Rate", "Speed", "Trial", "TrialFailed", "limits"]
