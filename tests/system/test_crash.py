"""An agent that is killed at the worst moments: nothing accepted is lost, nothing runs twice."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyros_mqtt import Interrupted, Receipt, Sender, Settings, WasCancelled
from pyros_mqtt.failpoints import FAILPOINTS, Failpoint
from pyros_mqtt.settings import BrokerUrl
from tests.system.pyros_command import Pyros, Running

COUNTER = '''
import os
import time
from pathlib import Path
from pyros_mqtt import Agent, on

class Counter(Agent):
    """Notes on disk that it has begun."""

    @on("move")
    def move(self, n: int) -> int:
        return self.begin("move", n)

    @on("set", idempotent=True)
    def set(self, n: int) -> int:
        return self.begin("set", n)

    @on("hold")
    def hold(self) -> None:
        time.sleep(60)  # whatever anybody says

    def begin(self, word: str, n: int) -> int:
        with Path("history.txt").open("a") as history:
            history.write(f"{word} {n}\\n")
            os.fsync(history.fileno())
        self.sleep(0.1)
        return n
'''


class Site:
    """A folder with an agent in it, that can be started, killed, and started again."""

    def __init__(self, url: BrokerUrl, root: str, folder: Path) -> None:
        (folder / "counter.py").write_text(COUNTER)
        self.folder = folder
        self.state = {"PYROS_STATE_DIR": str(folder / "state")}
        self.pyros = Pyros(folder, PYROS_BROKERS=str(url), PYROS_ROOT=root, **self.state)
        self.settings = Settings(brokers=[str(url)], root=root, state_dir=folder / "ops")
        self.sender = Sender("ops", settings=self.settings)

    def history(self) -> list[str]:
        file = self.folder / "history.txt"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def site(mosquitto_url: BrokerUrl, topic_root: str, tmp_path: Path) -> Iterator[Site]:
    one = Site(mosquitto_url, topic_root, tmp_path)
    with one.sender:
        yield one


ENDS: dict[Failpoint, set[str]] = {
    "after_journal": {"done"},
    "after_start": {"interrupted"},
    "after_run": {"interrupted"},
    "after_result": {"done"},
    # a moment later, in which the action may have begun
    "after_ack": {"done", "interrupted"},
}


def ended(receipt: Receipt) -> str:
    with contextlib.suppress(Interrupted):
        receipt.result(20)
    return receipt.state


def killed_by_itself(agent: Running) -> bool:
    return agent.process.wait(20) == -signal.SIGKILL


@pytest.mark.parametrize("point", FAILPOINTS)
def test_what_moves_something_never_starts_twice(site: Site, point: Failpoint) -> None:
    with site.pyros.running("run", "counter:Counter", PYROS_FAIL=point) as agent:
        agent.until("ready")
        receipt = site.sender.post("counter", "move", {"n": 1}, ttl=60)
        assert killed_by_itself(agent)
    with site.pyros.running("run", "counter:Counter") as agent:
        agent.until("ready")
        assert ended(receipt) in ENDS[point]
    # killed after the start was noted and before the action, it has not begun at all
    if point == "after_start":
        assert site.history() == []
    assert len(site.history()) <= 1


@pytest.mark.parametrize("point", FAILPOINTS)
def test_what_is_idempotent_is_done_in_the_end(site: Site, point: Failpoint) -> None:
    with site.pyros.running("run", "counter:Counter", PYROS_FAIL=point) as agent:
        agent.until("ready")
        receipt = site.sender.post("counter", "set", {"n": 2}, ttl=60)
        assert killed_by_itself(agent)
    with site.pyros.running("run", "counter:Counter") as agent:
        agent.until("ready")
        assert receipt.result(20) == 2
    assert set(site.history()) == {"set 2"}


@pytest.mark.parametrize("point", ["after_run", "after_result"])
def test_what_an_abort_has_cancelled_does_not_start_in_the_next_life(
    site: Site, point: Failpoint
) -> None:
    with site.pyros.running("run", "counter:Counter", PYROS_FAIL=point) as agent:
        agent.until("ready")
        running = site.sender.post("counter", "hold", {}, ttl=60)
        waiting = [site.sender.post("counter", "set", {"n": n}, ttl=60) for n in range(5)]
        waiting[-1].wait_accepted(20)
        abort = site.sender.post("counter", "abort", {}, ttl=60)
        assert killed_by_itself(agent)
    with site.pyros.running("run", "counter:Counter") as agent:
        agent.until("ready")
        assert ended(running) == "interrupted"
        for one in waiting:
            with pytest.raises(WasCancelled, match="aborted"):
                one.result(20)
        abort.result(20)
    assert site.history() == []


def test_a_repetition_after_a_restart_gets_the_same_report(site: Site) -> None:
    with site.pyros.running("run", "counter:Counter") as agent:
        agent.until("ready")
        first = site.sender.post("counter", "move", {"n": 3}, ttl=60)
        assert first.result(20) == 3
        os.kill(agent.process.pid, signal.SIGKILL)
        agent.process.wait(10)
    with site.pyros.running("run", "counter:Counter") as agent:
        agent.until("ready")
        again = site.sender._voice.send(first.command)
        assert again.result(20) == 3
    assert site.history() == ["move 3"]
