"""Starts and restarts the agents of one machine from its configuration, a process each."""

from pyros_mqtt.supervisor.construction import build, problems
from pyros_mqtt.supervisor.keeper import Keeper
from pyros_mqtt.supervisor.option_words import from_words
from pyros_mqtt.supervisor.pauses import EXIT_MISCONFIGURED, EXIT_NAME_TAKEN
from pyros_mqtt.supervisor.supervisor import Supervisor

__all__ = [
    "EXIT_MISCONFIGURED",
    "EXIT_NAME_TAKEN",
    "Keeper",
    "Supervisor",
    "build",
    "from_words",
    "problems",
]
