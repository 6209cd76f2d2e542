"""What `pyros bench` says of a broker's figures, and its trial over the loopback."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pyros_mqtt.broker_speed import Rate, Speed, Trial, TrialFailed, limits
from pyros_mqtt.loopback import Loopback, LoopbackTransport
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Fate, Parcel


class Denying(Loopback):
    """A broker whose rules allow nothing."""

    def route(self, parcel: Parcel) -> str:
        del parcel
        return Fate.REFUSED


class Absent(Loopback):
    """A broker that answers nobody."""

    def attach(self, client: LoopbackTransport) -> None:
        """Let it wait."""


class Noting(Loopback):
    """A broker that remembers what passed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Parcel] = []

    def route(self, parcel: Parcel) -> str:
        self.seen.append(parcel)
        return super().route(parcel)


IDLE = Rate(size=100, qos=1, per_second=5000, cpu_share=0.4)


TRIPS, THREES = (0.001,) * 100, (0.001,) * 20
GOOD = Speed(0.0001, 0.01, False, TRIPS, THREES, (IDLE,), load=0.1)  # noqa: FBT003 - no TLS


def test_a_fast_broker_is_limited_by_nothing_that_matters() -> None:
    said = limits(GOOD)
    assert "nothing that is worth a change: 1 ms" in said[0]
    assert "the broker or the network" in said[1]
    assert len(said) == 2


@pytest.mark.parametrize(
    ("differing", "words"),
    [
        ({"threes": (0.044,) * 20}, "set_tcp_nodelay true"),
        ({"threes": (*THREES[5:], *(0.044,) * 5)}, "set_tcp_nodelay true"),
        ({"trips": (0.025,) * 9, "network": 0.02}, "the network: 20 ms of a round trip of 25 ms"),
        ({"trips": (0.3,) * 9}, "the broker: a round trip takes 300 ms"),
        ({"trips": (*TRIPS[2:], 0.2, 0.2)}, "one message in a hundred takes 200 ms"),
        ({"is_tls": True, "connecting": 0.2}, "TLS: a connection takes 200 ms"),
        ({"rates": (Rate(100, 1, 9000, 0.97),)}, "this process, which sends and reads"),
        ({"rates": (Rate(100, 0, 9000, 0.5, lost=7),)}, "7 messages did not come back"),
        ({"load": 5.5}, "5.5 programs want each of its cores"),
    ],
)
def test_what_limits_is_said(differing: dict[str, Any], words: str) -> None:
    assert any(words in one for one in limits(replace(GOOD, **differing)))


def test_a_connection_without_tls_is_not_blamed_on_it() -> None:
    assert not any("TLS" in one for one in limits(replace(GOOD, connecting=0.5)))


def test_the_quantiles_are_those_of_the_trips() -> None:
    found = replace(GOOD, trips=(*TRIPS[2:], 0.5, 0.5))
    assert found.trip == pytest.approx(0.001)
    assert found.slow_trip == pytest.approx(0.5)


def test_a_trial_counts_and_times_its_messages() -> None:
    bus = Loopback()
    with Trial(bus, Topics("t")) as trial:
        trips = trial.round_trips(3, in_a_row=2)
        rate = trial.bursts(100, 1, 0.1)
    assert len(trips) == 3
    assert min(trips) > 0
    assert rate.per_second > 0
    assert rate.lost == 0


def test_large_messages_come_in_small_bursts() -> None:
    bus = Noting()
    with Trial(bus, Topics("t")) as trial:
        trial.bursts(10_000, 1, 0.1)
    assert len(bus.seen) == 10


def test_a_broker_that_denies_the_topic_is_told() -> None:
    with Trial(Denying(), Topics("t")) as trial, pytest.raises(TrialFailed, match="access rules"):
        trial.bursts(100, 1, 0.1)


def test_a_broker_that_does_not_answer_is_told() -> None:
    trial = Trial(Absent(), Topics("t"), patience=0.1)
    with pytest.raises(TrialFailed, match="no broker answers"):
        trial.__enter__()


def test_its_topics_belong_to_a_made_up_agent_and_nothing_is_kept() -> None:
    bus = Noting()
    with Trial(bus, Topics("esp/t60")) as trial:
        trial.round_trips(1)
    (parcel,) = bus.seen
    address = Topics("esp/t60").parse(parcel.topic)
    assert address is not None
    assert (address.agent[:6], address.branch) == ("bench-", "trial")
    assert not parcel.retain
