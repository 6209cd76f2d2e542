"""`manage.py runagent NAME`: one agent in a process of its own, with the project's settings."""

from __future__ import annotations

import logging
from argparse import ArgumentParser
from difflib import get_close_matches
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError

from pyros_mqtt.agent import Agent
from pyros_mqtt.contrib.django.agent_app import AgentAppConfig
from pyros_mqtt.errors import NameTaken, PyrosError
from pyros_mqtt.settings import Settings

FAILED = 1
MISCONFIGURED = 2
NAME_TAKEN = 4


class Command(BaseCommand):
    """Run the agent of an application until it is told to shut down, or Ctrl-C."""

    help = (
        "Runs the agent of an application until it is told to shut down, or Ctrl-C. Exit code 1 "
        "after a failure, 2 if there is no such agent, 4 if another live agent holds its name."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the argument."""
        parser.add_argument("name", help="The label of the agent's application: alert_manager.")

    def handle(self, **options: Any) -> None:
        """Run it here."""
        config = _config(options["name"])
        try:
            settings = Settings()
            _set_up_logging(settings.log_level)
            agent = config.make_agent(settings)
        except (PyrosError, ImportError, TypeError) as error:
            raise CommandError(str(error), returncode=MISCONFIGURED) from error
        self._run(agent)

    def _run(self, agent: Agent) -> None:
        try:
            agent.run()
        except NameTaken as error:
            raise CommandError(str(error), returncode=NAME_TAKEN) from None
        except Exception as error:
            # the agent's log has shown where
            raise CommandError(f"{agent.name} has failed: {error}", returncode=FAILED) from error


def _config(label: str) -> AgentAppConfig:
    known = {one.label: one for one in apps.get_app_configs() if isinstance(one, AgentAppConfig)}
    if label in known:
        return known[label]
    near = get_close_matches(label, known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known) or 'none'}"
    raise CommandError(
        f"no application {label!r} has an AgentAppConfig; {hint}", returncode=MISCONFIGURED
    )


def _set_up_logging(level: str) -> None:
    """Show the log where the project's LOGGING says nothing of agents."""
    if not logging.getLogger("pyros").hasHandlers():
        logging.basicConfig(
            level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
        )
