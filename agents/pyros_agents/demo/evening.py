"""The whole evening: broker, agents, the play, and the bill at the end."""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from pyros_agents.astronomy.sky import SkyClock
from pyros_agents.demo.chronicle import Chronicle
from pyros_agents.demo.glances import Glances
from pyros_agents.demo.lifeline import BrokerGone, Lifeline
from pyros_agents.demo.observatory import AGENTS, night_settings
from pyros_agents.demo.picture import picture
from pyros_agents.demo.script import SceneFailed, Script
from pyros_agents.demo.view import LiveView, complain, view_for
from pyros_mqtt import Fleet, PyrosError, Sender, Settings
from pyros_mqtt.broker import RunningBroker, find_or_start
from pyros_mqtt.link import Brokers
from pyros_mqtt.supervisor import Supervisor
from pyros_mqtt.topics import Topics
from pyros_mqtt.traffic import Traffic

START_UP = 60.0
"""Wall seconds that the agents may take to come up on a slow machine."""

FAREWELL = 10.0
"""Wall seconds that the last words of the agents may take."""

WIDEST = 64
"""Columns of the last picture, where the terminal has as many."""

LOOK = 1.5
"""Wall seconds for a look at who is there before the play begins."""


@dataclass
class Bill:
    """What the night came to, as `--json` prints it."""

    broker: str
    agents: list[dict[str, str]] = field(default_factory=list)
    alert: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    images: list[str] = field(default_factory=list)
    survey_images: list[str] = field(default_factory=list)
    commands: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def play(
    *,
    headless: bool = False,
    as_json: bool = False,
    images: Path | None = None,
    speed: float = 10.0,
) -> int:
    """Play one night.

    Args:
        headless: no live view, only what happens, line by line.
        as_json: print one JSON object last, and what happens on standard error.
        images: where the images go; by default `demo-images` in the current folder.
        speed: how much faster the sky turns than the real one.

    Returns:
        0 if all of it happened, otherwise 1.
    """
    console = Console(stderr=as_json)
    folder = (images or Path("demo-images")).resolve()
    with (
        tempfile.TemporaryDirectory(prefix="pyros-demo-") as state,
        find_or_start(Settings(state_dir=Path(state))) as broker,
    ):
        bill = _Evening(broker, folder, Path(state), speed).spend(console, headless=headless)
    if as_json:
        sys.stdout.write(json.dumps(asdict(bill)) + "\n")
    else:
        _show(console, bill)
    complain(bill.problems)
    return 1 if bill.problems else 0


class _Evening:
    """Brings the observatory up, has the script played, and takes it down again."""

    def __init__(self, broker: RunningBroker, images: Path, state: Path, speed: float) -> None:
        self._settings = night_settings(str(broker.url), images, state, speed)
        self._bus = Brokers(self._settings)
        self._topics = Topics(self._settings.root)
        self._clock = SkyClock.of(self._settings.observatory["sky"])
        self._fleet = Fleet(self._bus, self._topics)
        self._lifeline = Lifeline(broker, self._fleet)
        self._chronicle = Chronicle(self._lifeline.check)
        self._traffic = Traffic(self._bus, self._topics, self._chronicle.note)
        self._glances = Glances(self._traffic.transport, self._topics)
        self._bill = Bill(broker.kind)

    def spend(self, console: Console, *, headless: bool) -> Bill:
        """Play, and reckon up."""
        stage = (self._fleet, self._chronicle, self._glances, self._clock)
        view = view_for(console, lambda: LiveView(console, *stage), headless=headless)
        with self._fleet, self._traffic:
            supervisor = Supervisor(self._settings, on_line=view.overhear)
            with Sender("demo", bus=self._bus, settings=self._settings) as sender:
                script = Script(sender, self._fleet, self._chronicle, self._clock, view.narrate)
                with view, self._told_plainly():
                    self._look_around()
                    try:
                        view.narrate("The agents come up.")
                        supervisor.start()
                        self._await_ready(supervisor)
                        script.play()
                    finally:
                        view.narrate("The observatory shuts down.")
                        supervisor.stop()
                        self._reckon(script)
                        view.narrate("The night is over.")
        return self._bill

    def _look_around(self) -> None:
        """Make sure that the stage is empty: a play must not move a real telescope.

        Raises:
            SceneFailed: agents of these names live on this broker already.
        """
        self._fleet.wait_until(self._living, LOOK)
        if living := self._living():
            raise SceneFailed(
                f"{', '.join(living)} live on {self._settings.brokers[0]} under "
                f"{self._settings.root!r} already; play under another root: "
                "pyros --root demo demo"
            )

    def _await_ready(self, supervisor: Supervisor) -> None:
        """Wait for the agents, as long as there is a broker that could tell of them."""
        self._chronicle.wait_for(lambda: not supervisor.unready(self._fleet), START_UP)

    def _living(self) -> list[str]:
        members = [member for member in self._fleet.members() if member.name in AGENTS]
        return [member.name for member in members if member.health.value == "live"]

    @contextlib.contextmanager
    def _told_plainly(self) -> Iterator[None]:
        """Put what went wrong on the bill instead of into a traceback."""
        try:
            yield
        except (SceneFailed, BrokerGone, PyrosError) as error:
            self._bill.problems.append(str(error))
        except KeyboardInterrupt:
            self._bill.problems.append("interrupted from the keyboard")

    def _reckon(self, script: Script) -> None:
        bill, night = self._bill, script.night
        is_known = not self._lifeline.is_cut  # without a broker nobody can say goodbye
        if is_known:
            self._fleet.wait_until(self._all_stopped, FAREWELL)
        for name in AGENTS:
            state = self._last_state(name) if is_known else "unknown"
            bill.agents.append({"name": name, "state": state})
            if is_known and state != "stopped":
                bill.problems.append(f"{name} did not stop cleanly: {state}")
        bill.alert = {key: night.alert.get(key) for key in ("ivorn", "ra", "dec")}
        bill.seconds = night.seconds()
        bill.images, bill.survey_images = night.images, night.survey_images
        bill.commands = self._chronicle.ends()
        if is_known:
            bill.problems += [f"without an end: {each}" for each in self._chronicle.without_end()]

    def _last_state(self, name: str) -> str:
        member = self._fleet.get(name)
        return member.status.state.value if member and member.status else "unknown"

    def _all_stopped(self) -> bool:
        members = [self._fleet.get(name) for name in AGENTS]
        return all(m and m.status and m.status.state.value == "stopped" for m in members)


def _show(console: Console, bill: Bill) -> None:
    """Show what the night came to, with the last image."""
    if bill.images:
        if console.is_terminal:
            console.print(picture(bill.images[-1], min(WIDEST, console.width)))
        console.print(f"The last image: {bill.images[-1]}", soft_wrap=True)
    for name, value in bill.seconds.items():
        if value > 0:
            console.print(f"{name.replace('_', ' '):>26}: {value:.3f} s")
    counts = ", ".join(f"{count} {state}" for state, count in bill.commands.items() if count)
    console.print(f"{'commands':>26}: {counts or 'none'}")
    console.print(f"{'broker':>26}: {bill.broker}")
