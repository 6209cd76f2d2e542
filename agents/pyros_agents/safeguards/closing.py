"""Whether a shutter that was told to close does close."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from pyros_agents.devices.enclosure import ShutterState


@dataclass(slots=True)
class Closing:
    """One attempt to close: begun by `order`, ended by `look`. Any thread may call.

    Moments are those of `SkyClock.elapsed`: a clock that is set makes no attempt fail or last.

    Attributes:
        patience: how many sky seconds an attempt may take.
        has_failed: the last one has; a new one wants a new order, not a blind retry.
    """

    patience: float = 60.0
    has_failed: bool = False
    _began: float | None = None
    _lock: Lock = field(default_factory=Lock)

    @property
    def is_under_way(self) -> bool:
        """An attempt was ordered, and neither success nor failure has been seen."""
        return self._began is not None

    def order(self, now: float) -> None:
        """Begin an attempt."""
        with self._lock:
            self._began, self.has_failed = now, False

    def call_off(self) -> None:
        """End the attempt, because somebody wants the shutter to do something else."""
        with self._lock:
            self._began, self.has_failed = None, False

    def look(self, shutter: ShutterState, now: float) -> bool:
        """Judge by what was measured; tells whether the attempt has failed just now."""
        with self._lock:
            if shutter is ShutterState.CLOSED:
                self._began, self.has_failed = None, False
            late = self._began is not None and now - self._began > self.patience
            if late:
                self._began, self.has_failed = None, True
            return late
