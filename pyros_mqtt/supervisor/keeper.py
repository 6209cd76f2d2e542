"""Keeps one command running: starts it, hands on what it prints, starts it again when it fails."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from pyros_mqtt.broker.guarded import GuardedProcess
from pyros_mqtt.supervisor.pauses import LONGEST, Pauses

OnLine = Callable[[str, str], None]
"""Called with an agent's name and one line that it has printed."""

log = logging.getLogger(__name__)

_NOT_STARTED = 127  # as shells have it


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
        *,
        longest_pause: float = LONGEST,
    ) -> None:
        self.name = name
        self.restarts = 0
        self.exit_code: int | None = None
        self.started = float("inf")
        self._command = command
        self._environment = dict(environment or {})
        self._on_line = on_line
        self._pauses = Pauses(longest=longest_pause)
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._process: GuardedProcess | None = None
        self._thread = threading.Thread(target=self._run, name=f"keeper {name}", daemon=True)

    @property
    def is_kept(self) -> bool:
        """It runs, or will be started again."""
        return self._thread.ident is not None and not self._ended.is_set()

    def start(self) -> None:
        """Start it and keep it running. Returns at once."""
        self._thread.start()

    def stop(self, patience: float) -> None:
        """Ask it to end, by force after `patience` seconds, and wait until it has."""
        self._stopping.set()
        process = self._process
        if process is not None:
            process.stop(patience)
        self.join()

    def kill(self) -> bool:
        """Kill -9 its present life, which is then started again; whether there was one."""
        process = self._process
        if process is None or not process.is_running:
            return False
        process.kill()
        return True

    def join(self, timeout: float | None = None) -> bool:
        """Wait until it has ended for good; whether it has within `timeout` seconds."""
        # no Thread.join: Python 3.11 takes a thread for ended whose join a Ctrl-C has interrupted
        return self._thread.ident is None or self._ended.wait(timeout)

    # -- the keeper's thread ------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._keep()
        finally:
            self._ended.set()

    def _keep(self) -> None:
        while True:
            started = time.monotonic()
            self.exit_code = self._live()
            if self._stopping.is_set():
                return
            pause = self._pauses.after(self.exit_code, time.monotonic() - started)
            if pause is None:
                log.info("%s has ended, as it was told to", self.name)
                return
            log.warning(
                "%s ended with exit code %d; it is started again in %g s",
                self.name, self.exit_code, pause,
            )  # fmt: skip
            if self._stopping.wait(pause):
                return
            self.restarts += 1

    def _live(self) -> int:
        """One life, from the start to the exit code."""
        try:
            process, printed = self._begin()
        except OSError as error:  # too many processes or files: that may pass
            log.warning("%s cannot be started: %s", self.name, error)
            return _NOT_STARTED
        if self._stopping.is_set():  # whoever asked for it may have come too early to see it
            process.stop()
        reader = threading.Thread(target=self._hand_on, args=(printed,), daemon=True)
        reader.start()
        code = process.wait()
        # also where only the guard has been killed, so that the agent does not live on
        process.stop()
        # a grandchild may hold the pipe open for ever
        reader.join(1.0)
        return code

    def _begin(self) -> tuple[GuardedProcess, IO[str]]:
        """Start the process; gives it, and what it prints."""
        read_end, write_end = os.pipe()
        printed = os.fdopen(read_end, errors="replace")
        try:
            with os.fdopen(write_end, "w") as log_end:
                self.started = time.time()
                self._process = GuardedProcess(self._command, log_end, self._environment)
        except OSError:
            printed.close()
            raise
        return self._process, printed

    def _hand_on(self, printed: IO[str]) -> None:
        """Read on whatever happens to a line: a closed pipe would fail the agent's own prints."""
        is_lost = False
        with printed:
            for line in printed:
                try:
                    self._on_line(self.name, line.rstrip("\n"))
                except Exception as error:  # noqa: BLE001 - a full disk, or anybody's code
                    if not is_lost:  # once, not for each line
                        log.warning("what %s prints cannot be passed on: %s", self.name, error)
                    is_lost = True
                else:
                    is_lost = False
