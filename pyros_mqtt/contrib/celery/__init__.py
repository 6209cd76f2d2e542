"""Agents and Celery: actions that are tasks, tasks that send, workers that show themselves.

Importing it makes Celery's tasks known to `@on(..., task=...)` and to `actions_by_message`, and
lets the processes of a worker close their default `Sender` when they end.
"""

from pyros_mqtt.contrib.celery.action import task_action
from pyros_mqtt.contrib.celery.sending import close_sender
from pyros_mqtt.contrib.celery.task import TaskAction
from pyros_mqtt.contrib.celery.worker import WorkerAgent, worker_agent

__all__ = ["TaskAction", "WorkerAgent", "close_sender", "task_action", "worker_agent"]
