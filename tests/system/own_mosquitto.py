"""A mosquitto of one test's own: with options, killed the hard way, and started again."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path
from typing import Self

from pyros_mqtt.broker import configuration
from pyros_mqtt.broker.kinds import find_mosquitto
from pyros_mqtt.broker.ports import LOOPBACK, answers, any_free_port
from pyros_mqtt.settings import BrokerUrl
from tests.need import need
from tests.system.device import until


class OwnMosquitto:
    """Runs with the project's configuration; `options` replace its lines or are added.

    It listens on `host`; its log goes to `log`.
    """

    def __init__(self, folder: Path, host: str = LOOPBACK, **options: str) -> None:
        need("mosquitto")
        self.port = any_free_port()
        self.url = BrokerUrl("mqtt", "127.0.0.1", self.port)
        self.log = folder / "mosquitto.log"
        self._file = folder / "mosquitto.conf"
        kept = [
            line
            for line in configuration(self.port, host).splitlines()
            if line.partition(" ")[0] not in options
        ]
        if os.geteuid() == 0:
            options |= {"user": "root"}  # or it could not read the files of this test
        added = [f"{key} {value}" for key, value in options.items()]
        self._file.write_text("\n".join([*kept, *added]) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, empty."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - mosquitto
                [find_mosquitto() or "mosquitto", "-c", str(self._file)], stderr=log, stdout=log
            )
        try:
            until(lambda: answers(self.port))
        except AssertionError:
            self.kill()
            raise

    def send(self, number: int) -> None:
        """Send its process a signal, such as one that lets it pause."""
        if self._process is not None:
            self._process.send_signal(number)

    def hurry(self, nice: int) -> None:
        """Let it be served before (below 0) or after others, where that is allowed."""
        if self._process is not None:
            with contextlib.suppress(PermissionError):
                os.setpriority(os.PRIO_PROCESS, self._process.pid, nice)

    def kill(self) -> None:
        """End it without a goodbye."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None
