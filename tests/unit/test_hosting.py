"""An agent as a guest of a larger program, and as the purpose of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyros_mqtt import Agent, Fleet, Settings, every, on
from pyros_mqtt.agent import hosting
from pyros_mqtt.link import Brokers
from pyros_mqtt.messages import State
from pyros_mqtt.settings import BrokerUrl
from pyros_mqtt.testing import Rehearsal
from pyros_mqtt.topics import Topics

SCRIPT = """
import sys
from pyros_mqtt import Agent

class Dome(Agent):
    def shutdown(self):
        print("shutdown", flush=True)

Dome().start()
"""

HOST = """
import signal, sys, types
host = types.ModuleType("django.apps.registry")
exec("def set_up(call): call()", vars(host))
from pyros_mqtt import Agent

class Dome(Agent):
    def shutdown(self):
        print("shutdown", flush=True)

dome = Dome()
host.set_up(dome.start)
try:
    signal.pause()
except KeyboardInterrupt:
    sys.exit(0)
"""


@contextmanager
def running(program: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def fleet(
    mosquitto_url: BrokerUrl, topic_root: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Fleet]:
    monkeypatch.setenv("PYROS_BROKERS", str(mosquitto_url))
    monkeypatch.setenv("PYROS_ROOT", topic_root)
    with Fleet(Brokers(Settings()), Topics(topic_root)) as fleet:
        yield fleet


def is_dome(fleet: Fleet, state: State) -> bool:
    """Whether the dome comes to be so."""

    def is_so() -> bool:
        member = fleet.get("dome")
        return member is not None and member.status is not None and member.status.state is state

    return fleet.wait_until(is_so, 45)


def test_a_script_lives_as_long_as_its_agent(fleet: Fleet) -> None:
    with running(SCRIPT) as process:
        assert is_dome(fleet, State.READY)
        assert process.poll() is None  # though the main thread came to its end long ago
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=45)
    assert printed == "shutdown\n"
    assert is_dome(fleet, State.STOPPED)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_guest_ends_with_its_host_and_says_goodbye(fleet: Fleet, number: int) -> None:
    with running(HOST) as process:
        assert is_dome(fleet, State.READY)
        process.send_signal(number)
        printed, complaints = process.communicate(timeout=45)
        assert process.returncode == 0
    assert printed == "shutdown\n"
    assert complaints == ""
    assert is_dome(fleet, State.STOPPED)


def test_a_guest_that_hangs_does_not_keep_its_host_for_ever(fleet: Fleet) -> None:
    hangs = HOST.replace(
        'print("shutdown", flush=True)', "import threading; threading.Event().wait()"
    )
    with running(hangs) as process:
        assert is_dome(fleet, State.READY)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=hosting.PATIENCE + 30) == 0
    assert is_dome(fleet, State.LOST)


def test_a_child_of_a_fork_does_not_say_goodbye_for_its_parent(
    fleet: Fleet, tmp_path: Path
) -> None:
    said = tmp_path / "child"
    forks = HOST.replace(
        "try:",
        f"""
import os, pathlib
sys.stdin.readline()
if os.fork() == 0:
    pathlib.Path({str(said)!r}).write_text("here")
    sys.exit(0)
os.wait()
print("forked", flush=True)
try:""",
    )
    with running(forks) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert is_dome(fleet, State.READY)
        process.stdin.write("go on\n")
        process.stdin.flush()
        assert process.stdout.readline() == "forked\n"
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=45)
    assert said.read_text() == "here"
    assert printed == "shutdown\n"


class Breather(Agent):
    """Notes in which order things happen around its work."""

    def __init__(self, stage: Rehearsal) -> None:
        super().__init__(bus=stage.bus, settings=stage.settings)
        self.told: list[str] = []

    def work(self) -> None:
        self.told.append("work")

    @every(seconds=3600)
    def look(self) -> None:
        self.told.append("chore")

    @on("act")
    def act(self) -> None:
        self.told.append("act")
        hosting.work(lambda: self.told.append("within"))

    @on("fail")
    def fail(self) -> None:
        self.told.append("fail")
        raise ValueError("on purpose")

    def shutdown(self) -> None:
        self.told.append("shutdown")


def test_a_host_is_called_before_and_after_each_piece_of_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hosting, "_between", [])
    with Rehearsal() as stage:
        agent = Breather(stage)

        def breathe() -> None:
            if threading.current_thread().name == "agent breather":
                agent.told.append("-")

        hosting.between_work(breathe)
        hosting.between_work(breathe)
        stage.start(agent)
        stage.wait_until(lambda: "chore" in agent.told)
        stage.ask("breather", "act")
        receipt = stage.send("breather", "fail")
        stage.wait_until(lambda: receipt.is_ended)
    assert " ".join(agent.told) == ("- work - - chore - - act within - - fail - - shutdown -")


def test_what_the_host_gets_wrong_does_not_end_the_work(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hosting, "_between", [lambda: 1 / 0])
    with Rehearsal() as stage:
        stage.start(Breather(stage))
        stage.ask("breather", "act")
    assert "between two pieces of work has failed" in caplog.text


def test_what_a_host_was_told_is_stronger_than_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYROS_ROOT", "environment")
    monkeypatch.setenv("PYROS_BEAT", "2")
    try:
        Settings.adopt("PYROS", {"root": "told", "beat": None, "brokerz": "x"})
        assert Settings.check() == ["PYROS: brokerz: unknown key; did you mean 'brokers'?"]
        Settings.adopt("PYROS", {"root": "told", "beat": None})
        assert (Settings().root, Settings().beat) == ("told", 2.0)
        assert Settings(root="argument").root == "argument"
    finally:
        Settings.adopt("", {})
    assert Settings().root == "environment"
