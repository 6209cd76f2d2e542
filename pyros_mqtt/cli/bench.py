"""`pyros bench`: how fast the broker is from here, and what limits it."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING, Annotated

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.endings import NO_ANSWER, Trouble
from pyros_mqtt.cli.reach import Reach

if TYPE_CHECKING:
    from pyros_mqtt.broker_speed import Speed, Trial
    from pyros_mqtt.settings import BrokerUrl

TRIPS, THREES = 100, 20
GENTLE, HARD = 0.75, 1.0
"""Seconds for each size and quality of service."""

SIZES = (100, 10_000)
LARGEST = 200_000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=example("pyros bench", "pyros bench --size 100 --size 100000 --hard"))(bench)


def bench(
    context: typer.Context,
    size: Annotated[
        list[int] | None,
        typer.Option(min=10, max=LARGEST, metavar="BYTES", help="Payload; may be repeated."),
    ] = None,
    hard: Annotated[
        bool, typer.Option("--hard", help="Send as many as go: not on a night with a sky.")
    ] = False,
) -> None:
    """Measure the broker from here, and say what limits it.

    Takes some seconds. It is safe while the observatory works: at most 200 messages and 400 kB a
    second, to topics that nobody else listens to, none of them kept. --hard sends as many as go.
    """
    from pyros_mqtt.broker_speed import Trial, TrialFailed, limits

    reach = Reach.of(context)
    trial = Trial(reach.bus(), reach.topics, reach.patience)
    try:
        with trial:
            speed = _measure(reach.brokers[0], trial, tuple(size or SIZES), hard=hard)
    except TrialFailed as error:
        raise Trouble(f"{error}\n`pyros doctor` looks closer.", NO_ANSWER) from error
    _tell(speed, reach)
    show.line("\nWhat limits it:")
    for sentence in limits(speed):
        show.line(f"* {sentence}")
    if not hard:
        show.line("\nMeasured gently, in bursts; --hard measures what goes for longer")


def _measure(url: BrokerUrl, trial: Trial, sizes: tuple[int, ...], *, hard: bool) -> Speed:
    from pyros_mqtt.broker_speed import Speed

    load = _load()
    rates = [
        trial.flood(size, qos, HARD) if hard else trial.bursts(size, qos, GENTLE)
        for size in sizes
        for qos in (1, 0)
    ]
    return Speed(
        network=_network(url),
        connecting=trial.connecting,
        is_tls=url.is_tls,
        trips=trial.round_trips(TRIPS),
        threes=trial.round_trips(THREES, in_a_row=3),
        rates=tuple(rates),
        load=load,
    )


def _load() -> float | None:
    try:
        return os.getloadavg()[0] / (os.cpu_count() or 1)
    except (AttributeError, OSError):  # not on every system
        return None


def _network(url: BrokerUrl) -> float | None:
    """The time of a TCP connection: one round trip, without the broker's program."""
    times = []
    try:
        for _ in range(3):
            began = time.perf_counter()
            with socket.create_connection((url.host, url.port), timeout=2):
                times.append(time.perf_counter() - began)
    except OSError:
        return None
    return sorted(times)[1]


def _tell(speed: Speed, reach: Reach) -> None:
    show.line(f"{reach.place}\n")
    show.line(f"connecting          {speed.connecting * 1000:8.1f} ms")
    if speed.network is not None:
        show.line(f"network, there/back {speed.network * 1000:8.2f} ms")
    trip, slow = speed.trip * 1000, speed.slow_trip * 1000
    show.line(f"message, there/back {trip:8.2f} ms p50, {slow:.2f} ms p99")
    show.line(f"three in a row      {speed.three * 1000:8.2f} ms p50")
    show.line("")
    for one in speed.rates:
        lost = f", {one.lost} lost" if one.lost else ""
        words = f"QoS {one.qos}, {one.size:,} B".ljust(19)
        show.line(f"{words} {one.per_second:8,.0f} messages/s, {one.cpu_share:.0%} of a core{lost}")
