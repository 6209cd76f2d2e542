"""The only reader of environment and files: what a user can set, and where each value is from."""

from pyros_mqtt.settings.alarms_table import AlarmRule, AlarmsTable
from pyros_mqtt.settings.broker_url import BrokerUrl
from pyros_mqtt.settings.gateway_table import GatewayTable, OldSocket
from pyros_mqtt.settings.home_assistant_table import HomeAssistantTable
from pyros_mqtt.settings.layers import TABLES
from pyros_mqtt.settings.legacy_ini import LegacyAgent
from pyros_mqtt.settings.machines_table import MachineTable
from pyros_mqtt.settings.model import AgentTable, Origin, Settings
from pyros_mqtt.settings.service import VARIABLES as SERVICE_VARIABLES
from pyros_mqtt.settings.service import Service

__all__ = [
    "SERVICE_VARIABLES",
    "TABLES",
    "AgentTable",
    "AlarmRule",
    "AlarmsTable",
    "BrokerUrl",
    "GatewayTable",
    "HomeAssistantTable",
    "LegacyAgent",
    "MachineTable",
    "OldSocket",
    "Origin",
    "Service",
    "Settings",
]
