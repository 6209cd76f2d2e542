"""The last thing that an agent does to its device, which is not to fail for one bad answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from pyros_agents.astronomy.sky import SkyClock

POLL = 0.2
"""Wall seconds between two attempts, and between two looks at a device that moves."""


@dataclass(frozen=True, slots=True)
class LastAct:
    """Insists, for a while and no longer, that a device is left safe.

    Attributes:
        clock: the sky's.
        patience: sky seconds after which the agent ends all the same.
        sleep: how the agent waits.
        log: where it tells of what was not done.
    """

    clock: SkyClock
    patience: float
    sleep: Callable[[float], None]
    log: logging.Logger | logging.LoggerAdapter[logging.Logger]

    def play(self, is_done: Callable[[], bool]) -> None:
        """Call `is_done` until it says so; where it raises, it is called again."""
        end, trouble = self.clock.elapsed() + self.patience, "it has not come to its end"
        while self.clock.elapsed() <= end:
            try:
                if is_done():
                    return
            except Exception as error:  # noqa: BLE001 - whatever a driver raises
                trouble = repr(error)
            self.sleep(POLL)
        self.log.error("the device is left as it is after %g s: %s", self.patience, trouble)
