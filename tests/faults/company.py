"""Processes that play a cast of agents or senders, as the one that started them sees them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pyros_mqtt.settings import BrokerUrl
from tests.faults.builds import BUILD

REPOSITORY = Path(__file__).parents[2]

FRUGAL = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "65536",
}
"""glibc gives back what is freed, so that what a process holds is what it needs."""


@dataclass(frozen=True)
class Heard:
    """What a sender said of one command, in its order."""

    told: str
    kind: str = ""
    text: str = ""

    @property
    def is_final(self) -> bool:
        return self.told in {"done", "error"}


class Company:
    """One process that plays a cast; its words are gathered.

    Args:
        folder: gets its log.
        cast: `agents` or `senders`, as `play_agents` and `play_senders` take them.
    """

    def __init__(self, folder: Path, build: str, **cast: Any) -> None:
        self.log = folder / f"{'-'.join(cast)}.log"
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PYROS_")}
        path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "agents")])
        self._log = self.log.open("ab")
        self._process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "tests.faults.witness", json.dumps(cast)],
            cwd=folder,
            env=kept | FRUGAL | {"PYTHONPATH": path, BUILD: build},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self._heard: dict[int, list[Heard]] = {}
        self._changed = threading.Condition()
        self._is_ready = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_ready(self, timeout: float = 30) -> Self:
        """Wait until the whole cast is there."""
        with self._changed:
            is_there = self._changed.wait_for(lambda: self._is_ready, timeout)
        assert is_there, f"a cast is not ready: {self.log.read_text()[-2000:]}"
        return self

    def send(self, via: str, agent: str, n: int, **more: Any) -> None:
        """Order a sender of this process to send a note."""
        assert self._process.stdin is not None
        order = {"via": via, "agent": agent, "n": n} | more
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def heard(self, n: int) -> list[Heard]:
        """What has been said of one command so far."""
        with self._changed:
            return list(self._heard.get(n, ()))

    def await_word(
        self, n: int, timeout: float, *, wanted: Callable[[Heard], bool] = lambda _: True
    ) -> Heard | None:
        """Wait for a word of one command; None where it does not come."""

        def found() -> Heard | None:
            return next(filter(wanted, self._heard.get(n, ())), None)

        with self._changed:
            self._changed.wait_for(found, timeout)
            return found()

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it without a goodbye."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(10)
        self._reader.join(5)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._log.close()

    def vitals(self) -> Vitals:
        """What the kernel says of the process."""
        place = Path("/proc") / str(self.pid)
        status = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
        return Vitals(
            rss=int(status["VmRSS"].split()[0]) / 1024,
            threads=int(status["Threads"]),
            descriptors=sum(1 for _ in (place / "fd").iterdir()),
        )

    def _read(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(ValueError):
            for line in self._process.stdout:
                words = json.loads(line)
                with self._changed:
                    if "ready" in words:
                        self._is_ready = words["ready"]
                    else:
                        self._heard.setdefault(words.pop("n"), []).append(Heard(**words))
                    self._changed.notify_all()


@dataclass(frozen=True)
class Vitals:
    """Resident memory in MB, threads, open descriptors."""

    rss: float
    threads: int
    descriptors: int


def settings_of(url: BrokerUrl, state: Path, **more: Any) -> dict[str, Any]:
    """Settings, as a cast carries them."""
    plain = {"brokers": [str(url)], "root": "w", "state_dir": str(state), "beat": 1, "keepalive": 5}
    return plain | more


def starts(history: Path, agent: str) -> list[int]:
    """What an agent has started, in its order; a line that is being written is left out."""
    text = history.read_text() if history.exists() else ""
    words = [line.split() for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return [int(n) for name, n in words if name == agent]


def await_true(is_true: Callable[[], Any], timeout: float) -> bool:
    """Wait for what no event tells of; whether it has come."""
    deadline, pause = time.monotonic() + timeout, threading.Event()
    while not is_true():
        if time.monotonic() > deadline:
            return False
        pause.wait(0.01)
    return True
