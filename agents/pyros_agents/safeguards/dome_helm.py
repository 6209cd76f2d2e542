"""The orders that a dome takes, each in one with what it means for the attempt to close."""

from __future__ import annotations

from pyros_agents.astronomy.sky import SkyClock
from pyros_agents.devices.enclosure import Enclosure, EnclosureReading
from pyros_agents.devices.helm import Helm
from pyros_agents.safeguards.closing import Closing


class DomeHelm(Helm):
    """Passes on the orders of a dome, and knows what becomes of its closing; any thread may call.

    Args:
        enclosure: the dome's driver.
        closing: the attempt to close.
        clock: the sky's.
    """

    def __init__(self, enclosure: Enclosure, closing: Closing, clock: SkyClock) -> None:
        """Begin with nobody at the helm."""
        super().__init__()
        self._enclosure, self._closing, self._clock = enclosure, closing, clock

    def close(self) -> None:
        """Take over and close; it is an attempt once the driver has taken the order."""
        self.take(self._close)

    def stop(self) -> None:
        """Take over and stop; nothing is attempted any more."""
        self.take(self._stop)

    def hold(self) -> None:
        """Take over, stop, and move no more until `release`."""
        self.take(self._hold)

    def release(self) -> None:
        """Take over and allow motion; an attempt that failed is forgotten."""
        self.take(self._release)

    def judge(self, turn: int, reading: EnclosureReading) -> None:
        """See what has become of an attempt; while a person holds the dome there is none.

        `turn` is from before the reading: news older than the last order stop nothing.
        """
        if reading.held:
            self.steer(turn, self._closing.call_off)
        elif self._closing.look(reading.shutter, self._clock.elapsed()):
            self.steer(turn, self._enclosure.stop)

    def _close(self) -> None:
        self._enclosure.close()
        self._closing.order(self._clock.elapsed())

    def _stop(self) -> None:
        self._closing.call_off()
        self._enclosure.stop()

    def _hold(self) -> None:
        self._closing.call_off()
        self._enclosure.hold()

    def _release(self) -> None:
        self._closing.call_off()
        self._enclosure.release()
