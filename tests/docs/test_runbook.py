"""The runbook says what is seen: each situation is made, and the page's commands are run in it."""

from __future__ import annotations

import contextlib
import re
import secrets
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Self

import pytest

from pyros_mqtt import Fleet, Settings
from pyros_mqtt.access import Register
from pyros_mqtt.cli.machine_checks import state_folder
from pyros_mqtt.link import Brokers
from pyros_mqtt.topics import Topics
from tests.docs.pages import DOCS, Block, blocks_of
from tests.docs.playing import Player
from tests.faults.clock import Clock
from tests.faults.small_disk import SmallDisk
from tests.need import need
from tests.system.closed_doors import ClosedMosquitto
from tests.system.own_mosquitto import OwnMosquitto
from tests.system.pyros_command import Pyros, Running

PAGE = DOCS / "how-to" / "runbook.md"
PATIENCE = 60.0

MOUNT = """
import time
from pyros_mqtt import Agent, on


class Mount(Agent):
    @on("goto", patience=1)
    def goto(self):
        time.sleep(600)
"""


class Night:
    """A broker of its own, agents that run, and a person on call."""

    def __init__(self, folder: Path, broker: OwnMosquitto) -> None:
        self.folder = folder
        self.broker = broker
        self._near = broker.witness if isinstance(broker, ClosedMosquitto) else broker.url
        self.root = f"t-{secrets.token_hex(4)}"
        self._stack = contextlib.ExitStack()
        self._settings = Settings(brokers=(broker.url,), root=self.root, state_dir=folder / "watch")

    def __enter__(self) -> Self:
        topics = Topics(self.root)
        self._fleet = self._stack.enter_context(Fleet(Brokers(self._settings), topics))
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End everybody."""
        self._stack.close()

    def start(self, cls: str, name: str, **variables: str) -> Running:
        """Start an agent."""
        own = {"PYROS_BROKERS": str(self.broker.url), "PYROS_ROOT": self.root, "PYROS_BEAT": "0.5"}
        state = {"PYROS_STATE_DIR": str(self.folder / "state")}
        pyros = Pyros(self.folder, **{**own, **state, **variables})
        return self._stack.enter_context(pyros.running("run", cls, "--name", name))

    def barebones(self, name: str, **variables: str) -> Running:
        """Start the template agent, and wait until it is ready."""
        running = self.start("pyros_agents.barebones:Barebones", name, **variables)
        self.until(name, "ready")
        return running

    def until(self, name: str, word: str) -> None:
        """Wait until an agent is seen so: its health, or its state."""
        assert self._fleet.wait_until(lambda: word in self._looks(name), PATIENCE), word

    def play(self, case: str, **settings: str) -> None:
        """Run the page's blocks for this situation, as somebody with these settings."""
        blocks = [_run(one) for one in blocks_of(PAGE) if one.values.get("case") == case]
        folder = self.folder / f"reader-{case}"
        folder.mkdir()
        lines = (f"{key} = '{value}'\n" for key, value in settings.items())
        (folder / "pyros.toml").write_text("".join(lines), "utf-8")
        player = Player(folder, self._near, self.root)
        player.environment["PYROS_BROKERS"] = str(self.broker.url)
        player.play(blocks)

    def _looks(self, name: str) -> tuple[str, ...]:
        member = self._fleet.get(name)
        if member is None or member.status is None:
            return ()
        return member.health.value, member.status.state.value


def _run(block: Block) -> Block:
    return replace(block, info=re.sub(r' not-run="[^"]*"', "", block.info))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnMosquitto]:
    folder = tmp_path_factory.mktemp("broker")
    with OwnMosquitto(folder) as broker:
        yield broker


@pytest.fixture
def night(broker: OwnMosquitto, tmp_path: Path) -> Iterator[Night]:
    with Night(tmp_path, broker) as night:
        yield night


def test_every_situation_of_the_page_is_tried() -> None:
    cases = {one.values["case"] for one in blocks_of(PAGE) if "case" in one.values}
    said = Path(__file__).read_text("utf-8")
    assert [one for one in sorted(cases) if f'play("{one}"' not in said] == []


@pytest.mark.timeout(120)
def test_the_broker_is_lost_and_comes_back(night: Night) -> None:
    night.barebones("dome")
    night.broker.kill()
    try:
        night.play("broker")
    finally:
        night.broker.start()
    night.until("dome", "live")
    night.play("broker-back")


@pytest.mark.timeout(120)
def test_a_name_is_held_by_an_agent_that_is_then_frozen_and_killed(night: Night) -> None:
    dome = night.barebones("dome", PYROS_KEEPALIVE="60")
    night.play("name")
    dome.process.send_signal(signal.SIGSTOP)
    night.until("dome", "silent")
    night.play("silent")
    dome.process.kill()
    night.until("dome", "lost")
    night.play("lost")


@pytest.mark.timeout(120)
def test_an_agent_hangs(night: Night) -> None:
    (night.folder / "hanging.py").write_text(MOUNT, "utf-8")
    night.start("hanging:Mount", "mount")
    night.until("mount", "ready")
    pyros = Pyros(night.folder, PYROS_BROKERS=str(night.broker.url), PYROS_ROOT=night.root)
    assert pyros("send", "mount", "goto").code == 0
    night.until("mount", "fault")
    night.play("hung")


@pytest.mark.timeout(120)
def test_a_disk_is_full(night: Night) -> None:
    with SmallDisk(night.folder / "small") as disk:
        night.barebones("small", PYROS_STATE_DIR=str(disk.folder))
        disk.fill()
        night.play("disk")
        (found,) = state_folder(Settings(brokers=(), state_dir=disk.folder))
        assert found.mend.startswith("make room")
        night.close()


@pytest.mark.timeout(120)
def test_a_clock_is_wrong(night: Night) -> None:
    need("faketime")
    clock = Clock(night.folder / "clock")
    clock.set_to(30)
    night.barebones("ahead", **clock.environment)
    night.play("clock")


@pytest.mark.timeout(120)
def test_the_night_is_broken_off(night: Night) -> None:
    for name in ("Weather", "Safety", "Dome"):
        night.start(f"pyros_agents.{name.lower()}:{name}", name.lower())
    for name in ("weather", "safety", "dome"):
        night.until(name, "ready")
    night.play("night")
    night.play("close")


@pytest.mark.timeout(120)
def test_a_certificate_has_ended(tmp_path: Path) -> None:
    register = Register.parse('[identities]\ndome = { role = "agent" }\n', "access.toml")
    with ClosedMosquitto(tmp_path, register, "pyros") as closed:
        closed.authority.issue("dome", days=-1)
        Night(tmp_path, closed).play("certificate", **closed.authority.settings("dome"))
