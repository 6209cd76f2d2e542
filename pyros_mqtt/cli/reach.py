"""The one way of all commands to the bus: settings, broker, and a few seconds of patience."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import typer

from pyros_mqtt.cli.doubt import of_our_certificate
from pyros_mqtt.cli.endings import NO_ANSWER, Trouble, complain

if TYPE_CHECKING:
    from pyros_mqtt.alarm_board import AlarmBoard
    from pyros_mqtt.fleet import Fleet
    from pyros_mqtt.link import Brokers, Link
    from pyros_mqtt.sender import Sender
    from pyros_mqtt.settings import BrokerUrl, Settings
    from pyros_mqtt.topics import Topics

PATIENCE = 3.0
"""Seconds until a broker that does not answer is called unreachable."""

QUIET = 0.25
"""Seconds without news after which everything that the broker had kept has come."""

USUAL_PORT = 1883


class Reach:
    """What a command needs to talk to the agents; nothing is read or connected before its use.

    Where no broker is configured, the usual port of this machine is tried: there `pyros broker`,
    `pyros up` and the demo listen when it is free.
    """

    def __init__(
        self,
        broker: str | None = None,
        root: str | None = None,
        patience: float = PATIENCE,
        more: Mapping[str, Any] | None = None,
        *,
        spares: bool = False,
    ) -> None:
        self._arguments: dict[str, Any] = {"brokers": broker, "root": root, **(more or {})}
        self._spares = spares
        self.patience = patience

    @classmethod
    def of(
        cls,
        context: typer.Context,
        patience: float = PATIENCE,
        more: Mapping[str, Any] | None = None,
        *,
        spares: bool = False,
    ) -> Self:
        """Read the global options of this call; `more` are settings that its own options give.

        With `spares` no mistake in settings that only others use stands in its way.
        """
        given = context.find_root().params
        return cls(given.get("broker"), given.get("root"), patience, more, spares=spares)

    @cached_property
    def settings(self) -> Settings:
        """The settings as they are written.

        Raises:
            SettingsError: they are wrong.
        """
        from pyros_mqtt.settings import Settings

        if not self._spares:
            return Settings(**self._arguments)
        settings = Settings.reaching(**self._arguments)
        if settings.left_out:
            first, *others = settings.left_out
            more = f"; {len(others)} more" if others else ""
            complain(f"warning: {first} (goes on without it{more}: `pyros config check`)")
        return settings

    @property
    def brokers(self) -> tuple[BrokerUrl, ...]:
        """The brokers to try in turn."""
        from pyros_mqtt.settings import BrokerUrl

        return self.settings.brokers or (BrokerUrl("mqtt", "127.0.0.1", USUAL_PORT),)

    @property
    def reaching_settings(self) -> Settings:
        """The settings with the brokers that are tried."""
        return self.settings.model_copy(update={"brokers": self.brokers})

    @property
    def place(self) -> str:
        """The root and the brokers that are looked at, for people."""
        return f"{self.settings.root} at {', '.join(map(str, self.brokers))}"

    @property
    def topics(self) -> Topics:
        """The topic tree."""
        from pyros_mqtt.topics import Topics

        return Topics(self.settings.root)

    def export(self) -> None:
        """Tell the global options to code of the user, which reads its own settings."""
        for key, value in self._arguments.items():
            if value is not None:
                os.environ[f"PYROS_{key.upper()}"] = value

    @contextlib.contextmanager
    def broker_or_own(self) -> Iterator[Settings]:
        """Give settings with a broker: the configured one, else the one at the usual port.

        Where neither is there, one is started, and ends with the block.

        Raises:
            NoBroker: none could be started.
        """
        from pyros_mqtt.broker import find_or_start
        from pyros_mqtt.broker.ports import answers
        from pyros_mqtt.settings import Settings

        if self.settings.brokers:
            yield self.settings
        elif answers(USUAL_PORT):
            yield Settings(**self._arguments | {"brokers": self.brokers})
        else:
            with find_or_start(self.settings) as broker:
                hint = "it ends with this command; `pyros broker` starts one that stays"
                typer.echo(
                    f"No broker is configured: started {broker.kind} at {broker.url} ({hint})"
                )
                yield Settings(**self._arguments | {"brokers": broker.urls})

    def bus(self) -> PatientBus:
        """Make a bus that can tell whether a broker answers."""
        from pyros_mqtt.link import Brokers

        return PatientBus(Brokers(self.reaching_settings), self)

    @contextlib.contextmanager
    def fleet(self) -> Iterator[Fleet]:
        """Watch all agents.

        Raises:
            Trouble: no broker answers.
        """
        from pyros_mqtt.fleet import Fleet

        bus = self.bus()
        with Fleet(bus, self.topics) as fleet:
            bus.wait_up(self.patience)
            yield fleet

    @contextlib.contextmanager
    def alarm_board(self) -> Iterator[AlarmBoard]:
        """Watch all alarms; what the broker has kept of them has come.

        Raises:
            Trouble: no broker answers.
        """
        from pyros_mqtt.alarm_board import AlarmBoard

        bus = self.bus()
        with AlarmBoard(bus, self.topics) as board:
            bus.wait_up(self.patience)
            board.settle(QUIET, at_most=2.0)
            yield board

    @contextlib.contextmanager
    def sender(self, name: str | None = None) -> Iterator[Sender]:
        """Send commands, under a name or a made-up one; the configured one where there is one.

        Raises:
            Trouble: no broker answers.
            BadName: the name breaks the rule.
        """
        from pyros_mqtt.sender import Sender

        bus = self.bus()
        with Sender(name, bus=bus, settings=self.reaching_settings) as sender:
            bus.wait_up(self.patience)
            yield sender

    def unreachable(self, reason: str) -> Trouble:
        """Say that no broker answers, why, and what to do."""
        tried = ", ".join(str(one) for one in self.brokers)
        text = f"no broker answers: {reason or f'{tried}: no answer'}"
        if not self.settings.brokers:
            text += f"\nNone is configured, so the usual place was tried ({tried})."
        if doubt := of_our_certificate(self.settings, reason):
            text += f"\nLook first: {doubt}."
        text += "\n`pyros broker` starts one; --broker or PYROS_BROKERS names one; "
        return Trouble(text + "`pyros doctor` looks closer.", NO_ANSWER)


class PatientBus:
    """The brokers as a bus that remembers its connections, so that one can wait for them."""

    def __init__(self, brokers: Brokers, reach: Reach) -> None:
        self._brokers = brokers
        self._reach = reach
        self._links: list[Link] = []
        self._up = threading.Event()

    def transport(self, client_id: str) -> Link:
        """Make one connection; it is opened by its user."""
        link = self._brokers.transport(client_id)
        link.on_state(lambda up: self._up.set() if up else None)
        self._links.append(link)
        return link

    def wait_up(self, patience: float) -> None:
        """Wait for the first connection.

        Raises:
            Trouble: there is none within `patience` seconds.
        """
        if self._up.wait(patience):
            return
        from pyros_mqtt.link import UNTRIED

        reasons = [one.trouble for one in self._links if one.trouble != UNTRIED]
        raise self._reach.unreachable(reasons[0] if reasons else "")


def settle(fleet: Fleet, quiet: float = QUIET, at_most: float = 2.0) -> None:
    """Wait until what the broker had kept of the agents has come: no new name for a while."""
    seen: set[str] = set()
    somebody_new = threading.Event()

    def note(name: str) -> None:
        if name not in seen:
            seen.add(name)
            somebody_new.set()

    fleet.on_change(note)
    end = time.monotonic() + at_most
    fleet.wait_until(lambda: fleet.is_up, at_most)
    while somebody_new.wait(quiet) and time.monotonic() < end:
        somebody_new.clear()


def nearest(word: str, known: Iterable[str], what: str) -> str:
    """Suggest what a misspelt word may have meant; `what` names the known ones in the plural."""
    names = sorted(known)
    near = get_close_matches(word.lower(), names, 3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(repr(one) for one in near)}?"
    return f"{what}: {', '.join(names)}" if names else f"there are no {what}"


def find_modules_here() -> None:
    """Let Python find modules in the current folder, as `python -m` does and a script does not."""
    if os.getcwd() not in sys.path:  # noqa: PTH109 - sys.path holds texts
        sys.path.insert(0, os.getcwd())  # noqa: PTH109
