"""Two observatories, each under its own root, with a bridge that passes what roles need."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pyros_mqtt import Sender, Settings
from pyros_mqtt.claims import Health
from pyros_mqtt.errors import NoAnswer
from pyros_mqtt.fleet import Fleet
from tests.system.device import running
from tests.system.own_mosquitto import OwnMosquitto
from tests.system.raw_mqtt import RawClient
from tests.system.tcp_proxy import TcpProxy

BRIDGE = Path(__file__).parents[2] / "deploy" / "sites" / "bridge.conf"
PATIENCE = 30.0


@dataclass(frozen=True)
class Sites:
    """The north, which dials; the south; and the line between them."""

    north: OwnMosquitto
    south: OwnMosquitto
    line: TcpProxy

    def fleet(self) -> Fleet:
        """A reader at the north that looks at the south."""
        return Fleet(settings=self.settings("south"))

    def settings(self, root: str) -> Settings:
        """What someone at the north has for one of the two roots."""
        return Settings(brokers=(self.north.url,), root=root, beat=1.0)


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    folder = tmp_path_factory.mktemp("sites")
    (folder / "north").mkdir()
    (folder / "south").mkdir()
    with OwnMosquitto(folder / "south") as south, TcpProxy(south.url) as line:
        bridge = folder / "bridge.conf"
        address = f"address 127.0.0.1:{line.url.port}"
        text = BRIDGE.read_text()
        assert "address south.example.org:8883" in text
        text = text.replace("address south.example.org:8883", address)
        text = text.replace("restart_timeout 2 30", "restart_timeout 1 1")
        bridge.write_text(text)
        with OwnMosquitto(folder / "north", include_dir=str(folder)) as north:
            yield Sites(north, south, line)


@pytest.fixture(scope="module")
def telescope(sites: Sites) -> Iterator[None]:
    """An agent of the south, which the north may command, and one which it may not."""
    with (
        running(sites.south.url, "south", "telescope"),
        running(sites.south.url, "south", "dome"),
    ):
        yield


def _sees(fleet: Fleet, name: str, health: Health) -> bool:
    def is_seen() -> bool:
        member = fleet.get(name)
        return member is not None and member.health is health

    return fleet.wait_until(is_seen, PATIENCE)


@pytest.mark.usefixtures("telescope")
def test_a_role_commands_across_and_hears_the_end(sites: Sites) -> None:
    with (
        sites.fleet() as fleet,
        contextlib.closing(Sender("north-scheduler", settings=sites.settings("south"))) as sender,
    ):
        assert _sees(fleet, "telescope", Health.LIVE)
        assert sender.post("telescope", "count", {"number": 7}, ttl=PATIENCE).result(PATIENCE) == 7


@pytest.mark.usefixtures("telescope")
def test_what_no_role_needs_stays_at_home(sites: Sites) -> None:
    with RawClient(sites.south.url) as south, RawClient(sites.north.url) as north:
        south.subscribe("south/+/inbox", "north/#")
        north.publish("south/dome/inbox", "close", qos=1)
        north.publish("south/dome/status", "stopped", qos=1)
        north.publish("north/dome/inbox", "close", qos=1)
        north.publish("south/telescope/inbox", "count number=1", qos=1)
        assert south.next(PATIENCE).topic == "south/telescope/inbox"
        assert south.hears_nothing(0.3)


@pytest.mark.usefixtures("telescope")
def test_the_far_side_is_unknown_while_the_line_is_cut(sites: Sites) -> None:
    with sites.fleet() as fleet:
        assert _sees(fleet, "telescope", Health.LIVE)
        sites.line.is_closed = True
        sites.line.cut()
        assert _sees(fleet, "telescope", Health.UNKNOWN)
        with sites.fleet() as newcomer:
            assert _sees(newcomer, "telescope", Health.UNKNOWN)
        sites.line.is_closed = False
        assert _sees(fleet, "telescope", Health.LIVE)


@pytest.mark.usefixtures("telescope")
def test_a_command_that_meets_a_cut_line_is_not_taken_for_done(sites: Sites) -> None:
    with (
        sites.fleet() as fleet,
        contextlib.closing(Sender("north-scheduler", settings=sites.settings("south"))) as sender,
    ):
        assert _sees(fleet, "telescope", Health.LIVE)
        sites.line.is_closed = True
        sites.line.cut()
        try:
            assert _sees(fleet, "telescope", Health.UNKNOWN)
            with pytest.raises(NoAnswer, match="the line to its site is cut"):
                sender.post("telescope", "count", {"number": 8}, ttl=2.0).result(PATIENCE)
        finally:
            sites.line.is_closed = False
        assert _sees(fleet, "telescope", Health.LIVE)
