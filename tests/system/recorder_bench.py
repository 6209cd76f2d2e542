"""A place where recorders are put to the test: a client that publishes, an ear, an archive."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from pyros_mqtt import Sender
from pyros_mqtt.archive import Account, Archive
from pyros_mqtt.errors import ArchiveError
from pyros_mqtt.link import Brokers
from pyros_mqtt.settings import BrokerUrl, Settings
from pyros_mqtt.transport import Delivery
from tests.system.device import until
from tests.system.pyros_command import REPOSITORY
from tests.system.raw_mqtt import RawClient

FIRST = 1763841600.5
"""The time of the first measurement, POSIX seconds."""


class Bench:
    """Recorders in processes of their own, and a client that publishes and hears their status."""

    def __init__(self, url: BrokerUrl, root: str, folder: Path) -> None:
        self.url, self.root, self.folder = url, root, folder
        self.archive_url = f"sqlite:///{folder / 'archive.sqlite'}"
        self.client = RawClient(url, f"{root}-bench")
        self._latest: dict[str, Any] = {}
        self._ear = Brokers(Settings(brokers=(url,))).transport(f"{root}-ear")
        self._ear.subscribe(f"{root}/+/status", self._hear)
        self._ear.subscribe(f"{root}/+/telemetry/traffic", self._hear)
        self._ear.open()
        self.sent = 0
        self._sender: Sender | None = None
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, name: str = "recorder", **options: Any) -> subprocess.Popen[bytes]:
        """Start a recorder, and wait until it listens and has written something."""
        words = ["run", "pyros_mqtt.recorder:Recorder", "--name", name]
        for key, value in {"archive": self.archive_url, **options}.items():
            words += ["-o", f"{key}={value}"]
        variables = {
            "PYROS_BROKERS": str(self.url),
            "PYROS_ROOT": self.root,
            "PYROS_BEAT": "1",
            "PYROS_STATE_DIR": str(self.folder / "state"),
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "agents")]),
        }
        process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "pyros_mqtt", *words], env=os.environ | variables
        )
        self._processes.append(process)
        self._latest.clear()
        until(lambda: self.counts(name)["recorded"] > 0)
        return process

    def counts(self, name: str = "recorder") -> dict[str, Any]:
        """What a recorder has told last."""
        told = self._latest.get(f"{self.root}/{name}/telemetry/traffic")
        return told["v"] if told else {"recorded": 0}

    def status(self, name: str = "recorder") -> dict[str, Any]:
        """The latest status of an agent, as it came."""
        found: dict[str, Any] = self._latest.get(f"{self.root}/{name}/status", {})
        return found

    def state(self, name: str = "recorder") -> tuple[str, str]:
        """State and detail of a recorder's latest status."""
        told = self.status(name)
        return told.get("state", ""), told.get("detail", "")

    def ask(self, name: str, message: str, **args: Any) -> Any:
        """Let an agent do something, and give its result."""
        if self._sender is None:
            settings = Settings(brokers=(self.url,), root=self.root)
            self._sender = Sender(f"{self.root}-asker", settings=settings)
        return self._sender.ask(name, message, timeout=20, args=args)

    def moment(self) -> float:
        """The time of the next measurement."""
        return FIRST + self.sent

    def measure(self, count: int, agent: str = "dome", value: float | str = 1.5) -> None:
        """Publish measurements, one after the other."""
        for _ in range(count):
            body = {"t": self.moment(), "v": value, "seq": self.sent, "session": "a"}
            self.client.publish(
                f"{self.root}/{agent}/telemetry/azimuth", json.dumps(body).encode(), qos=1
            )
            self.sent += 1

    def account(self, agent: str = "dome", channel: str = "azimuth") -> Account:
        """What the archive has of it."""
        with contextlib.suppress(ArchiveError), Archive(self.archive_url, root=self.root) as found:
            return found.account(agent, channel)
        return Account()

    def has_more_than(self, messages: int) -> bool:
        """Whether the archive has more than so many of its messages."""
        return self.account().messages > messages

    def close(self) -> None:
        """End everything."""
        for one in self._processes:
            if one.poll() is None:
                one.kill()
            one.wait(10)
        self._ear.close()
        self.client.close()
        if self._sender is not None:
            self._sender.close()

    def _hear(self, delivery: Delivery) -> None:
        with contextlib.suppress(ValueError):
            self._latest[delivery.topic] = json.loads(delivery.payload)
