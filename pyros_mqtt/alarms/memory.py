"""The alarms on this machine's disk, so that a restart forgets no acknowledgement.

The broker keeps them, too; whichever copy is younger counts.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path

from pyros_mqtt.errors import BadPayload
from pyros_mqtt.messages import Alarm
from pyros_mqtt.wire import decode_alarm, encode_alarm

log = logging.getLogger(__name__)


class Memory:
    """One file, an alarm a line, written whole or not at all."""

    def __init__(self, file: Path, agent: str) -> None:
        self._file = file
        self._agent = agent

    def load(self) -> list[Alarm]:
        """Read what is there; lines that cannot be read are told of in the log.

        Raises:
            OSError: there is a file, and the disk does not give it.
        """
        try:
            lines = self._file.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        alarms = []
        for line in lines:
            try:
                name, _, payload = line.partition(b" ")
                alarms.append(decode_alarm(payload, self._agent, name.decode()))
            except (BadPayload, UnicodeDecodeError) as error:
                log.warning("%s: passed over: %s", self._file, error)
        return alarms

    def save(self, alarms: Iterable[Alarm]) -> None:
        """Write all alarms that are not normal.

        Raises:
            OSError: the disk does not take them.
        """
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(f".{os.getpid()}")
        try:
            with draft.open("wb") as file:
                for one in alarms:
                    file.write(one.alarm.encode() + b" " + encode_alarm(one) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._file)
        finally:
            draft.unlink(missing_ok=True)
