"""A night on three machines: TLS between them, a bad line, a partition, a host that vanishes.

Control has broker, weather, safety and telescope; the dome and the camera have a host each. What
each may do is written down with `pyros access`, as an observatory would.
"""

from __future__ import annotations

import contextlib
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyros_mqtt import Fleet, Sender, SendError, Settings
from pyros_mqtt.access import Identity
from pyros_mqtt.access.bundle import pack
from pyros_mqtt.access.office import Office
from pyros_mqtt.access.rules import write_rules
from pyros_mqtt.access.unpacking import unpack
from pyros_mqtt.broker.kinds import find_mosquitto
from tests.need import need
from tests.system.closed_doors import CONFIGURATION
from tests.system.device import until
from tests.system.own_lan import Lan, can_be_had

AGENTS = {"control": ("weather", "safety", "telescope"), "dome": ("dome",), "camera": ("camera",)}

OBSERVATORY = """
keepalive = 5
beat = 1.0
log_level = "info"

[observatory]
images = "images"

[observatory.site]
name = "Les Makes, La Reunion"
latitude = -21.1992
longitude = 55.4108
height = 991.0

[observatory.sky]
start = "2012-09-07T18:00:00Z"
speed = 20.0
anchor = {anchor}

[agents.weather]
class = "pyros_agents.weather:Weather"
host = "control"

[agents.safety]
class = "pyros_agents.safety:Safety"
host = "control"
options = {{ settle = 0.0 }}

[agents.telescope]
class = "pyros_agents.telescope:Telescope"
host = "control"

[agents.dome]
class = "pyros_agents.dome:Dome"
host = "dome"

[agents.camera]
class = "pyros_agents.camera:Camera"
host = "camera"
"""

SILENT = 4.0
LOST = 13.5
GRACE = 3.0
"""Seconds that a slow machine under load may take on top of what is promised."""


class Observatory:
    """Three hosts that run, and an operator on control who looks and commands."""

    def __init__(self, lan: Lan, folder: Path) -> None:
        self.lan = lan
        self.folder = folder
        self.control, self.dome, self.camera = lan["control"], lan["dome"], lan["camera"]
        self.url = f"mqtts://{self.control.address}:8883"
        self._logs = {name: (folder / f"{name}.log").open("w") for name in AGENTS}
        self._stack = contextlib.ExitStack()

    def found(self) -> None:
        """Make the authority, enter everyone, and carry a bundle to each host."""
        office = Office.found(self.folder / "office", "Test", [self.control.address])
        anchor = time.time()
        for host, agents in AGENTS.items():
            (self.folder / host).mkdir()
            file = self.folder / host / "pyros.toml"
            file.write_text(OBSERVATORY.format(anchor=anchor), "utf-8")
            for agent in agents:
                role = "scheduler" if agent == "safety" else "agent"
                self._settle_in(office, agent, role, host)
        self._settle_in(office, "ops", "operator", "operator")
        write_rules(office.register, office.folder.broker, "pyros")

    def start(self) -> None:
        """Start the broker and everybody's agents; wait until all of them are seen."""
        self.start_broker()
        for name in AGENTS:
            self.start_agents(name)
        with self.control.inside():
            settings = self.settings("operator")
            self.fleet = self._stack.enter_context(Fleet(settings=settings))
            self.ops = self._stack.enter_context(Sender("ops", settings=settings))
        everyone = [agent for agents in AGENTS.values() for agent in agents]
        for agent in everyone:
            self.wait(agent, "ready", 60)

    def start_broker(self) -> None:
        """Run mosquitto on control with the configuration that is shipped."""
        text = CONFIGURATION.read_text("utf-8")
        text = re.sub(r"# -- devices that.*?(?=# -- for all of them)", "", text, flags=re.DOTALL)
        text = text.replace("/etc/pyros-broker", str(self.folder / "office" / "broker"))
        text = text.replace("listener 8883", f"listener 8883 {self.control.address}")
        file = self.folder / "mosquitto.conf"
        file.write_text(text + "user root\n", "utf-8")
        words = (find_mosquitto() or "mosquitto", "-c", str(file))
        self.control.start(*words, cwd=self.folder, log=self._logs["control"])

    def start_agents(self, name: str) -> None:
        """Run `pyros up` on a host."""
        here = self.folder / name
        env = {"PYROS_STATE_DIR": str(here / "state"), "PYROS_CONFIG": str(here / "pyros.toml")}
        words = (sys.executable, "-m", "pyros_mqtt", "up")
        self.lan[name].start(*words, cwd=here, log=self._logs[name], env=env)

    def settings(self, folder: str) -> Settings:
        """What a bundle says, for a program of this test's own."""
        here = self.folder / folder
        return Settings(
            brokers=self.url,
            ca_file=here / "ca.crt",
            cert_file=here / "ops.crt",
            key_file=here / "ops.key",
            state_dir=here / "state",
            keepalive=5,
        )

    def wait(self, agent: str, health: str, seconds: float) -> float:
        """Wait until an agent is seen so: its state, or its health; gives the seconds taken."""
        began = time.monotonic()
        assert self.fleet.wait_until(lambda: health in self.looks(agent), seconds), (
            f"{agent} is {self.looks(agent)}, not {health}"
        )
        return time.monotonic() - began

    def looks(self, agent: str) -> tuple[str, ...]:
        """How an agent is seen from control."""
        member = self.fleet.get(agent)
        if member is None or member.status is None:
            return ()
        return member.health.value, member.status.state.value

    def ask(self, agent: str, message: str, timeout: float = 60, **args: Any) -> Any:
        """Command as the operator, and wait for the end."""
        return self.ops.ask(agent, message, timeout=timeout, args=args)

    def said(self, host: str) -> str:
        """What the agents of a host have logged."""
        return (self.folder / f"{host}.log").read_text("utf-8")

    def close(self) -> None:
        """Nothing of it stays."""
        self._stack.close()
        for log in self._logs.values():
            log.close()

    def _settle_in(self, office: Office, name: str, role: str, host: str) -> None:
        office.add(name, Identity(role=role, host=host))
        packed = pack(office, name, self.url, "pyros")
        unpack(packed, self.folder / host)


@pytest.fixture(scope="module")
def observatory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observatory]:
    need("mosquitto")
    if not can_be_had():
        pytest.skip("several hosts need root, and Linux network namespaces")
    folder = tmp_path_factory.mktemp("observatory")
    with Lan(*AGENTS) as lan:
        place = Observatory(lan, folder)
        try:
            place.found()
            place.start()
            yield place
        finally:
            place.close()


def is_safe(observatory: Observatory) -> bool:
    return bool(observatory.ask("safety", "verdict")["safe"])


def opens(observatory: Observatory) -> bool:
    try:
        return bool(observatory.ask("dome", "open", 90)["state"] == "open")
    except SendError:  # the bad line was down for a moment, and the sender says so
        return False


def open_dome(observatory: Observatory) -> None:
    until(lambda: is_safe(observatory), 60)
    until(lambda: opens(observatory), 120)


def is_closed(observatory: Observatory) -> bool:
    try:
        return bool(observatory.ask("dome", "close")["state"] == "closed")
    except SendError:  # as above
        return False


@pytest.mark.timeout(400)
def test_a_night_over_a_bad_line_a_partition_and_hosts_that_vanish(
    observatory: Observatory,
) -> None:
    place = observatory
    place.dome.spoil("400kbit", 0.03)
    open_dome(place)

    # the camera's line is cut in the middle of an exposure, and comes back
    exposure = place.ops.send_to("camera", "expose", args={"seconds": 160.0})
    place.wait("camera", "busy", 20)
    place.camera.unplug()
    assert place.wait("camera", "silent", SILENT + GRACE) < SILENT + GRACE
    assert place.wait("camera", "lost", LOST + GRACE) < LOST + GRACE
    place.camera.plug_in()
    image = exposure.result(90)
    assert isinstance(image, dict)
    assert (place.folder / "camera" / str(image["path"])).is_file()
    place.wait("camera", "ready", 30)

    # its host vanishes for good: the others go on, and the night ends safely
    place.camera.vanish()
    place.wait("camera", "lost", LOST + GRACE)
    assert place.ask("telescope", "park")
    until(lambda: is_closed(place), 60)
    assert {place.looks(one)[0] for one in ("dome", "telescope", "safety")} == {"live"}
    place.camera.plug_in()
    place.start_agents("camera")
    place.wait("camera", "ready", 60)

    # control vanishes, with broker and safety, under an open dome: it closes by itself
    open_dome(place)
    place.control.vanish()
    until(lambda: "the dome closes by itself" in place.said("dome"), 60)
    place.control.plug_in()
    place.start_broker()
    place.start_agents("control")
    for agent in ("dome", "camera", "telescope"):
        place.wait(agent, "ready", 90)
    until(lambda: is_closed(place), 60)
