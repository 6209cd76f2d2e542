"""The application that a project lists in INSTALLED_APPS."""

from __future__ import annotations

from types import ModuleType

from django.apps import AppConfig

from pyros_mqtt.contrib.django import joining


class PyrosConfig(AppConfig):
    """Brings the commands `runagent` and `agents`, the checks and the status page."""

    name = "pyros_mqtt.contrib.django"
    label = "pyros"
    verbose_name = "PyROS"

    def __init__(self, app_name: str, app_module: ModuleType | None) -> None:
        """Join at once: another application's `ready()` may come first, and start an agent."""
        super().__init__(app_name, app_module)
        joining.join()

    def ready(self) -> None:
        """Register the checks."""
        from pyros_mqtt.contrib.django import checks

        checks.register_all()
