"""Keeps one command running: starts it, hands on what it prints, starts it again when it fails."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from pyros_mqtt.broker.guarded import GuardedProcess
from pyros_mqtt.supervisor.pauses import Pauses

OnLine = Callable[[str, str], None]
"""Called with an agent's name and one line that it has printed."""

log = logging.getLogger(__name__)

_LOOK = 0.1  # seconds between two looks at a process that runs


class Keeper:
    """One agent's process, over all of its lives. `start`, `stop` and `join` are for any thread.

    Attributes:
        name: the agent's.
        restarts: how often it has been started again.
        exit_code: of its latest end; None before the first one.
        started: POSIX seconds of the latest start; infinite before the first one.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        on_line: OnLine,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.restarts = 0
        self.exit_code: int | None = None
        self.started = float("inf")
        self._command = command
        self._environment = dict(environment or {})
        self._on_line = on_line
        self._pauses = Pauses()
        self._stopping = threading.Event()
        self._patience = 5.0
        self._thread = threading.Thread(target=self._run, name=f"keeper {name}", daemon=True)

    @property
    def is_kept(self) -> bool:
        """It runs, or will be started again."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start it and keep it running. Returns at once."""
        self._thread.start()

    def stop(self, patience: float) -> None:
        """Ask it to end, by force after `patience` seconds. Returns at once."""
        self._patience = patience
        self._stopping.set()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until it has ended for good; whether it has within `timeout` seconds."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    # -- the keeper's thread ------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            started = time.monotonic()
            code = self._live()
            self.exit_code = code
            if self._stopping.is_set():
                return
            pause = self._pauses.after(code, time.monotonic() - started)
            if pause is None:
                log.info("%s has ended, as it was told to", self.name)
                return
            log.warning(
                "%s ended with exit code %d; it is started again in %g s", self.name, code, pause
            )
            self._stopping.wait(pause)
            self.restarts += not self._stopping.is_set()

    def _live(self) -> int:
        """One life, from the start to the exit code."""
        read_end, write_end = os.pipe()
        with os.fdopen(write_end, "w") as log_end:
            self.started = time.time()
            process = GuardedProcess(self._command, log_end, self._environment)
        reader = threading.Thread(
            target=self._hand_on, args=(os.fdopen(read_end, errors="replace"),), daemon=True
        )
        reader.start()
        code = self._watch(process)
        # a grandchild may hold the pipe open for ever
        reader.join(1.0)
        return code

    def _watch(self, process: GuardedProcess) -> int:
        try:
            while True:
                try:
                    return process.wait(_LOOK)
                except TimeoutError:
                    if self._stopping.is_set():
                        break
        finally:
            # also where only the guard has been killed, so that the agent does not live on
            process.stop(self._patience)
        return process.wait()

    def _hand_on(self, printed: IO[str]) -> None:
        with printed:
            for line in printed:
                self._on_line(self.name, line.rstrip("\n"))
