"""The table message -> action: what a message calls, with which arguments, under which rules.

`@on` and `@every` only mark methods; an agent binds the marked ones into its own table. What
classic code assigns to `actions_by_message` lands in the same table and overrides a mark.
"""

from pyros_mqtt.dispatch.action import Action, adapted, refuse_unless_ordinary
from pyros_mqtt.dispatch.finding import marked_actions, marked_chores, marked_names
from pyros_mqtt.dispatch.marks import PATIENCE, Chore, Mark, Rules, every, on
from pyros_mqtt.dispatch.results import plain
from pyros_mqtt.dispatch.table import ActionTable

__all__ = [
    "PATIENCE",
    "Action",
    "ActionTable",
    "Chore",
    "Mark",
    "Rules",
    "adapted",
    "every",
    "marked_actions",
    "marked_chores",
    "marked_names",
    "on",
    "plain",
    "refuse_unless_ordinary",
]
