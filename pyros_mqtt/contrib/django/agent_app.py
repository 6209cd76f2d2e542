"""`AgentAppConfig`: an application with an agent, which runs once while a server serves."""

from __future__ import annotations

import logging
import os
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

from django.apps import AppConfig
from django.utils.module_loading import import_string

from pyros_mqtt.agent import Agent, hosting
from pyros_mqtt.contrib.django import joining
from pyros_mqtt.contrib.django.keeper import Keeper
from pyros_mqtt.contrib.django.role import Role, is_new_worker, role

if TYPE_CHECKING:
    from pyros_mqtt.settings import Settings

log = logging.getLogger(__name__)


class AgentAppConfig(AppConfig):
    """An application that has an agent.

        class AlertManagerConfig(AgentAppConfig):
            name = "alert_manager"
            agent = "alert_manager.agent.AlertManagerAgent"

    The agent runs in one of the processes that serve the project; the others stand by. It does not
    run in management commands, apart from `runserver` and `runagent`.
    """

    agent: ClassVar[str]
    """Where the agent's class is, as a dotted path."""

    with_server: ClassVar[bool] = True
    """False: only `manage.py runagent` starts the agent."""

    serving_commands: ClassVar[frozenset[str]] = frozenset({"runserver"})
    """Management commands that serve the project; a command of your own may be added."""

    default = False

    def __init_subclass__(cls, **more: Any) -> None:
        """Let Django find the subclass by itself, and not this class beside it."""
        super().__init_subclass__(**more)
        cls.default = vars(cls).get("default", True)

    def __init__(self, app_name: str, app_module: ModuleType | None) -> None:
        """Join, so that it works without the application `pyros` as well."""
        super().__init__(app_name, app_module)
        joining.join()
        self._keeper: Keeper | None = None

    def ready(self) -> None:
        """Start to keep the agent, where this process is to. An override has to call it."""
        if not self.with_server:
            return
        now = role(self.serving_commands)
        if now is Role.SERVER:
            self._keep()
        elif now is Role.WILL_FORK:
            # threads do not survive a fork, so each worker keeps the agent from its birth
            os.register_at_fork(after_in_child=self._keep_in_worker)

    def make_agent(self, settings: Settings) -> Agent:
        """Make the agent; override it to give the constructor more. Runs in the keeper's thread.

        Raises:
            ImportError: there is no such class.
            TypeError: it is no class of agents.
        """
        del settings  # `Settings()` has all of them; an override may want to look at them
        return self.agent_class()()

    def agent_class(self) -> type[Agent]:
        """Import the agent's class.

        Raises:
            ImportError: there is none.
            TypeError: it is no class of agents.
        """
        kind = import_string(self.agent)
        if not (isinstance(kind, type) and issubclass(kind, Agent)):
            raise TypeError(f"{self.agent} is not a subclass of pyros_mqtt.Agent")
        return kind

    def _keep(self) -> None:
        hosting.heed_sigterm()
        self._keeper = Keeper(self.label, self.make_agent)
        self._keeper.start()

    def _keep_in_worker(self) -> None:
        if is_new_worker():
            self._keep()
