"""Whether this machine can go over to the version that is installed here; it changes nothing."""

from pyros_mqtt.upgrade.files import StateFile, files_of
from pyros_mqtt.upgrade.neighbours import Neighbour, neighbours_of

__all__ = ["Neighbour", "StateFile", "files_of", "neighbours_of"]
