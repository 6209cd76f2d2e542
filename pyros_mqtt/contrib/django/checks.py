"""What `manage.py check` says of the agents, and before it of the settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as Caution

from pyros_mqtt.contrib.django import joining
from pyros_mqtt.contrib.django.agent_app import AgentAppConfig
from pyros_mqtt.settings import Settings

TAG = "pyros"


def register_all() -> None:
    """Have them run with Django's own; `manage.py check --tag pyros` runs these alone."""
    register(check_settings, TAG)
    register(check_agents, TAG)


def check_settings(**_: Any) -> list[CheckMessage]:
    """Check `PYROS`, and every other place that settings come from."""
    given = getattr(settings, joining.KEY, None)
    if given is not None and not joining.is_table(given):
        kind = type(given).__name__
        return [Error(f"{joining.KEY} has to be a dict, and is a {kind}", id="pyros.E001")]
    wrong = Settings.check()
    if wrong:
        return [Error(line, id="pyros.E002") for line in wrong]
    if Settings().brokers:
        return []
    hint = 'For example PYROS = {"brokers": "mqtt://localhost:1883"}, or PYROS_BROKERS.'
    return [Caution("No MQTT broker is configured: agents cannot start", hint, id="pyros.W001")]


def check_agents(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Check that the agent of each application can be found."""
    chosen = apps.get_app_configs() if app_configs is None else app_configs
    return [
        problem for one in chosen if isinstance(one, AgentAppConfig) for problem in _problems(one)
    ]


def _problems(config: AgentAppConfig) -> Iterator[CheckMessage]:
    if not isinstance(getattr(config, "agent", None), str):
        text = 'it says no agent; give it agent = "alert_manager.agent.AlertManagerAgent"'
        yield Error(text, obj=config, id="pyros.E003")
        return
    try:
        config.agent_class()
    except TypeError as error:
        yield Error(str(error), obj=config, id="pyros.E004")
    except Exception as error:  # noqa: BLE001 - a module can raise anything while it is imported
        what = f"{type(error).__name__}: {error}"
        text = f"the agent {config.agent!r} cannot be imported: {what}"
        yield Error(text, obj=config, id="pyros.E005")
