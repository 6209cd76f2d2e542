"""Agents in a Django project: started once, with its settings, its log and its database.

    INSTALLED_APPS = [..., "pyros_mqtt.contrib.django", "alert_manager"]
    PYROS = {"brokers": "mqtt://broker.example"}

The guide is docs/how-to/django.md.
"""

from pyros_mqtt.contrib.django.agent_app import AgentAppConfig

__all__ = ["AgentAppConfig"]
