"""What a trial of a broker has measured. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Rate:
    """Messages of one size and QoS: how many a second came, what this process spent of a core."""

    size: int
    qos: int
    per_second: float
    cpu_share: float
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Speed:
    """Everything of one trial; all times in seconds.

    Attributes:
        network: a TCP connection, which is one round trip without the broker; None: not measured.
        connecting: until the broker had accepted us, with TLS where it is on.
        trips: messages one at a time, from our `publish` until they were back.
        threes: three in a row, until the last of them was back.
        rates: messages at once.
        load: how many programs wanted each core of this machine when it began; None: not known.
    """

    network: float | None
    connecting: float
    is_tls: bool
    trips: tuple[float, ...]
    threes: tuple[float, ...]
    rates: tuple[Rate, ...]
    load: float | None = None

    @property
    def trip(self) -> float:
        """The median of the single round trips."""
        return median(self.trips)

    @property
    def slow_trip(self) -> float:
        """What 99 of 100 single round trips do not exceed."""
        return share_of(self.trips, 0.99)

    @property
    def three(self) -> float:
        """The median of three in a row."""
        return median(self.threes)

    @property
    def lost(self) -> int:
        """Messages that never came back."""
        return sum(one.lost for one in self.rates)


def share_of(values: tuple[float, ...], share: float) -> float:
    """The value that `share` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
