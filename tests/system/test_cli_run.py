"""`pyros run` and `pyros up`: agents as processes, from their start to their end."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from pyros_mqtt.settings import BrokerUrl
from pyros_mqtt.topics import Topics
from tests.need import need
from tests.system.pyros_command import Pyros, until
from tests.system.test_cli_views import publish

BAREBONES = "pyros_agents.barebones:Barebones"

WITH_OPTIONS = """
import os
import threading
from typing import Any
from pyros_mqtt import Agent, on

class Echo(Agent):
    def __init__(self, name: str = "echo", *, site: Any = None, gain: Any = 1, **more: Any):
        super().__init__(name, **more)
        self.told = {"site": site, "gain": gain, "pid": os.getpid()}

    @on("tell")
    def tell(self) -> dict[str, Any]:
        return self.told

class Hard(Echo):
    def __init__(self, *, gain: float, **more: Any):
        super().__init__(gain=gain, **more)

class Stubborn(Agent):
    @on("hang")
    def hang(self) -> None:
        self.log.warning("hangs")
        threading.Event().wait(60)

class Breaks(Agent):
    def work(self) -> None:
        raise RuntimeError("no such dome")
"""

TWO_AGENTS = """
[observatory]
site = {height = 991}
other = 5
[agents.echo]
class = "observatory_of_ours:Echo"
options = {gain = 2}
[agents.barebones]
class = "pyros_agents.barebones:Barebones"
[agents.elsewhere]
class = "nowhere:Nobody"
host = "another-machine"
[agents.asleep]
class = "nowhere:Nobody"
enabled = false
"""


@pytest.fixture
def ours(pyros: Pyros) -> Pyros:
    """The command in a folder with agents of our own."""
    (pyros.folder / "observatory_of_ours.py").write_text(WITH_OPTIONS)
    return pyros


def ready(pyros: Pyros, name: str, url: str | None = None) -> bool:
    shown = pyros("status", "--json", *(["--broker", url] if url else []))
    return any((one["agent"], one["state"]) == (name, "ready") for one in json.loads(shown.out))


def told(pyros: Pyros, name: str = "echo") -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(pyros("send", name, "tell", "--wait").out)
    return answer


def test_an_agent_runs_until_it_is_told_to_shut_down(pyros: Pyros) -> None:
    with pyros.running("run", BAREBONES) as agent:
        until(lambda: ready(pyros, "barebones"))
        assert pyros("send", "barebones", "shutdown", "--wait").code == 0
        assert agent.process.wait(20) == 0


def test_ctrl_c_ends_an_agent_with_a_goodbye(pyros: Pyros) -> None:
    with pyros.running("run", BAREBONES) as agent:
        until(lambda: ready(pyros, "barebones"))
        assert agent.end(signal.SIGINT) == 0
    assert "stopped" in pyros("status").out


def test_a_taken_name_has_an_exit_code_of_its_own(pyros: Pyros, barebones: str) -> None:
    done = pyros("run", BAREBONES, "--name", barebones)
    assert done.code == 4
    assert f"the name {barebones!r} is held by a live agent" in done.err
    assert "Traceback" not in done.err


def test_options_come_from_file_shared_table_and_command_line(ours: Pyros) -> None:
    (ours.folder / "pyros.toml").write_text(TWO_AGENTS)
    with ours.running("run", "echo"):
        until(lambda: ready(ours, "echo"))
        answer = told(ours)
        assert (answer["site"], answer["gain"]) == ({"height": 991}, 2)
    other = ("--name", "other", "-o", "gain=0.5", "-o", 'site={"height": 1}')
    with ours.running("run", "observatory_of_ours:Echo", *other):
        until(lambda: ready(ours, "other"))
        answer = told(ours, "other")
        assert (answer["site"], answer["gain"]) == ({"height": 1}, 0.5)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nonsense",), "is neither MODULE:CLASS nor an agent of pyros.toml"),
        (("nowhere.at_all:Dome",), "there is no module 'nowhere.at_all'"),
        (("pyros_agents.barebnes:Barebones",), "did you mean 'pyros_agents.barebones'?"),
        (("pyros_agents.barebones:Barbones",), "did you mean 'Barebones'?"),
        (("json:JSONDecoder",), "is not a subclass of pyros_mqtt.Agent"),
        (("observatory_of_ours:Echo", "-o", "gian=1"), "did you mean 'gain'?"),
        (("observatory_of_ours:Echo", "-o", "gain"), "is not of the form key=value"),
        (("observatory_of_ours:Echo", "-o", "gain={x"), "is no JSON"),
        (("observatory_of_ours:Hard",), "the option 'gain' is missing"),
        (("observatory_of_ours:Echo", "--name", "Echo"), "is not a valid name"),
    ],
)
def test_what_cannot_be_made_is_told_in_words(
    ours: Pyros, words: tuple[str, ...], said: str
) -> None:
    done = ours("run", *words)
    assert done.code == 2
    assert said in done.err
    assert done.is_plain()


def test_an_agent_that_breaks_ends_with_a_failure(ours: Pyros) -> None:
    done = ours("run", "observatory_of_ours:Breaks")
    assert done.code == 1
    assert "breaks has failed: no such dome" in done.err
    shown = ours("status", "breaks")
    assert "it failed: no such dome" in shown.out
    assert shown.code == 1


def test_what_comes_from_the_bus_does_not_drive_the_terminal_of_a_run(
    pyros: Pyros, mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with pyros.running("run", BAREBONES) as agent:
        until(lambda: ready(pyros, "barebones"))
        inbox = Topics(topic_root).inbox("barebones")
        evil = b"x\x1b[2Jevil\x1b]0;t\x07\nfake line"
        publish(mosquitto_url, inbox, b"y" * 200_000, retain=False)
        publish(mosquitto_url, inbox, evil, retain=False)
        assert agent.until("fake line").isprintable()
        assert max(map(len, agent.said)) < 1000


def test_a_second_ctrl_c_leaves_at_once_and_says_so(ours: Pyros) -> None:
    with ours.running("run", "observatory_of_ours:Stubborn") as agent:
        until(lambda: ready(ours, "stubborn"))
        ours("send", "stubborn", "hang")
        agent.until("hangs")
        agent.process.send_signal(signal.SIGINT)
        agent.until("SIGINT received")
        agent.process.send_signal(signal.SIGINT)
        assert "left at once" in agent.until("pyros: ")
        assert agent.process.wait(20) == 130


# -- up --------------------------------------------------------------------------------------


def test_up_runs_the_agents_of_this_machine_and_stops_them_in_reverse(ours: Pyros) -> None:
    (ours.folder / "pyros.toml").write_text(TWO_AGENTS)
    with ours.running("up") as up:
        assert up.until("Starting").startswith("Starting echo, barebones at ")
        up.until("All are ready")
        assert told(ours)["site"] == {"height": 991}
        up.process.send_signal(signal.SIGTERM)
        up.until(r"barebones \| .*SIGTERM received")
        up.until(r"echo      \| .*SIGTERM received")
        up.until("All have ended")
        assert up.process.wait(20) == 0
    assert ours("status").out.count("stopped") == 2


def test_up_starts_again_who_has_died_and_not_who_was_shut_down(ours: Pyros) -> None:
    (ours.folder / "pyros.toml").write_text(TWO_AGENTS)
    with ours.running("up") as up:
        up.until("All are ready")
        first = told(ours)["pid"]
        os.kill(first, signal.SIGKILL)
        up.until("echo ended with exit code 137; it is started again in 1 s")
        until(lambda: ready(ours, "echo"))
        assert told(ours)["pid"] != first
        ours("send", "barebones", "shutdown")
        up.until("barebones has ended, as it was told to")
        ours("send", "echo", "shutdown")
        up.until("All have ended")
        assert up.process.wait(20) == 0


def test_no_agent_outlives_a_killed_up(ours: Pyros) -> None:
    (ours.folder / "pyros.toml").write_text(TWO_AGENTS)
    with ours.running("up") as up:
        up.until("All are ready")
        pid = told(ours)["pid"]
        up.process.send_signal(signal.SIGKILL)
        until(lambda: is_gone(pid))


def is_gone(pid: int) -> bool:
    """It is no more, or only waits to be buried by somebody else."""
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or ") Z " in stat.read_text()


def test_up_takes_the_file_that_it_is_given(ours: Pyros) -> None:
    (ours.folder / "night.toml").write_text(TWO_AGENTS)
    with ours.running("up", "night.toml") as up:
        up.until("All are ready")
        assert told(ours)["gain"] == 2
    assert ours("up", "none.toml").code == 2


def test_up_without_agents_says_what_to_write(ours: Pyros) -> None:
    done = ours("up")
    assert done.code == 2
    assert 'class = "pyros_agents.dome:Dome"' in done.err
    (ours.folder / "pyros.toml").write_text(
        '[agents.far]\nclass = "nowhere:Nobody"\nhost = "another-machine"\n'
    )
    done = ours("up")
    assert done.code == 2
    assert "hosts that have some: another-machine" in done.err


def test_without_a_broker_run_starts_its_own(ours: Pyros) -> None:
    need("mosquitto")
    with ours.running("run", BAREBONES, PYROS_BROKERS="") as agent:
        line = agent.until("No broker is configured: started|connected")
        # somebody may listen at the usual port already: then that broker is used
        url = line.partition(" at ")[2].split()[0] if "started" in line else "mqtt://127.0.0.1"
        until(lambda: ready(ours, "barebones", url))
        assert agent.end(signal.SIGINT) == 0
