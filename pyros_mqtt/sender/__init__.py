"""Anyone's voice: `send_to` -> `Receipt`; repeats until answered or expired."""

from pyros_mqtt.sender.desk import SpoolDesk, spool_path
from pyros_mqtt.sender.receipt import Receipt
from pyros_mqtt.sender.sender import Sender
from pyros_mqtt.sender.voice import Voice

__all__ = ["Receipt", "Sender", "SpoolDesk", "Voice", "spool_path"]
