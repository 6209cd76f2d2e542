"""`pyros home-assistant` on a real broker: documents come, change and go with the list."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from pyros_agents.weather import Weather
from pyros_mqtt import State
from pyros_mqtt.fleet import Fleet
from pyros_mqtt.home_assistant import HomeAssistant
from pyros_mqtt.link import Brokers
from pyros_mqtt.settings import BrokerUrl, Settings
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Delivery, Parcel
from tests.need import need
from tests.system.own_mosquitto import OwnMosquitto
from tests.system.pyros_command import Pyros, until
from tests.system.test_cli_views import publish


class House:
    """A home on a broker and a topic root of its own: it hears what is shown there."""

    def __init__(self, url: BrokerUrl, root: str) -> None:
        self.url = url
        self.root = root
        self.prefix = f"{root}-house"
        self.node = f"{self.prefix}/sensor/pyros-mqtt-{root}"
        self.documents: dict[str, bytes] = {}
        self._news = threading.Condition()
        self._transport = Brokers(self.settings()).transport(f"{root}-house")
        self._transport.subscribe(f"{self.prefix}/sensor/#", self._hear)

    def __enter__(self) -> Self:
        self._transport.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    def settings(self, *channels: str) -> Settings:
        table = {"channels": channels, "prefix": self.prefix}
        return Settings(brokers=(self.url,), root=self.root, beat=1.0, home_assistant=table)

    def sensor(self, name: str) -> dict[str, Any]:
        """The document of a sensor, once it is there."""
        self.wait(lambda: name in self.documents)
        found: dict[str, Any] = json.loads(self.documents[name])
        return found

    def shows(self, names: Iterable[str]) -> None:
        """Wait until it shows these sensors, and no other."""
        self.wait(lambda: self.documents.keys() == set(names))

    def wait(self, predicate: Any) -> None:
        with self._news:
            assert self._news.wait_for(predicate, 20), sorted(self.documents)

    def _hear(self, delivery: Delivery) -> None:
        name = delivery.topic.removeprefix(f"{self.node}/").removesuffix("/config")
        with self._news:
            self.documents[name] = delivery.payload
            if not delivery.payload:
                del self.documents[name]
            self._news.notify_all()

    @contextlib.contextmanager
    def showing(self, *channels: str) -> Iterator[HomeAssistant]:
        """Run the agent with this list."""
        agent = HomeAssistant(settings=self.settings(*channels))
        agent.start()
        try:
            yield agent
        finally:
            agent.stop()
            agent.join(10)

    def remove(self, name: str) -> None:
        """Take a document away, as Home Assistant does when a person deletes the sensor."""
        self._transport.publish(Parcel(f"{self.node}/{name}/config", b"", retain=True))

    def tell(self, agent: str, **channels: Any) -> None:
        """Say in the name of an agent what it measures."""
        document = json.dumps({"telemetry": channels}).encode()
        publish(self.url, f"{self.root}/{agent}/about", document)


@pytest.fixture
def house(mosquitto_url: BrokerUrl, topic_root: str) -> Iterator[House]:
    with House(mosquitto_url, topic_root) as found:
        yield found


AIR = {"fields": ["humidity", "dew_point"]}


def test_a_channel_of_a_shipped_agent_is_shown(house: House) -> None:
    agent = Weather(settings=house.settings())
    agent.start()
    try:
        with house.showing("weather/gust", "weather/conditions.wind"):
            gust = house.sensor("weather-C-gust")
            wind = house.sensor("weather-C-conditions-F-wind")
    finally:
        agent.stop()
        agent.join(10)
    assert (gust["unit_of_measurement"], gust["device_class"]) == ("km/h", "speed")
    assert gust["state_topic"] == f"{house.root}/weather/telemetry/gust"
    assert gust["availability"][0]["topic"] == f"{house.root}/weather/status"
    assert wind["state_topic"] == f"{house.root}/weather/telemetry/conditions"


def test_a_document_is_kept_by_the_broker_after_the_agent_has_left(house: House) -> None:
    need("mosquitto_sub")
    house.tell("hut", level={"unit": "cm"})
    with house.showing("hut/level"):
        shown = house.sensor("hut-C-level")
    words = ["mosquitto_sub", "-h", house.url.host, "-p", str(house.url.port), "-C", "1"]
    words += ["-W", "20", "--retained-only", "-t", f"{house.node}/hut-C-level/config"]
    done = subprocess.run(words, capture_output=True, timeout=30, check=True)  # noqa: S603
    assert json.loads(done.stdout) == shown


def test_a_document_follows_its_agent(house: House) -> None:
    house.tell("hut", level={"unit": "cm"}, air=AIR)
    with house.showing("hut/level", "hut/air"):
        house.shows(["hut-C-level", "hut-C-air-F-humidity", "hut-C-air-F-dew_point"])
        house.tell("hut", level={"unit": "mm"}, air={"fields": ["humidity"]})
        house.shows(["hut-C-level", "hut-C-air-F-humidity"])
        house.wait(lambda: b'"mm"' in house.documents["hut-C-level"])


def test_what_is_taken_off_the_list_is_taken_off_the_house(house: House) -> None:
    house.tell("hut", level={"unit": "cm"}, air=AIR)
    publish(house.url, f"{house.node}/stranger/config", b'{"name": "not ours"}')
    with house.showing("hut/level", "hut/air"):
        every = ["hut-C-level", "hut-C-air-F-humidity", "hut-C-air-F-dew_point", "stranger"]
        house.shows(every)
    with house.showing("hut/air.humidity"):
        house.shows(["hut-C-air-F-humidity", "stranger"])
    with house.showing():
        house.shows(["stranger"])


def test_what_nobody_knows_for_now_stays(house: House) -> None:
    house.tell("hut", level={"unit": "cm"}, rain={})
    with house.showing("hut/level", "hut/rain"):
        house.shows(["hut-C-level", "hut-C-rain"])
    house.tell("hut", rain={})  # the level is measured no longer, or not yet
    with house.showing("hut/level", "nobody/knows"):
        house.shows(["hut-C-level"])


def test_a_device_that_says_nothing_of_itself_is_shown_as_it_is(house: House) -> None:
    publish(house.url, f"{house.root}/rain/status", b"ready")
    with house.showing("rain/level"):
        document = house.sensor("rain-C-level")
    assert "unit_of_measurement" not in document


def test_a_document_that_somebody_has_removed_comes_back_with_the_next_start(house: House) -> None:
    house.tell("hut", level={"unit": "cm"})
    with house.showing("hut/level"):
        house.shows(["hut-C-level"])
        house.remove("hut-C-level")
        house.shows([])
    with house.showing("hut/level"):
        house.shows(["hut-C-level"])


def test_a_broker_that_forgets_is_told_again(tmp_path: Path) -> None:
    with OwnMosquitto(tmp_path) as broker, House(broker.url, "t") as house:
        agent = Weather(settings=house.settings())
        agent.start()
        try:
            with house.showing("weather/gust"):
                first = house.sensor("weather-C-gust")
                broker.kill()
                house.documents.clear()
                broker.start()
                assert house.sensor("weather-C-gust") == first
        finally:
            agent.stop()
            agent.join(10)


def test_the_command_reads_its_list_from_the_file(pyros: Pyros, house: House) -> None:
    (pyros.folder / "pyros.toml").write_text(
        f'[home_assistant]\nchannels = ["hut/level"]\nprefix = "{house.prefix}"\n'
    )
    house.tell("hut", level={"unit": "cm"})
    with pyros.running("home-assistant") as running:
        running.until("Showing hut/level under")
        house.shows(["hut-C-level"])
        with Fleet(Brokers(house.settings()), Topics(house.root)) as fleet:
            until(lambda: (one := fleet.get("home-assistant")) and one.status is not None)
            member = fleet.get("home-assistant")
        assert member is not None
        assert member.status is not None
        assert member.status.state is State.READY
        assert running.end() == 0
