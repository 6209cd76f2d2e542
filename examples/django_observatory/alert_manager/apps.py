"""The application and its agent."""

from pyros_mqtt.contrib.django import AgentAppConfig


class AlertManagerConfig(AgentAppConfig):
    """Starts the agent, once, when the project is served."""

    name = "alert_manager"
    agent = "alert_manager.agent.AlertManagerAgent"
