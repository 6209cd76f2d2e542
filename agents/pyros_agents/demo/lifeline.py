"""Whether the play's words still reach anybody: its broker, and its own connection to that."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

from pyros_mqtt import Fleet
from pyros_mqtt.broker import RunningBroker

PATIENCE = 10.0
"""Wall seconds without a connection after which the play is given up."""


class BrokerGone(Exception):
    """Nobody carries the messages any more; the text says why, and where to look."""


class Lifeline:
    """Watches a broker, and one connection to it. For one thread at a time."""

    def __init__(self, broker: RunningBroker, fleet: Fleet) -> None:
        """Watch the connection of `fleet`, which somebody else opens and closes."""
        self._broker = broker
        self._fleet = fleet
        self._seen = time.monotonic()
        self._verdict = ""

    @property
    def is_cut(self) -> bool:
        """The play has been given up."""
        return bool(self._verdict)

    def check(self) -> None:
        """Return while there is hope.

        Raises:
            BrokerGone: the broker's process has ended, or has not been reached for `PATIENCE`.
        """
        if self._fleet.is_up:
            self._seen = time.monotonic()
        if not self._verdict:
            self._verdict = self._death() or self._silence()
        if self._verdict:
            raise BrokerGone(self._verdict)

    def _death(self) -> str:
        if self._broker.is_running:
            return ""
        log = _rescued(self._broker.log)
        where = f"; its log is {log}" if log else ""
        return f"the broker has died with exit code {self._broker.wait()}{where}"

    def _silence(self) -> str:
        away = time.monotonic() - self._seen
        if away < PATIENCE:
            return ""
        reason = self._fleet.trouble
        return f"the broker has been out of reach for {away:.0f} s: {reason}"


def _rescued(log: Path | None) -> Path | None:
    """Copy a log out of the folder that ends with the play."""
    if log is None:
        return None
    try:
        number, name = tempfile.mkstemp(prefix="pyros-demo-broker-", suffix=".log")
        os.close(number)
        shutil.copyfile(log, name)
    except OSError:
        return None
    return Path(name)
