"""Computes where the limits are, on paper: each part's cost is measured here, and multiplied.

`python -m deploy.cluster.limits --sites 100 --agents 100 --rate 100`; nothing of that size is run.
It cannot know wide networks, other processors, or what else these machines do.
"""
# ruff: noqa: INP001 - configuration files and scripts, no package

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pyros_mqtt.fleet import MAX_MEMBERS
from pyros_mqtt.messages import State, Status
from pyros_mqtt.wire import decode_columns, decode_status, encode_batch, encode_status

RECORDED_SINGLE, RECORDED_HUNDRED = 20_000.0, 350_000.0
"""Samples a second that one recorder on one core writes, one in a message and a hundred
(docs/how-to/last-night.md)."""

READERS = 2
"""Of each measurement: the recorder and a dashboard or an alarm."""

WATCHERS = 10
"""Of each status at its site: dashboard, recorder, watchman, and whoever waits for an answer."""

BROKER = 9e-6
"""Seconds of a core for each message in or out: mosquitto 2.0.11, one in, two out, 2,000 bytes."""

PACKET = 60
"""Bytes that topic, MQTT, TCP and IP add to a payload."""


@dataclass(frozen=True)
class Costs:
    """Seconds of one core for one of each, and bytes of it.

    `broker` is for each message in, and each out, as a broker on this machine has shown it.
    """

    encode_sample: float
    decode_sample: float
    decode_status: float
    broker: float
    sample_bytes: float
    status_bytes: float


@dataclass(frozen=True)
class Load:
    """What there is: `rate` samples a second of each agent, `batch` of them in a message."""

    sites: int = 100
    agents: int = 100
    rate: float = 100.0
    batch: int = 100
    beat: float = 5.0

    @property
    def samples(self) -> float:
        """Of one site, a second."""
        return self.agents * self.rate

    @property
    def batches(self) -> float:
        """Messages with samples of one site, a second."""
        return self.samples / self.batch

    @property
    def beats(self) -> float:
        """Of one site, a second."""
        return self.agents / self.beat


@dataclass(frozen=True)
class Row:
    """One part: what it needs of `unit` where it stands, and how much of it one has."""

    part: str
    needs: float
    has: float
    unit: str

    @property
    def share(self) -> float:
        """How much of what it has is needed; above 1 it takes more than one."""
        return self.needs / self.has


def recorded(batch: int) -> float:
    """Samples a second that one recorder writes, `batch` of them in a message.

    From two measured rates: what a message costs it, and what each sample does.
    """
    single, hundred = 1 / RECORDED_SINGLE, 100 / RECORDED_HUNDRED
    sample = (hundred - single) / 99
    return batch / (single - sample + batch * sample)


def rows(load: Load, costs: Costs, network: float = 1e9) -> list[Row]:
    """Multiply; `network` is bits a second. First each site alone, then all sites in one place."""
    passed = load.batches * (1 + READERS) + load.beats * (1 + WATCHERS)
    payload = load.samples * costs.sample_bytes + load.batches * PACKET
    beats = load.beats * (costs.status_bytes + PACKET)
    sent = 8 * (payload * (1 + READERS) + beats * (1 + WATCHERS))
    seen = 8 * load.sites * (payload + beats)
    all_samples, all_beats = load.sites * load.samples, load.sites * load.beats
    return [
        Row("an agent: encode", load.rate * costs.encode_sample, 1, "cores"),
        Row("a site: broker", passed * costs.broker, 1, "cores"),
        Row("a site: network of its broker", sent, network, "bit/s"),
        Row("a site: recorder", load.samples, recorded(load.batch), "samples/s"),
        Row("a site: fleet view", load.beats * costs.decode_status, 1, "cores"),
        Row("all in one: broker", load.sites * passed * costs.broker, 1, "cores"),
        Row("all in one: network of one reader", seen, network, "bit/s"),
        Row("all in one: decode", all_samples * costs.decode_sample, 1, "cores"),
        Row("all in one: recorder", all_samples, recorded(load.batch), "samples/s"),
        Row("all in one: fleet view", all_beats * costs.decode_status, 1, "cores"),
        Row("all in one: names of a fleet", load.sites * load.agents, MAX_MEMBERS, "agents"),
    ]


def table(found: list[Row]) -> Iterator[str]:
    """Write it for people."""
    yield f"{'part':34} {'needs':>12} {'one has':>12} {'':10} {'share':>8}"
    for one in found:
        yield (
            f"{one.part:34} {one.needs:12.4g} {one.has:12.4g} {one.unit:10} {one.share:8.1%}"
            f"{'  too much for one' if one.share > 1 else ''}"
        )


def measure(broker: float, batch: int) -> Costs:
    """Measure what Python does; `broker` is told, since it is another program."""
    values = [20.0 + 0.001 * n for n in range(batch)]
    times = [1_763_841_600.0 + 0.01 * n for n in range(batch)]
    payload = encode_batch(times, list(values))
    status = Status("dome", State.READY, session="5f0c9a3be1d24c77", boot=1, seq=1, at=times[0])
    said = encode_status(status)
    return Costs(
        encode_sample=_seconds(lambda: encode_batch(times, list(values))) / batch,
        decode_sample=_seconds(lambda: decode_columns(payload, times[0])) / batch,
        decode_status=_seconds(lambda: decode_status(said, "dome")),
        broker=broker,
        sample_bytes=len(payload) / batch,
        status_bytes=float(len(said)),
    )


def _seconds(call: Callable[[], object], count: int = 300) -> float:
    """Processor time of one call, the best of five rounds."""
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        for _ in range(count):
            call()
        best = min(best, (time.process_time() - began) / count)
    return best


def main() -> None:
    """Measure, multiply, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    usual = Load()
    parser.add_argument("--sites", type=int, default=usual.sites)
    parser.add_argument("--agents", type=int, default=usual.agents, help="of each site")
    parser.add_argument("--rate", type=float, default=usual.rate, help="samples/s of an agent")
    parser.add_argument("--batch", type=int, default=usual.batch, help="samples of a message")
    parser.add_argument("--beat", type=float, default=usual.beat, help="seconds")
    parser.add_argument(
        "--broker",
        type=float,
        default=BROKER,
        help="a broker's seconds of a core for each message in or out (default: %(default)g)",
    )
    told = vars(parser.parse_args())
    broker = told.pop("broker")
    load = Load(**told)
    for line in table(rows(load, measure(broker, load.batch))):
        print(line)  # noqa: T201 - what people want


if __name__ == "__main__":
    main()
