"""The records of an agent's log -> its log topics."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

from pyros_mqtt import wire
from pyros_mqtt.messages import LogRecord
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Fate, Parcel, Transport

LEVELS = ("debug", "info", "warning", "error", "critical")

BURST, A_SECOND = 50, 10.0
"""Records that may leave at once, and how many a second in the long run."""

_LIBRARY = "pyros_mqtt"
_SILENT = (f"{_LIBRARY}.link", f"{_LIBRARY}.loopback", f"{_LIBRARY}.telemetry", __name__)
"""What these say of sending must not be sent."""


class Logbook(logging.Handler):
    """Publishes what an agent's own loggers record, and what the library records in its threads.

    `pyros.NAME` and the loggers below it are the agent's. Records leave at QoS 0 and are not kept
    over an outage; what is left out, because there is no connection or too much is said, is
    counted and told with the next record. Nothing here blocks.

    Args:
        agent: whose log it is.
        topics: where it goes.
        transport: what takes it there.
        level: the least level, or `off`.
    """

    def __init__(self, agent: str, topics: Topics, transport: Transport, level: str) -> None:
        super().__init__(logging.CRITICAL + 1 if level == "off" else level.upper())
        self._agent = agent
        self._topics = topics
        self._transport = transport
        self._tokens = float(BURST)
        self._refilled = time.monotonic()
        self._left_out = 0
        self._count_lock = threading.Lock()
        self._here = threading.local()
        self._own = logging.getLogger(f"pyros.{agent}")
        self._level_before = self._own.level
        self._loggers = [] if level == "off" else [self._own, logging.getLogger(_LIBRARY)]
        self.addFilter(self._is_ours)
        for logger in self._loggers:
            logger.addHandler(self)
        if self._loggers and not any(_others(self._own)):
            # nobody has set logging up, so nothing that is said at this level shows elsewhere
            self._own.setLevel(min(self.level, self._own.getEffectiveLevel()))

    def close(self) -> None:
        """Publish nothing more."""
        for logger in self._loggers:
            logger.removeHandler(self)
        if self._loggers:
            self._own.setLevel(self._level_before)
        super().close()

    def handle(self, record: logging.LogRecord) -> bool:
        """Take a record; without a lock, since a lock could make its author wait."""
        if getattr(self._here, "is_busy", False) or not self.filter(record):
            return False
        self._here.is_busy = True
        try:
            self.emit(record)
        except Exception:  # noqa: BLE001 - a bad record must not hurt its author
            self._count(1)
        finally:
            self._here.is_busy = False
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Publish a record, or count it."""
        self._show_anyway(record)
        left_out = self._allowance()
        if left_out is None:
            return
        level = _level(record)
        told = LogRecord(
            record.created, level, record.name, record.getMessage(), _exception(record), left_out
        )
        parcel = Parcel(self._topics.log(self._agent, level), wire.encode_log(told), qos=0)
        self._transport.publish(parcel, lambda fate: self._learn(fate, left_out + 1))

    def _is_ours(self, record: logging.LogRecord) -> bool:
        own = self._own.name
        if record.name == own or record.name.startswith(f"{own}."):
            return True
        if record.name.startswith(_SILENT):
            return False
        thread = record.threadName or ""
        return thread in {f"agent {self._agent}", f"urgent {self._agent}"}

    def _show_anyway(self, record: logging.LogRecord) -> None:
        """Python shows warnings that no handler takes; our being here must not hide them."""
        resort = logging.lastResort
        shows = resort is not None and record.levelno >= resort.level
        if shows and resort is not None and not any(_others(logging.getLogger(record.name))):
            resort.handle(record)

    def _allowance(self) -> int | None:
        """How many records were left out before this one; None: it is left out, too."""
        with self._count_lock:
            now = time.monotonic()
            self._tokens = min(BURST, self._tokens + (now - self._refilled) * A_SECOND)
            self._refilled = now
            if self._tokens < 1 or not self._transport.is_up:
                self._left_out += 1
                return None
            self._tokens -= 1
            left_out, self._left_out = self._left_out, 0
            return left_out

    def _learn(self, fate: str, records: int) -> None:
        if fate not in {Fate.TAKEN, Fate.NO_SUBSCRIBER}:
            self._count(records)

    def _count(self, records: int) -> None:
        with self._count_lock:
            self._left_out += records


def _others(logger: logging.Logger) -> Iterator[logging.Handler]:
    """The handlers that show a logger's records on this machine."""
    one: logging.Logger | None = logger
    while one is not None:
        yield from (handler for handler in one.handlers if not isinstance(handler, Logbook))
        one = one.parent if one.propagate else None


def _level(record: logging.LogRecord) -> str:
    """The nearest of the five levels that is not above the record's."""
    return LEVELS[max(0, min(4, record.levelno // 10 - 1))]


def _exception(record: logging.LogRecord) -> str:
    if record.exc_info and record.exc_info[0] is not None:
        return logging.Formatter().formatException(record.exc_info)
    return record.exc_text or ""
