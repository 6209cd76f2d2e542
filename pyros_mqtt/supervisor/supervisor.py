"""All agents of one machine: started together, kept running, stopped in reverse order."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any, Self
from urllib.parse import quote

from pyros_mqtt.claims import Health
from pyros_mqtt.deployment import tables_here
from pyros_mqtt.errors import SettingsError
from pyros_mqtt.fleet import Fleet
from pyros_mqtt.link import Brokers
from pyros_mqtt.sender import SpoolDesk, spool_path
from pyros_mqtt.settings import TABLES, AgentTable, BrokerUrl, Settings
from pyros_mqtt.supervisor.keeper import Keeper, OnLine
from pyros_mqtt.supervisor.option_words import to_word
from pyros_mqtt.supervisor.pauses import LONGEST
from pyros_mqtt.supervisor.standing import Standing
from pyros_mqtt.topics import Topics

DEADLINE = 15.0
"""Seconds in which all agents together have to end."""

PATIENCE = 5.0
"""Most seconds that one agent is given to end before it is killed."""


class Supervisor:
    """Runs the agents that the settings name for this machine. All methods are for any thread.

    An agent that fails is started again, after a pause that grows while it keeps failing; one that
    was told to shut down is not. No agent outlives the supervisor's process.

    Args:
        settings: its `agents` are started, in the order in which the file names them, with their
            `options` and what they want of `observatory`. What was given to the settings as
            arguments is handed on; the rest each agent reads itself.
        host: this machine's name; by default the system's.
        on_line: called with an agent's name and each line that it prints, from many threads but
            one at a time; by default they go to standard error.
        longest_pause: the most seconds between two starts of an agent that fails.

    Raises:
        SettingsError: no agent is to run on this machine.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        host: str | None = None,
        on_line: OnLine | None = None,
        longest_pause: float = LONGEST,
    ) -> None:
        self._settings = settings
        self._on_line = on_line or _print_line
        self._one_at_a_time = threading.Lock()
        here = tables_here(settings, host or socket.gethostname())
        if not here:
            raise SettingsError(_nobody_here(settings, host or socket.gethostname()))
        path = spool_path(settings.state_dir, settings.root)
        self._desk = SpoolDesk(Brokers(settings), Topics(settings.root), path)
        variables = dict(_variables(settings))
        self.keepers = {
            name: Keeper(
                name,
                command(settings, name, table),
                self._tell,
                variables,
                longest_pause=longest_pause,
            )
            for name, table in here.items()
        }
        self._standing = Standing(self.keepers)

    @property
    def restarts(self) -> dict[str, int]:
        """How often each agent has been started again, by name."""
        return {name: keeper.restarts for name, keeper in self.keepers.items()}

    @property
    def is_running(self) -> bool:
        """Some agent runs, or will be started again."""
        return any(keeper.is_kept for keeper in self.keepers.values())

    def start(self) -> None:
        """Start every agent, and deliver what waits in the spool. Returns at once."""
        self._desk.deliver_if_possible()
        for keeper in self.keepers.values():
            keeper.start()
        self._standing.begin()

    def wait_ready(self, timeout: float, fleet: Fleet | None = None) -> bool:
        """Wait until every agent takes commands; whether they do within `timeout` seconds.

        Args:
            timeout: seconds.
            fleet: an open one to look through; by default one is opened for the while.
        """
        if fleet is not None:
            return fleet.wait_until(lambda: not self.unready(fleet), timeout)
        with Fleet(Brokers(self._settings), Topics(self._settings.root)) as own:
            return own.wait_until(lambda: not self.unready(own), timeout)

    def unready(self, fleet: Fleet) -> list[str]:
        """Name the agents that do not take commands in their present life."""
        return [name for name, keeper in self.keepers.items() if not _is_ready(keeper, fleet)]

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until every agent has ended for good; whether they have within `timeout` s."""
        deadline = None if timeout is None else time.monotonic() + timeout
        for keeper in self.keepers.values():
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not keeper.join(left):
                return False
        return True

    def stop(self, timeout: float = DEADLINE) -> None:
        """End the agents, the last one first; who is not quick enough is killed."""
        self._standing.end()
        self._desk.close()
        deadline = time.monotonic() + timeout
        for keeper in reversed(self.keepers.values()):
            left = max(0.0, deadline - time.monotonic())
            keeper.stop(min(PATIENCE, left))

    def kill(self) -> None:
        """End all agents at once."""
        self._standing.end()
        self._desk.close()
        for keeper in self.keepers.values():
            keeper.stop(patience=0.0)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def _tell(self, name: str, line: str) -> None:
        with self._one_at_a_time:
            self._on_line(name, line)


def command(settings: Settings, name: str, table: AgentTable) -> list[str]:
    """Give the command that runs one agent.

    Raises:
        SettingsError: an option that was given as an argument has no form in JSON.
    """
    words = [sys.executable, "-m", "pyros_mqtt", "run", table.class_path, "--name", name]
    for flag, path, values in (
        ("--shared", "observatory", settings.observatory),
        ("--option", f"agents.{name}.options", table.options),
    ):
        for key in _arguments(settings, path, values):
            try:
                words += [flag, to_word(key, values[key])]
            except (TypeError, ValueError) as error:
                raise SettingsError(f"{path}.{key} = {values[key]!r}: {error}") from None
    return words


def _arguments(settings: Settings, path: str, keys: Iterable[str]) -> list[str]:
    """Choose those keys of a table that were given to the settings as arguments."""
    given = [f"{one.key}." for one in settings.sources() if one.place == "argument"]
    wanted = {key: f"{path}.{key}." for key in keys}
    return [
        key
        for key, full in wanted.items()
        if any(one.startswith(full) or full.startswith(one) for one in given)
    ]


def _variables(settings: Settings) -> Iterator[tuple[str, str]]:
    """Give the variables that tell a child what the settings were told as arguments."""
    for origin in settings.sources():
        if origin.place != "argument" or "." in origin.key:
            continue
        value = getattr(settings, origin.key, None)
        if origin.key in TABLES or value is None:
            continue
        yield f"PYROS_{origin.key.upper()}", _text(value)


def _text(value: Any) -> str:
    if hasattr(value, "get_secret_value"):
        return str(value.get_secret_value())
    if isinstance(value, tuple):
        return ",".join(_with_password(one) for one in value)
    return str(value)


def _with_password(url: BrokerUrl) -> str:
    """Write a URL whole; its own text hides the password."""
    if url.password is None:
        return str(url)
    scheme, _, rest = str(url).partition("://")
    _, _, address = rest.rpartition("@")
    user = quote(url.username or "", safe="")
    return f"{scheme}://{user}:{quote(url.password, safe='')}@{address}"


def _is_ready(keeper: Keeper, fleet: Fleet) -> bool:
    member = fleet.get(keeper.name)
    if member is None or member.status is None or member.health is not Health.LIVE:
        return False
    # an earlier life may have been killed so lately that its claim still looks fresh
    is_this_life = member.status.boot >= int(keeper.started * 1000)
    return is_this_life and member.status.state.takes_commands


def _nobody_here(settings: Settings, host: str) -> str:
    if not settings.agents and not settings.gateway.enabled and not settings.alarms.is_to_run:
        gateway = "; for the old TCP sockets, [gateway] with enabled = true"
        return (
            "no agent is configured: write a table such as [agents.dome] with "
            'class = "pyros_agents.dome:Dome" into pyros.toml'
            f"{gateway if settings.gateway.agents else ''}"
        )
    hosts = [
        settings.gateway.host,
        settings.alarms.host,
        *(table.host for table in settings.agents.values()),
    ]
    others = sorted({host for host in hosts if host})
    disabled = [name for name, table in settings.agents.items() if not table.enabled]
    return (
        f"no agent is to run on this machine ({host}); "
        f"hosts that have some: {', '.join(others) or 'none'}; "
        f"not enabled: {', '.join(disabled) or 'none'}"
    )


def _print_line(name: str, line: str) -> None:
    print(f"{name} | {line}", file=sys.stderr, flush=True)  # noqa: T201 - the logs' way out
