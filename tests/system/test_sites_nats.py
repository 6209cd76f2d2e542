"""Two observatories whose brokers are NATS servers, joined by a leaf node that heeds roles."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.cluster.on_one_machine import Node, nats_server
from pyros_mqtt import Sender, Settings
from pyros_mqtt.broker.ports import LOOPBACK, any_free_port
from pyros_mqtt.fleet import Fleet
from tests.need import need
from tests.system.device import running
from tests.system.raw_mqtt import Message, RawClient

FILES = Path(__file__).parents[2] / "deploy" / "sites"
PATIENCE = 30.0


@dataclass(frozen=True)
class Sites:
    """The north, which dials, and the south."""

    north: Node
    south: Node

    def south_from_north(self) -> Settings:
        """What someone at the north has to look at the south, and to command it."""
        return Settings(brokers=(self.north.url,), root="south", listen_qos=0)


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    need("nats-server")
    folder, leaf = tmp_path_factory.mktemp("sites"), any_free_port()
    south = _site("south", folder, LEAF_PORT=str(leaf), LINE_PASSWORD="of-the-line")
    north = _site("north", folder, SOUTH_URL=f'"nats://north:of-the-line@{LOOPBACK}:{leaf}"')
    with contextlib.ExitStack() as stack:
        for site in (south, north):
            stack.callback(site.kill)
            site.start()
            site.until_ready()
        yield Sites(north, south)


def _site(name: str, folder: Path, **more: str) -> Node:
    port = any_free_port()
    environment = {
        "ADDRESS": LOOPBACK,
        "CLIENT_PORT": str(any_free_port()),
        "MQTT_PORT": str(port),
        "STORE": str(folder / name),
    }
    command = [nats_server(), "-c", str(FILES / f"nats-{name}.conf")]
    return Node(name, command, environment | more, port, folder / f"{name}.log")


def test_a_role_commands_across_a_leaf_node_and_hears_the_end(sites: Sites) -> None:
    settings = sites.south_from_north()
    with (
        running(sites.south.url, "south", "telescope", listen_qos=0),
        Fleet(settings=settings) as fleet,
        contextlib.closing(Sender("north-scheduler", settings=settings)) as sender,
    ):
        assert fleet.wait_until(lambda: fleet.get("telescope"), PATIENCE), "no beat has crossed"
        assert sender.post("telescope", "count", {"number": 7}, ttl=PATIENCE).result(PATIENCE) == 7


def test_what_no_role_needs_does_not_cross_a_leaf_node(sites: Sites) -> None:
    with RawClient(sites.south.url) as south, RawClient(sites.north.url) as north:
        south.subscribe("south/+/inbox", "south/+/status", qos=0)
        passed = "south/telescope/inbox"
        while south.hears_nothing(0.2):  # until the south's wish has crossed the line
            north.publish(passed, "hello")
        for topic in ("south/dome/inbox", "south/dome/status"):
            north.publish(topic, "close")
        heard: list[Message] = []
        while not heard or heard[-1].payload != b"last":
            north.publish(passed, "last")
            with contextlib.suppress(TimeoutError):
                heard.append(south.next(1.0))
        assert {message.topic for message in heard} <= {passed}
