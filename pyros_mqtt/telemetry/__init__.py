"""Samples -> batches -> topics, and a neighbour's samples -> the latest value of a channel.

`declaration` checks what an author declares, `units` its units; `columns` reads what an author
hands over. On its way out a sample passes `deadband` (is it worth a message?), `batch` (with which
others?) and `conveyor` (now, or after the outage?), which keeps count of everything; what has to
wait lies on the `shelf`. `channels` joins them. `follow` and `gaps` are the other end. `host` and
`clock` measure the machine itself.
"""

from pyros_mqtt.telemetry.channels import Channels
from pyros_mqtt.telemetry.conveyor import Room
from pyros_mqtt.telemetry.follow import Follow
from pyros_mqtt.telemetry.gaps import Gaps

__all__ = ["Channels", "Follow", "Gaps", "Room"]
