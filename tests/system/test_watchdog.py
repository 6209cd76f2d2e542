"""An action that does not obey, and what the service manager hears of a process."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from pyros_mqtt import Agent, Interrupted, Sender, Settings
from pyros_mqtt.settings import BrokerUrl
from tests.system.pyros_command import Pyros, until
from tests.system.service_socket import ServiceSocket

STUBBORN = """
import threading
from pyros_mqtt import Agent, on

class Stubborn(Agent):
    @on("hang", kill_after=0.5)
    def hang(self) -> None:
        threading.Event().wait(60)

    @on("greet")
    def greet(self) -> str:
        return "hello"
"""

FILE = """
[agents.stubborn]
class = "stubborn:Stubborn"
"""


@pytest.fixture
def pyros(mosquitto_url: BrokerUrl, topic_root: str, tmp_path: Path) -> Pyros:
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    (tmp_path / "pyros.toml").write_text(FILE)
    state = str(tmp_path / "state")
    return Pyros(
        tmp_path,
        PYROS_BROKERS=str(mosquitto_url),
        PYROS_ROOT=topic_root,
        PYROS_BEAT="0.5",
        PYROS_STATE_DIR=state,
    )


@pytest.fixture
def settings(mosquitto_url: BrokerUrl, topic_root: str, tmp_path: Path) -> Settings:
    return Settings(brokers=[str(mosquitto_url)], root=topic_root, state_dir=tmp_path / "ops")


@pytest.mark.parametrize("word", ["abort", "shutdown"])
def test_a_process_whose_action_does_not_obey_is_ended(
    pyros: Pyros, settings: Settings, word: str
) -> None:
    with Sender("ops", settings=settings) as sender:
        with pyros.running("run", "stubborn:Stubborn") as agent:
            agent.until("ready")
            receipt = sender.send_to("stubborn", "hang")
            until(lambda: receipt.state == "running")
            sender.send_to("stubborn", word)
            agent.until("ignored its cancellation")
            assert agent.process.wait(20) == 70
        with pyros.running("run", "stubborn:Stubborn") as agent:
            agent.until("ready")
            with pytest.raises(Interrupted):
                receipt.result(20)


def test_whoever_keeps_it_starts_it_again(pyros: Pyros, settings: Settings) -> None:
    with pyros.running("up") as up, Sender("ops", settings=settings) as sender:
        up.until("All are ready")
        receipt = sender.send_to("stubborn", "hang")
        until(lambda: receipt.state == "running")
        sender.send_to("stubborn", "abort")
        up.until("exit code 70")
        with pytest.raises(Interrupted):
            receipt.result(30)
        assert sender.ask("stubborn", "greet", timeout=20) == "hello"
        assert up.end() == 0


def test_the_service_manager_hears_how_an_agent_is(pyros: Pyros, tmp_path: Path) -> None:
    with (
        ServiceSocket(tmp_path) as service,
        pyros.running("run", "stubborn:Stubborn", **service.variables) as agent,
    ):
        service.until("READY=1")
        service.until("STATUS=stubborn: ready")
        service.until("WATCHDOG=1")
        pyros("send", "stubborn", "hang")
        service.until("STATUS=stubborn: busy; hang")
        service.until("WATCHDOG=1")
        agent.process.send_signal(signal.SIGTERM)
        service.until("STOPPING=1")


def test_the_service_manager_hears_how_all_agents_are(pyros: Pyros, tmp_path: Path) -> None:
    with (
        ServiceSocket(tmp_path) as service,
        pyros.running("up", **service.variables) as up,
    ):
        service.until("READY=1")
        service.until("WATCHDOG=1")
        up.process.send_signal(signal.SIGTERM)
        service.until("STOPPING=1")
        assert up.process.wait(20) == 0
        assert not any("stubborn" in line for line in service.heard), "a child has inherited it"


def test_a_stopped_process_gives_no_sign_of_life(pyros: Pyros, tmp_path: Path) -> None:
    with (
        ServiceSocket(tmp_path) as service,
        pyros.running("run", "stubborn:Stubborn", **service.variables) as agent,
    ):
        service.until("WATCHDOG=1")
        os.kill(agent.process.pid, signal.SIGSTOP)
        service.heard.clear()
        assert service.is_silent_for(2.0)
        os.kill(agent.process.pid, signal.SIGCONT)
        service.until("WATCHDOG=1")


def test_an_agent_that_works_without_a_broker_shows_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its network thread has not been started yet, so it does not hang."""
    monkeypatch.setattr("pyros_mqtt.agent.watchdog.STALLED", 0.5)
    monkeypatch.setattr("pyros_mqtt.agent.tenure.OFFLINE", 0.1)
    with ServiceSocket(tmp_path, watchdog=0.4) as service:
        for name, value in service.variables.items():
            monkeypatch.setenv(name, value)
        nowhere = Settings(brokers="mqtt://127.0.0.1:1", state_dir=tmp_path, journal="memory")
        agent = Agent("alone", settings=nowhere)
        agent.start()
        try:
            service.until("READY=1")
            for _ in range(6):  # a fifth of a second or more each
                service.until("WATCHDOG=1")
        finally:
            agent.stop()
            assert agent.join(20)
