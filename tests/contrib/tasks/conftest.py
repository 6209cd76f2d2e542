"""What the tests of `contrib.celery` ask for: a Redis, and workers in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis as Client

from pyros_mqtt.broker.guarded import GuardedProcess
from pyros_mqtt.broker.ports import LOOPBACK, answers, any_free_port
from pyros_mqtt.settings import BrokerUrl
from tests.docs.pages import ROOT
from tests.need import need


def until(condition: Callable[[], object], timeout: float = 45.0) -> None:
    """Wait until something is true that nobody notifies us of."""
    deadline, pause = time.monotonic() + timeout, threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not true within {timeout} s"
        pause.wait(0.02)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else holds the names of these tests, so no agent need look long for a holder."""
    monkeypatch.setattr("pyros_mqtt.agent.ownership.NO_CLAIM", 0.05)


class Redis:
    """A Redis on a port of the loopback, that remembers nothing."""

    def __init__(self, port: int) -> None:
        self.port = port
        command = ["redis-server", "--port", str(port), "--bind", LOOPBACK]
        self._process = GuardedProcess([*command, "--save", "", "--appendonly", "no"])
        until(lambda: answers(port))

    def url(self, database: int) -> str:
        return f"redis://{LOOPBACK}:{self.port}/{database}"

    def holds_a_task(self) -> bool:
        """Whether Celery has put one into its queue, and no worker has taken it."""
        with Client(host=LOOPBACK, port=self.port) as client:
            return bool(client.llen("jobs"))

    def stop(self) -> None:
        self._process.stop()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    """A Redis for the whole run; each of its users takes databases of its own."""
    need("redis-server")
    redis = Redis(any_free_port())
    yield redis
    redis.stop()


class Worker:
    """A real Celery worker; what it prints can be waited for."""

    def __init__(self, *options: str, **jobs: str) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYROS_")}
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            [
                *(sys.executable, "-m", "celery", "-A", "tests.contrib.tasks.celery_app", "worker"),
                *("-l", "INFO", "--without-gossip", "--without-mingle", *options),
            ],
            cwd=ROOT,
            env=environment | {"PYTHONPATH": f"{ROOT}:{ROOT / 'agents'}"} | jobs,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ready(self) -> Worker:
        """Wait until it takes tasks."""
        assert self.prints(" ready."), self.printed
        return self

    @property
    def printed(self) -> str:
        return "".join(self._lines)

    def prints(self, text: str, timeout: float = 20.0) -> bool:
        """Wait until it has printed a text."""
        with self._changed:
            over = self._changed.wait_for(
                lambda: text in self.printed or not self._reader.is_alive(), timeout
            )
            return over and text in self.printed

    def ends(self, timeout: float = 15.0) -> int:
        """Wait for its end; its exit code."""
        code = self.process.wait(timeout)
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end, and see that it does; by SIGQUIT without waiting for its tasks."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.ends()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.ends()
            raise

    def _read(self) -> None:
        for line in self.process.stdout or ():
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()


def jobs(broker: str, backend: str | None, folder: Path, **more: str) -> dict[str, str]:
    """The environment of a worker of `celery_app`."""
    place = {"JOBS_BROKER": broker, "JOBS_BACKEND": backend or "", "JOBS_FOLDER": str(folder)}
    return place | more


def pyros(url: BrokerUrl, root: str) -> dict[str, str]:
    """The settings of a process, as environment."""
    return {"PYROS_BROKERS": str(url), "PYROS_ROOT": root}
