"""Published = delivered + dropped, exactly, over real connections that break (QoS 1)."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any, Self

import pytest

from pyros_mqtt import Agent, Channel, wire
from pyros_mqtt.link import Brokers
from pyros_mqtt.messages import Status
from pyros_mqtt.settings import BrokerUrl, Settings
from pyros_mqtt.telemetry import Gaps, conveyor
from pyros_mqtt.telemetry.conveyor import Counts
from pyros_mqtt.transport import Delivery
from tests.system.device import settings_for, until
from tests.system.tcp_proxy import TcpProxy

ROUNDS = 4

PROMISED = ("single", "batched")
"""Channels of QoS 1."""


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader is always there: nothing has to wait for its return."""
    monkeypatch.setattr(conveyor, "HOLD", 0.2)


class Meter(Agent):
    """Measures as fast as it is told to."""

    channels = (
        Channel("single", qos=1),
        Channel("batched", qos=1, batch=50, batch_age=0.05),
        Channel("loose", batch=50, batch_age=0.05),
    )

    @property
    def counts(self) -> Counts:
        """Where its samples are."""
        return self._outfit.measured.counts()


class Reader:
    """Hears everything that a meter says, over a connection of its own that is never cut."""

    def __init__(self, settings: Settings, root: str) -> None:
        self.transport = Brokers(settings).transport(f"{root}-reader")
        self.gaps = {name: Gaps() for name in ("single", "batched", "loose")}
        self.samples = dict.fromkeys(self.gaps, 0)
        self.late = 0
        self.twice = 0
        self.status: Status | None = None
        self.values: dict[str, list[Any]] = {name: [] for name in self.gaps}
        self.transport.subscribe(f"{root}/meter/telemetry/+", self._hear)
        self.transport.subscribe(f"{root}/meter/status", self._hear_status)

    def __enter__(self) -> Self:
        self.transport.open()
        until(lambda: self.transport.is_up)
        return self

    def __exit__(self, *_: object) -> None:
        self.transport.close()

    def _hear(self, delivery: Delivery) -> None:
        name = delivery.topic.rsplit("/", 1)[1]
        columns = wire.decode_columns(delivery.payload, 0.0)
        self.late += columns.late
        if self.gaps[name].take(columns):
            self.samples[name] += len(columns)
            assert isinstance(columns.values, list)
            self.values[name] += columns.values
        else:
            self.twice += 1

    def _hear_status(self, delivery: Delivery) -> None:
        self.status = wire.decode_status(delivery.payload, "meter")


@contextlib.contextmanager
def measuring(meter: Meter, *names: str) -> Iterator[list[int]]:
    """Measure in a thread, a sample of each channel a millisecond; gives how many there are."""
    over, made = threading.Event(), [0]

    def measure() -> None:
        while not over.is_set():
            for name in names:
                meter.telemetry(name, made[0])
            made[0] += 1
            over.wait(0.001)

    thread = threading.Thread(target=measure)
    thread.start()
    try:
        yield made
    finally:
        over.set()
        thread.join()


@pytest.fixture
def proxy(broker_url: BrokerUrl) -> Iterator[TcpProxy]:
    with TcpProxy(broker_url) as proxy:
        yield proxy


def let_pass(made: list[int], count: int) -> None:
    """Wait until it has measured so many times more."""
    goal = made[0] + count
    until(lambda: made[0] > goal)


def break_again_and_again(proxy: TcpProxy, meter: Meter, made: list[int]) -> None:
    """Cut the connection while it measures; every other outage lasts until the buffer overflows."""
    for number in range(ROUNDS):
        let_pass(made, 50)
        proxy.is_closed = bool(number % 2)
        proxy.cut()
        let_pass(made, 450 if proxy.is_closed else 100)
        proxy.is_closed = False
        until(lambda: meter._alive.transport.is_up)


def end(meter: Meter, reader: Reader) -> Status:
    """Stop it once all has been sent, and give its last status."""
    until(lambda: meter.counts.waiting == 0)
    meter.stop()
    assert meter.join(10)
    until(lambda: reader.status is not None and reader.status.state == "stopped")
    assert reader.status is not None
    return reader.status


def test_not_one_sample_of_qos_1_is_unaccounted_for(
    proxy: TcpProxy, broker_url: BrokerUrl, topic_root: str
) -> None:
    meter = Meter(settings=settings_for(proxy.url, topic_root, outage_samples=400))
    with Reader(settings_for(broker_url, topic_root), topic_root) as reader:
        meter.start()
        assert meter.wait_ready()
        with measuring(meter, *PROMISED) as made:
            break_again_and_again(proxy, meter, made)
        dropped = end(meter, reader).dropped
        recorded = sum(reader.samples[name] for name in PROMISED)
        assert dropped > 0, "an outage has overflowed"
        assert 2 * made[0] == recorded + dropped
        assert meter.counts == Counts(2 * made[0], recorded, dropped, waiting=0)
        assert dropped == sum(reader.gaps[name].samples for name in PROMISED)
        for name in PROMISED:
            assert len(set(reader.values[name])) == reader.samples[name], "none was taken twice"


def test_at_qos_0_the_reader_knows_exactly_what_it_did_not_get(
    proxy: TcpProxy, broker_url: BrokerUrl, topic_root: str
) -> None:
    meter = Meter(settings=settings_for(proxy.url, topic_root, outage_samples=400))
    with Reader(settings_for(broker_url, topic_root), topic_root) as reader:
        meter.start()
        assert meter.wait_ready()
        with measuring(meter, "loose") as made:
            break_again_and_again(proxy, meter, made)
        dropped = end(meter, reader).dropped
        missed = reader.gaps["loose"].samples
        assert made[0] == reader.samples["loose"] + missed
        assert missed >= dropped > 0, (
            "what was written to a dying connection is in no count of ours"
        )


def test_with_room_enough_nothing_is_lost_and_all_comes_in_order(
    proxy: TcpProxy, broker_url: BrokerUrl, topic_root: str
) -> None:
    meter = Meter(settings=settings_for(proxy.url, topic_root))
    with Reader(settings_for(broker_url, topic_root), topic_root) as reader:
        meter.start()
        assert meter.wait_ready()
        proxy.is_closed = True
        proxy.cut()
        until(lambda: not meter._alive.transport.is_up)
        for number in range(3000):
            meter.telemetry("single", number)
        proxy.is_closed = False
        until(lambda: reader.samples["single"] == 3000)
        newest, *rest = reader.values["single"]
        assert newest == 2999
        assert rest == list(range(2999))
        meter.stop()
        assert meter.join(10)
        assert meter.counts.dropped == reader.gaps["single"].messages == 0


def test_live_samples_pass_while_the_past_is_sent(
    proxy: TcpProxy, broker_url: BrokerUrl, topic_root: str
) -> None:
    meter = Meter(settings=settings_for(proxy.url, topic_root))
    with Reader(settings_for(broker_url, topic_root), topic_root) as reader:
        meter.start()
        assert meter.wait_ready()
        proxy.is_closed = True
        proxy.cut()
        until(lambda: not meter._alive.transport.is_up)
        for number in range(5000):
            meter.telemetry("single", number)
        proxy.lag = 0.005  # a thin link, on which the past takes a while
        proxy.is_closed = False
        until(lambda: reader.late > 100)
        meter.telemetry("single", "live")
        until(lambda: "live" in reader.values["single"])
        assert reader.samples["single"] < 5000, "it did not wait for all that is older"
        proxy.lag = 0.0
        until(lambda: reader.samples["single"] == 5001)
        meter.stop()
        assert meter.join(10)
