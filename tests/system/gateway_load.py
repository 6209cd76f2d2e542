"""Old senders by the thousand, through a gateway, with every message counted at its agent.

`scripts/soak-gateway` runs it for a minute; the test run has a short form.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pyros_mqtt import Agent, Settings, wire
from pyros_mqtt.broker import find_or_start
from pyros_mqtt.broker.ports import any_free_port
from pyros_mqtt.fleet import Fleet
from pyros_mqtt.link import Brokers
from pyros_mqtt.settings import BrokerUrl
from pyros_mqtt.topics import Topics
from tests.system.old_pyros import OldSender

AGENTS = 2
PATIENCE = 30.0
"""Seconds for what has been sent to come to its agents."""


class Counting(Agent):
    """Counts each message by its text."""

    def __init__(self, name: str, **options: Any) -> None:
        """Take every message."""
        super().__init__(name, **options)
        self.heard: Counter[str] = Counter()
        self.in_order = True
        self._last = -1
        self.news = threading.Condition()

    def analyze_message(self, message: str) -> None:
        """Count it."""
        number = int(message.rpartition(" ")[2])
        with self.news:
            self.in_order = self.in_order and number > self._last
            self._last = number
            self.heard[message] += 1
            self.news.notify_all()


@dataclass
class Measured:
    """What a run has shown."""

    sent: int
    seconds: float
    rate: float
    refused: int
    slowest_connect_ms: float
    arrived: int
    lost: int
    twice: int
    in_order: bool
    settled_after_seconds: float
    gateway_megabytes: float
    gateway_cpu_seconds: float
    traffic: dict[str, Any]


class Run:
    """One gateway in a process of its own, its agents here, and senders that keep a pace."""

    def __init__(self, url: BrokerUrl, root: str, folder: Path) -> None:
        self._ports = {f"counting-{i}": any_free_port() for i in range(AGENTS)}
        self._folder = folder
        toml = [f'brokers = ["{url}"]', f'root = "{root}"', "beat = 1.0", 'log_level = "warning"']
        for name, port in self._ports.items():
            toml += [f"[gateway.agents.{name}]", f"receive_port = {port}"]
        (folder / "pyros.toml").write_text("\n".join(toml) + "\n", "utf-8")
        self._settings = Settings(brokers=(url,), root=root, beat=1.0)
        self._bus = Brokers(self._settings)
        self._agents = [Counting(n, bus=self._bus, settings=self._settings) for n in self._ports]
        self._fleet = Fleet(self._bus, Topics(root))
        self._traffic: dict[str, Any] = {}
        self._ear = self._bus.transport(f"{root}-ear")
        self._ear.subscribe(Topics(root).telemetry("gateway", "traffic"), self._hear)

    def measure(self, rate: float, seconds: float) -> Measured:
        """Send `rate` messages a second for `seconds`, and wait until all have come."""
        with self._fleet, (self._folder / "gateway.log").open("w") as log:
            self._ear.open()
            for agent in self._agents:
                agent.start()
            gateway = subprocess.Popen(
                [sys.executable, "-m", "pyros_mqtt", "gateway"], cwd=self._folder, stderr=log,
                stdout=log,
            )  # fmt: skip
            try:
                return self._measure(rate, seconds, gateway.pid)
            finally:
                gateway.terminate()
                gateway.wait(PATIENCE)
                for agent in self._agents:
                    agent.stop()
                for agent in self._agents:
                    agent.join(PATIENCE)
                self._ear.close()

    def _measure(self, rate: float, seconds: float, pid: int) -> Measured:
        names = ["gateway", *self._ports]
        ready = self._fleet.wait_until(lambda: all(map(self._is_ready, names)), PATIENCE)
        if not ready:
            raise TimeoutError((self._folder / "gateway.log").read_text("utf-8"))
        began = time.monotonic()
        sent, refused, slowest = self._send(rate, seconds)
        ended = time.monotonic()
        self._await(sent - refused)
        settled = time.monotonic()
        heard = Counter[str]()
        for agent in self._agents:
            heard += agent.heard
        return Measured(
            sent=sent,
            seconds=round(ended - began, 2),
            rate=round(sent / (ended - began), 1),
            refused=refused,
            slowest_connect_ms=round(slowest * 1000, 1),
            arrived=len(heard),
            lost=sent - refused - len(heard),
            twice=heard.total() - len(heard),
            in_order=all(agent.in_order for agent in self._agents),
            settled_after_seconds=round(settled - ended, 2),
            gateway_megabytes=_peak_megabytes(pid),
            gateway_cpu_seconds=_cpu_seconds(pid),
            traffic=self._traffic,
        )

    def _send(self, rate: float, seconds: float) -> tuple[int, int, float]:
        senders = [OldSender("127.0.0.1", port) for port in self._ports.values()]
        pace = threading.Event()
        began, slowest, refused = time.monotonic(), 0.0, 0
        count = int(rate * seconds)
        for number in range(count):
            ahead = began + number / rate - time.monotonic()
            if ahead > 0:
                pace.wait(ahead)
            start = time.monotonic()
            try:
                senders[number % AGENTS].send_to(f"Observation finished {number}")
            except OSError:
                refused += 1
            slowest = max(slowest, time.monotonic() - start)
        return count, refused, slowest

    def _await(self, wanted: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while sum(len(one.heard) for one in self._agents) < wanted:
            left = deadline - time.monotonic()
            if left <= 0:
                return
            with self._agents[0].news:
                self._agents[0].news.wait(min(left, 0.1))

    def _is_ready(self, name: str) -> bool:
        member = self._fleet.get(name)
        return bool(member and member.status and member.status.state.takes_commands)

    def _hear(self, delivery: Any) -> None:
        for sample in wire.decode_samples(delivery.payload, 0.0):
            self._traffic = dict(sample.value) if isinstance(sample.value, dict) else {}


def _peak_megabytes(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return round((int(fields[11]) + int(fields[12])) / 100, 1)


def main() -> None:
    """Run it from a shell; exit code 0 if nothing was lost, refused or delivered twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=1000.0, help="connections a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        find_or_start(Settings(brokers=()), port=0) as broker,
    ):
        measured = Run(broker.url, "soak", Path(folder)).measure(given.rate, given.seconds)
        log = (Path(folder) / "gateway.log").read_text("utf-8")
    print(wire.pretty(asdict(measured)))  # noqa: T201 - its result
    if measured.lost or measured.refused or measured.twice:
        sys.exit(f"not clean; the gateway said:\n{log[-2000:]}")


if __name__ == "__main__":
    main()
