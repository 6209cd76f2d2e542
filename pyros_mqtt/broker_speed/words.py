"""What limits a broker's speed, in words, from what was measured. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from pyros_mqtt.broker_speed.speed import Rate, Speed

DELAYED = 0.036
"""Seconds of a delayed acknowledgement of TCP, 40 ms on Linux, as far as a clock may miss it."""

DELAYED_MOST = 0.06

DELAYED_SHARE = 0.2
"""Of all threes that show it; fewer may have met something else that took as long."""

NETWORK_SHARE = 0.4
"""Of a round trip; with more of it the network is what counts."""

BUSY = 0.85
"""Of a core; above it this process is the slowest part."""

SLOW_TLS = 0.05
"""Seconds for a connection by TLS that one notices at each `pyros send`."""

UNEVEN = 10.0
"""How many times the median the slowest hundredth may take before it is worth a word."""

NOTABLE = 0.005
"""Seconds below which unevenness does not matter to anybody."""


def limits(speed: Speed) -> list[str]:
    """Say what limits, the gravest first; there is always at least one sentence."""
    found = (_losses, _load, _delays, _trips, _rates, _tls)
    return [sentence for look in found for sentence in look(speed)]


def _losses(speed: Speed) -> Iterator[str]:
    if speed.lost:
        yield (
            f"{speed.lost} messages did not come back: a queue of the broker has overflowed "
            "(`max_queued_messages`, `max_queued_bytes`), or its rules deny them"
        )


def _load(speed: Speed) -> Iterator[str]:
    if speed.load is not None and speed.load > 1:
        yield (
            f"this machine: {speed.load:.1f} programs want each of its cores; all figures are "
            "worse than on an idle one"
        )


def _delays(speed: Speed) -> Iterator[str]:
    late = [one for one in speed.threes if DELAYED <= one <= DELAYED_MOST]
    if len(late) >= DELAYED_SHARE * len(speed.threes) and speed.trip < DELAYED / 2:
        yield (
            f"small messages in a row wait for a delayed acknowledgement ({_ms(max(late))} for "
            f"three, {_ms(speed.trip)} for one): Nagle's algorithm is on; set `set_tcp_nodelay "
            "true` in mosquitto.conf, and the like in other brokers and clients"
        )


def _trips(speed: Speed) -> Iterator[str]:
    network = speed.network or 0.0
    if network > NETWORK_SHARE * speed.trip:
        yield (
            f"the network: {_ms(network)} of a round trip of {_ms(speed.trip)} are on the way; "
            "a broker that is nearer would be faster, a faster broker would not"
        )
    elif speed.trip >= DELAYED:
        yield (
            f"the broker: a round trip takes {_ms(speed.trip)}, and only {_ms(network)} of it are "
            "on the way; look at the load of its machine, its disk and its log"
        )
    else:
        yield f"a single message is limited by nothing that is worth a change: {_ms(speed.trip)}"
    if speed.slow_trip > max(NOTABLE, UNEVEN * speed.trip):
        yield (
            f"one message in a hundred takes {_ms(speed.slow_trip)} or more: something else wants "
            "the processor or the network from time to time"
        )


def _rates(speed: Speed) -> Iterator[str]:
    if not speed.rates:
        return
    busiest = max(speed.rates, key=lambda one: one.per_second)
    if busiest.cpu_share >= BUSY:
        yield (
            f"many messages at once: this process, which sends and reads, spends {_core(busiest)} "
            "on them; batches, fewer and larger messages, or more processes go further"
        )
    else:
        yield (
            f"many messages at once: the broker or the network, for this process spends only "
            f"{_core(busiest)} on them"
        )


def _tls(speed: Speed) -> Iterator[str]:
    handshake = speed.connecting - (speed.network or 0.0)
    if speed.is_tls and handshake > SLOW_TLS:
        yield (
            f"TLS: a connection takes {_ms(speed.connecting)}; agents keep theirs, every `pyros "
            "send` pays for it; keys on elliptic curves are faster than RSA"
        )


def _core(rate: Rate) -> str:
    return f"{rate.cpu_share:.0%} of a core"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms"
