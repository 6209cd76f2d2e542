"""A whole evening in a storm: broker, agents, the play while they are killed, and the bill."""

from __future__ import annotations

import contextlib
import json
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from pyros_agents.astronomy.sky import SkyClock
from pyros_agents.demo.chaos.ledger import Ledger
from pyros_agents.demo.chaos.phoenix import Phoenix
from pyros_agents.demo.chaos.storm import Storm
from pyros_agents.demo.chaos.stormy_bill import StormyBill, show
from pyros_agents.demo.chaos.stormy_script import WANTED, Props, StormyScript
from pyros_agents.demo.chronicle import Chronicle
from pyros_agents.demo.glances import Glances
from pyros_agents.demo.observatory import AGENTS, night_settings
from pyros_agents.demo.script import SceneFailed
from pyros_agents.demo.view import LiveView, complain, view_for
from pyros_mqtt import Fleet, PyrosError, Sender, Settings
from pyros_mqtt.journal import journal_path
from pyros_mqtt.link import Brokers
from pyros_mqtt.supervisor import Supervisor
from pyros_mqtt.topics import Topics
from pyros_mqtt.traffic import Passing, Traffic

START_UP = 60.0
"""Wall seconds that the agents may take to come up, at the start and after the storm."""

LONGEST_PAUSE = 2.0
"""Wall seconds until an agent is started again: that it dies often is no fault of its own."""

SEEDS = 1_000_000


def play(
    *,
    headless: bool = False,
    as_json: bool = False,
    images: Path | None = None,
    speed: float = 10.0,
    seed: int | None = None,
) -> int:
    """Play one night, and kill agents and broker all the while.

    Args:
        headless: no live view, only what happens, line by line.
        as_json: print one JSON object last, and what happens on standard error.
        images: where the images go; by default `demo-images` in the current folder.
        speed: how much faster the sky turns than the real one.
        seed: who is killed when; by default another one each time.

    Returns:
        0 if every command is accounted for and the night's aims were reached, otherwise 1.
    """
    console = Console(stderr=as_json)
    folder = (images or Path("demo-images")).resolve()
    chosen = secrets.randbelow(SEEDS) if seed is None else seed
    with (
        tempfile.TemporaryDirectory(prefix="pyros-demo-") as state,
        Phoenix(Settings(state_dir=Path(state))) as broker,
    ):
        evening = _StormyEvening(broker, folder, Path(state), speed, chosen)
        bill = evening.spend(console, headless=headless)
    if as_json:
        sys.stdout.write(json.dumps(asdict(bill)) + "\n")
    else:
        show(console, bill)
    complain(bill.problems)
    return 1 if bill.problems else 0


class _StormyEvening:
    """Brings the observatory up, has the script played in a storm, and takes it down again."""

    def __init__(self, broker: Phoenix, images: Path, state: Path, speed: float, seed: int) -> None:
        self._broker = broker
        self._images = images
        self._settings = night_settings(str(broker.url), images, state, speed)
        self._bus = Brokers(self._settings)
        self._topics = Topics(self._settings.root)
        self._clock = SkyClock.of(self._settings.observatory["sky"])
        self._fleet = Fleet(self._bus, self._topics)
        ids = (self._topics.client_id(name) for name in AGENTS)
        self._ledger = Ledger([journal_path(state, each) for each in ids])
        self._chronicle = Chronicle(self._check)
        self._traffic = Traffic(self._bus, self._topics, self._note)
        self._glances = Glances(self._traffic.transport, self._topics)
        self._storm: Storm | None = None
        self._bill = StormyBill(seed, broker.kind)

    def spend(self, console: Console, *, headless: bool) -> StormyBill:
        """Play, and reckon up."""
        began = time.monotonic()
        stage = (self._fleet, self._chronicle, self._glances, self._clock)
        view = view_for(console, lambda: LiveView(console, *stage), headless=headless)
        with (
            self._fleet,
            self._traffic,
            Sender("demo", bus=self._bus, settings=self._settings) as sender,
        ):
            supervisor = Supervisor(
                self._settings, on_line=view.overhear, longest_pause=LONGEST_PAUSE
            )
            script = StormyScript(self._props(sender), view.narrate)
            strikes = {name: keeper.kill for name, keeper in supervisor.keepers.items()}
            storm = Storm(self._bill.seed, strikes | {"broker": self._broker.strike}, view.narrate)
            self._storm = storm
            with view:
                view.narrate(f"The agents come up; the storm's seed is {self._bill.seed}.")
                try:
                    self._play(supervisor, script, storm, view.narrate)
                finally:
                    storm.end()
                    view.narrate("The observatory shuts down.")
                    supervisor.stop()
        self._reckon(script, storm)
        self._bill.seconds = round(time.monotonic() - began, 1)
        return self._bill

    def _play(
        self,
        supervisor: Supervisor,
        script: StormyScript,
        storm: Storm,
        narrate: Callable[[str], None],
    ) -> None:
        """Play in the storm; after it whoever is down comes up, and tells what became of all."""
        with self._told_plainly():
            supervisor.start()
            self._await_ready(supervisor)
            storm.begin()
            script.play()
        storm.end()
        narrate("The storm is over: who is down comes up once more.")
        with self._told_plainly():
            self._await_ready(supervisor)
            script.close_the_book()

    def _props(self, sender: Sender) -> Props:
        follow = self._glances.follow
        return Props(sender, self._chronicle, self._ledger, follow, self._images, self._clock)

    def _note(self, passing: Passing) -> None:
        self._ledger.note(passing)
        self._chronicle.note(passing)

    def _check(self) -> None:
        """Look into the journals while others wait; they forget what has ended a while ago.

        Raises:
            SceneFailed: the broker has not come back, so there is nothing to go on with.
        """
        self._ledger.glance()
        if self._storm is not None and self._storm.trouble:
            raise SceneFailed(self._storm.trouble)

    def _await_ready(self, supervisor: Supervisor) -> None:
        if not self._chronicle.wait_for(lambda: not supervisor.unready(self._fleet), START_UP):
            names = ", ".join(supervisor.unready(self._fleet))
            raise SceneFailed(f"not ready within {START_UP:.0f} s: {names}")

    @contextlib.contextmanager
    def _told_plainly(self) -> Iterator[None]:
        """Put what went wrong on the bill instead of into a traceback."""
        try:
            yield
        except (SceneFailed, PyrosError) as error:
            self._bill.problems.append(str(error))
        except KeyboardInterrupt:
            self._bill.problems.append("interrupted from the keyboard")

    def _reckon(self, script: StormyScript, storm: Storm) -> None:
        bill, night, ledger = self._bill, script.night, self._ledger
        ledger.look()
        bill.kills = {name: storm.kills[name] for name in (*AGENTS, "broker")}
        bill.commands, bill.given_again = ledger.ends(), ledger.given_again()
        bill.left_undone = ledger.left_undone()
        bill.unaccounted = ledger.complaints()
        bill.targets, bill.images = dict(night.targets), night.images
        bill.alert = {key: night.alert.get(key) for key in ("ivorn", "event", "ra", "dec")}
        bill.outcome = {
            "target_observed": len(night.images) >= WANTED,
            "dome": night.dome,
            "telescope": night.telescope,
        }
        bill.problems += [f"not accounted for: {each}" for each in bill.unaccounted]
        if (night.dome, night.telescope) != ("closed", "parked"):
            bill.problems.append(
                f"at the end the dome is {night.dome} and the telescope {night.telescope}"
            )
