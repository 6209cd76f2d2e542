"""Which machine of the observatory runs what, from its one file; pure."""

from pyros_mqtt.deployment.agents import every_table, is_same_host, tables_here
from pyros_mqtt.deployment.plan import Machine, Plan, Unplaced, plan

__all__ = [
    "Machine",
    "Plan",
    "Unplaced",
    "every_table",
    "is_same_host",
    "plan",
    "tables_here",
]
