"""Network thread -> classify -> journal -> queues by urgency (protocol section 4)."""

from pyros_mqtt.inbox.admission import Limits
from pyros_mqtt.inbox.inbox import NOT_READY, Inbox
from pyros_mqtt.inbox.ticket import Ticket

__all__ = ["NOT_READY", "Inbox", "Limits", "Ticket"]
