"""The example project in a folder of its own, what serves it, and who sees its agent."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pyros_mqtt import Fleet, Settings
from pyros_mqtt.link import Brokers
from pyros_mqtt.messages import State, Status
from pyros_mqtt.settings import BrokerUrl
from pyros_mqtt.topics import Topics

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "examples" / "django_observatory"

PATIENCE = 90.0
"""Seconds that a server may take to start on a slow machine."""

AGENT = "alert_manager"

BY_HAND = """
from django.apps import AppConfig


class AlertManagerConfig(AppConfig):
    name = 'alert_manager'

    def ready(self):
        from alert_manager.agent import AlertManagerAgent
        self.agent = AlertManagerAgent()
        self.agent.start()
"""
"""How PyROS did it."""


class WebProcess:
    """One process, in a group of its own; what it prints goes to a file."""

    def __init__(self, words: list[str], folder: Path, environment: dict[str, str]) -> None:
        self.words = words
        self._log = folder / f"printed-{time.monotonic_ns()}"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, *words],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def printed(self) -> str:
        return self._log.read_text(errors="replace")

    def until_printed(self, text: str, times: int = 1) -> None:
        until(lambda: self.printed.count(text) >= times, lambda: f"{text!r} in:\n{self.printed}")

    def has_printed(self, text: str, times: int = 1) -> bool:
        return self.printed.count(text) >= times

    def end(self, number: int = signal.SIGTERM, timeout: float = 12.0) -> int:
        """Send a signal to the process alone, and wait for its end."""
        self._process.send_signal(number)
        return self.wait(timeout)

    def interrupt(self, timeout: float = 12.0) -> int:
        """Press Ctrl-C, which the whole group hears."""
        os.killpg(self.pid, signal.SIGINT)
        return self.wait(timeout)

    def wait(self, timeout: float = PATIENCE) -> int:
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.words} still runs; printed:\n{self.printed}") from None

    def kill(self) -> None:
        """End what is left of the group."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()


class Project:
    """A copy of the example with a database, on a broker and under a root of its own."""

    def __init__(self, folder: Path, url: BrokerUrl, root: str) -> None:
        self.folder = folder / "project"
        self.state = folder / "state"
        shutil.copytree(
            EXAMPLE, self.folder, ignore=shutil.ignore_patterns("__pycache__", "*.sqlite3*")
        )
        self.settings = Settings(brokers=(url,), root=root, state_dir=self.state)
        self.environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYROS_BROKERS": str(url),
            "PYROS_ROOT": root,
            "PYROS_STATE_DIR": str(self.state),
        }
        self._started: list[WebProcess] = []

    def start_by_hand(self) -> None:
        """Go back to PyROS's way."""
        (self.folder / "alert_manager" / "apps.py").write_text(BY_HAND)

    def touch(self, file: str) -> None:
        """Change a file without changing what it says."""
        path = self.folder / file
        path.write_text(f"{path.read_text()}\n# changed\n")

    def touch_until(self, file: str, condition: Callable[[], object]) -> None:
        """Change a file, and again every few seconds, until that has been noticed."""
        for _ in range(6):
            self.touch(file)
            with contextlib.suppress(AssertionError):
                until(condition, lambda: "", timeout=6.0)
                return
        assert condition(), f"nobody noticed that {file} has changed"

    def manage(self, *words: str) -> WebProcess:
        return self._start(["manage.py", *words])

    def finished(self, *words: str) -> WebProcess:
        """Run a management command to its end."""
        process = self.manage(*words)
        process.wait()
        return process

    def gunicorn(self, *words: str, workers: int = 3) -> WebProcess:
        options = ["--workers", str(workers), "--bind", "127.0.0.1:0", "--no-control-socket"]
        return self._start(["-m", "gunicorn", *options, *words, "observatory.wsgi"])

    def _start(self, words: list[str]) -> WebProcess:
        process = WebProcess(words, self.folder, self.environment)
        self._started.append(process)
        return process

    def kill_all(self) -> None:
        for process in self._started:
            process.kill()


class Observer:
    """Sees the lives of the project's agent, on a connection of its own."""

    def __init__(self, settings: Settings) -> None:
        self.sessions: list[str] = []
        self._fleet = Fleet(Brokers(settings), Topics(settings.root))
        self._fleet.on_change(self._note)
        self._changed = threading.Event()

    @contextmanager
    def watching(self) -> Iterator[Observer]:
        with self._fleet:
            assert self._fleet.wait_until(lambda: self._fleet.is_up, PATIENCE)
            yield self

    @property
    def status(self) -> Status | None:
        member = self._fleet.get(AGENT)
        return member.status if member else None

    def until_ready(self, but_not: Status | None = None, timeout: float = PATIENCE) -> Status:
        """Wait for a life that takes commands, another one than `but_not`."""
        old = but_not.session if but_not else ""
        return self._until(
            lambda one: one.state.takes_commands and one.session != old, "ready", timeout
        )

    def until_said_goodbye(self) -> Status:
        return self._until(lambda one: not one.state.is_alive, "stopped", 10.0)

    def _until(self, condition: Callable[[Status], bool], what: str, timeout: float) -> Status:
        def is_so() -> bool:
            return self.status is not None and condition(self.status)

        assert self._fleet.wait_until(is_so, timeout), f"not {what}: {self.status}"
        assert self.status is not None
        return self.status

    def _note(self, name: str) -> None:
        member = self._fleet.get(name)
        if member and member.status and member.status.state is not State.LOST:
            session = member.status.session
            if session not in self.sessions:
                self.sessions.append(session)


def until(
    condition: Callable[[], object], told: Callable[[], str], timeout: float = PATIENCE
) -> None:
    """Look at something outside of this process until it is so."""
    deadline, pause = time.monotonic() + timeout, threading.Event()
    while not condition():
        assert time.monotonic() < deadline, told()
        pause.wait(0.05)
