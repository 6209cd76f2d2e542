"""Starts the processes under test, in milliseconds, and does to them what faults do.

They are forked, but they import the main module of whoever starts them: a script that does needs
`if __name__ == "__main__":`.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from pyros_mqtt.settings import BrokerUrl
from tests.faults import subject
from tests.faults.builds import BUILD
from tests.faults.harness import Setting

REPOSITORY = Path(__file__).parents[2]

# A new interpreter takes a second of a core; a fork of one that has imported all, hundredths of it.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.faults.subject", "pyros_mqtt.link", "pyros_mqtt.settings"])


class Process:
    """One process under test. Whatever becomes of its parent, it does not outlive it."""

    def __init__(self, environment: Mapping[str, str], *words: str) -> None:
        self._process = _FORKS.Process(target=_play, args=(dict(environment), words))
        self._process.start()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid or 0

    @property
    def is_alive(self) -> bool:
        """It runs, or is frozen."""
        return self._process.is_alive()

    def signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self._process.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, timeout: float = 20.0) -> int | None:
        """Wait for its end; the exit code, minus the signal that ended it, or None."""
        self._process.join(timeout)
        return self._process.exitcode

    def kill(self) -> None:
        """End it without a goodbye, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        self.wait()

    def freeze(self) -> None:
        """Stop it where it is; its sockets stay open."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.signal(signal.SIGCONT)


class FreshProcess(Process):
    """A process under test in an interpreter of its own, for what must be there from its start."""

    def __init__(self, environment: Mapping[str, str], *words: str) -> None:
        log = Path(environment["PYROS_STATE_DIR"]) / "log.txt"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._popen = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, "-m", "tests.faults.subject", *words],
                cwd=REPOSITORY,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    @property
    def pid(self) -> int:
        """Its number."""
        return self._popen.pid

    @property
    def is_alive(self) -> bool:
        """It runs, or is frozen."""
        return self._popen.poll() is None

    def signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        self._popen.send_signal(number)

    def wait(self, timeout: float = 20.0) -> int | None:
        """Wait for its end; the exit code, minus the signal that ended it, or None."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(timeout)
        return self._popen.returncode


def environment(
    setting: Setting, url: BrokerUrl, root: str, state: Path, **more: str
) -> dict[str, str]:
    """What a process under test is told: its broker, its topics, its folder, its build."""
    path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "agents")])
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PYROS_")}
    return {
        **kept,
        "PYTHONPATH": path,
        BUILD: setting.build,
        "PYROS_BROKERS": str(url),
        "PYROS_ROOT": root,
        "PYROS_STATE_DIR": str(state),
        "PYROS_BEAT": "1",
        "PYROS_KEEPALIVE": "5",
        **more,
    }


def _play(variables: dict[str, str], words: tuple[str, ...]) -> None:
    """Runs in the fork."""
    os.environ.clear()
    os.environ.update(variables)
    state = Path(variables["PYROS_STATE_DIR"])
    state.mkdir(parents=True, exist_ok=True)
    log = os.open(state / "log.txt", os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    os.dup2(log, 1)
    os.dup2(log, 2)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    subject.main(*words)


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
