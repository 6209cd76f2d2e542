"""`pyros run`: one agent, in this process."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.endings import FAILED, INTERRUPTED, Trouble, complain
from pyros_mqtt.cli.log_form import Record
from pyros_mqtt.cli.reach import Reach, find_modules_here, nearest

if TYPE_CHECKING:
    from pyros_mqtt.agent import Agent
    from pyros_mqtt.settings import Settings

LOOK = 0.2
"""Seconds between two looks whether what is to be said is true."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=example(
            "pyros run dome",
            "pyros run pyros_agents.barebones:Barebones",
            "pyros run pyros_agents.dome:Dome --name east-dome -o driver=simulator",
        )
    )(run)


def run(
    context: typer.Context,
    class_path: Annotated[
        str,
        typer.Argument(
            metavar="AGENT",
            help="MODULE:CLASS, as Python finds it, or the name of an agent of pyros.toml.",
        ),
    ],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The agent's name, if not its class's.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-o", metavar="KEY=VALUE", help="An option; may be repeated."),
    ] = None,
    shared: Annotated[list[str] | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run one agent, until Ctrl-C or a shutdown.

    Its options come from [agents.NAME.options] and [observatory] of pyros.toml; -o is stronger.

    Exit code 0 after a shutdown, 1 after a failure, 2 where class or options are wrong, 4 where
    another live agent holds the name.
    """
    serve(Reach.of(context), class_path, name, option or [], shared or [])


def serve(  # noqa: PLR0917 - as `run`, and what to say
    reach: Reach,
    class_path: str,
    name: str | None,
    option: list[str] | None = None,
    shared: list[str] | None = None,
    lines: list[str] | None = None,
    is_true: Callable[[Any], bool] = lambda _: True,
) -> None:
    """Run one agent of ours; print `lines` once it is ready and `is_true` of it."""
    reach.export()
    find_modules_here()
    with reach.broker_or_own() as settings:
        os.environ["PYROS_BROKERS"] = os.environ.get("PYROS_BROKERS") or str(settings.brokers[0])
        _set_up_logging(settings.log_level)
        if ":" not in class_path:
            class_path, name = _configured(class_path, settings, name)
        agent = _made(class_path, settings, name, option or [], shared or [])
        if lines:
            tell = partial(_tell_in_time, agent, lines, is_true)
            threading.Thread(target=tell, name="teller", daemon=True).start()
        _perform(agent)


def _tell_in_time(agent: Agent, lines: list[str], is_true: Callable[[Any], bool]) -> None:
    pause = threading.Event()
    while not (agent.is_alive and agent.wait_ready(LOOK) and is_true(agent)):
        pause.wait(LOOK)
    for line in lines:
        show.line(line)


def _configured(agent: str, settings: Settings, name: str | None) -> tuple[str, str]:
    """Find the class of an agent of pyros.toml; gives it with the agent's name."""
    from pyros_mqtt.deployment import every_table

    tables = every_table(settings)
    if agent not in tables:
        hint = nearest(agent, tables, "agents in pyros.toml")
        text = f"{agent!r} is neither MODULE:CLASS nor an agent of pyros.toml; {hint}"
        raise typer.BadParameter(text, param_hint="'AGENT'")
    if name is not None:
        raise typer.BadParameter(f"{agent} has its name from pyros.toml", param_hint="'--name'")
    return tables[agent].class_path, agent


def _made(
    class_path: str, settings: Settings, name: str | None, option: list[str], shared: list[str]
) -> Agent:
    from pyros_mqtt.errors import AgentError
    from pyros_mqtt.supervisor import EXIT_MISCONFIGURED, build, from_words

    try:
        options, for_all = from_words(option), from_words(shared)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="'--option'") from None
    try:
        return build(class_path, settings, name=name, options=options, shared=for_all)
    except AgentError as error:
        raise Trouble(str(error), EXIT_MISCONFIGURED) from error


def _perform(agent: Agent) -> None:
    from pyros_mqtt.errors import NameTaken, words_of
    from pyros_mqtt.supervisor import EXIT_NAME_TAKEN

    try:
        agent.run()
    except NameTaken as error:
        complain(error)
        raise typer.Exit(EXIT_NAME_TAKEN) from None
    except KeyboardInterrupt:
        complain(f"left at once; what {agent.name} was doing is not finished")
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:  # noqa: BLE001 - the agent's log has shown where
        complain(f"{agent.name} has failed: {words_of(error)}")
        raise typer.Exit(FAILED) from None


def _set_up_logging(level: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(Record())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
