"""`pyros up`: all agents of this machine."""

from __future__ import annotations

import contextlib
import itertools
import logging
import signal
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.config import ConfigFile, take_file
from pyros_mqtt.cli.reach import Reach

if TYPE_CHECKING:
    from pyros_mqtt.settings import Settings
    from pyros_mqtt.supervisor import Supervisor

READY_WITHIN = 30.0
"""Seconds after which those that are not ready yet are named."""

COLOURS = ("cyan", "green", "magenta", "blue", "yellow")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=example("pyros up", "pyros up /etc/pyros/pyros.toml"))(up)


def up(
    context: typer.Context,
    file: ConfigFile = None,
    gateway: Annotated[
        bool, typer.Option("--gateway", help="With the old TCP sockets, as [gateway] says.")
    ] = False,
) -> None:
    """Run all agents of this machine, until Ctrl-C.

    Each has a process of its own. An agent that fails is started again; one that was told to shut
    down is not. Ctrl-C stops them in reverse order, a second Ctrl-C at once.
    """
    take_file(file)
    logging.getLogger("pyros_mqtt.supervisor").setLevel(logging.INFO)
    from pyros_mqtt.supervisor import Supervisor

    with _every_end_is_ctrl_c(), Reach.of(context).broker_or_own() as settings:
        known = _with_gateway(settings) if gateway else settings
        supervisor = Supervisor(known, on_line=_Lines(settings.agents))
        with contextlib.suppress(KeyboardInterrupt):
            show.line(f"Starting {', '.join(supervisor.keepers)} at {settings.brokers[0]}")
            supervisor.start()
            _tell_when_ready(supervisor)
            supervisor.wait()
        _stop(supervisor)


def _with_gateway(settings: Settings) -> Settings:
    """Run the gateway here, whatever its table says."""
    table = settings.gateway.model_copy(update={"enabled": True, "host": None})
    return settings.model_copy(update={"gateway": table})


def _tell_when_ready(supervisor: Supervisor) -> None:
    started = time.monotonic()
    if supervisor.wait_ready(READY_WITHIN):
        show.line(f"All are ready after {time.monotonic() - started:.1f} s; Ctrl-C stops them")
    elif supervisor.is_running:
        show.line("Not all are ready yet; `pyros status` tells which")


def _stop(supervisor: Supervisor) -> None:
    if supervisor.is_running:
        show.line("Stopping, the last one first; Ctrl-C again kills them")
    try:
        supervisor.stop()
    except KeyboardInterrupt:
        supervisor.kill()
    show.line("All have ended")


class _Lines:
    """Prints what the agents print, each line with its agent's name."""

    def __init__(self, names: Iterable[str]) -> None:
        known = list(names)
        self._width = max(map(len, known), default=0)
        self._colours = dict(zip(known, itertools.cycle(COLOURS), strict=False))

    def __call__(self, name: str, text: str) -> None:
        start = f"{name.ljust(self._width)} |"
        if show.is_terminal():
            start = typer.style(start, fg=self._colours.get(name))
        show.line(f"{start} {show.one_line(text.expandtabs())}")


@contextlib.contextmanager
def _every_end_is_ctrl_c() -> Iterator[None]:
    """Take SIGTERM, and the end of the terminal, as Ctrl-C is taken."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = {one: signal.signal(one, interrupt) for one in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
