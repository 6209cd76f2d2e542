"""The brokers on which a night has to end well: one mosquitto, or a cluster of three nodes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from deploy.cluster.on_one_machine import KINDS
from pyros_mqtt.broker.ports import any_free_port
from pyros_mqtt.settings import BrokerUrl
from tests.need import need
from tests.system.own_mosquitto import OwnMosquitto


class Node(Protocol):
    """What a night does to a broker, or to one of several that act as one."""

    url: BrokerUrl

    def start(self) -> None:
        """Start it again."""

    def until_ready(self) -> None:
        """Wait until it takes clients."""

    def kill(self) -> None:
        """End it without a goodbye."""


@dataclass(frozen=True)
class Brokers:
    """Nodes that act as one broker.

    `listen_qos` is what agents are told: where subscriptions at QoS 1 belong to a node and go with
    it (RabbitMQ), or take a vote each (NATS), they are made at QoS 0.
    """

    nodes: Sequence[Node]
    listen_qos: int = 1

    def urls(self, first: int) -> tuple[BrokerUrl, ...]:
        """Where to find them, beginning with the node of this number."""
        count = len(self.nodes)
        return tuple(self.nodes[(first + number) % count].url for number in range(count))


class _Mosquitto(OwnMosquitto):
    def until_ready(self) -> None:
        """It is when it has been started."""


@contextlib.contextmanager
def _mosquitto(folder: Path) -> Iterator[Brokers]:
    with _Mosquitto(folder) as broker:
        yield Brokers([broker])


def _three(kind: str) -> Callable[[Path], contextlib.AbstractContextManager[Brokers]]:
    @contextlib.contextmanager
    def open_it(folder: Path) -> Iterator[Brokers]:
        need(NEEDS[kind])
        with KINDS[kind](folder, any_free_port) as cluster:
            yield Brokers(cluster.nodes, listen_qos=0)

    return open_it


NEEDS = {"mosquitto": "mosquitto", "nats": "nats-server", "rabbitmq": "rabbitmq-server"}
"""What the machine must offer for each, as `tests.need` names it."""

OPEN: dict[str, Callable[[Path], contextlib.AbstractContextManager[Brokers]]] = {
    "mosquitto": _mosquitto,
    "nats": _three("nats"),
    "rabbitmq": _three("rabbitmq"),
}
"""Starts a fresh one, which keeps its files in a folder."""
