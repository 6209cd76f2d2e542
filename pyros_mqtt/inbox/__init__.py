"""Network thread -> classify -> journal -> queues by urgency (protocol section 4)."""

from pyros_mqtt.inbox.admission import Limits
from pyros_mqtt.inbox.inbox import Inbox
from pyros_mqtt.inbox.ticket import Ticket

__all__ = ["Inbox", "Limits", "Ticket"]
