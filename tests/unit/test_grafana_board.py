"""The board and its provisioning ask for what the bridge really serves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pyros_mqtt import Agent, Alarm, AlarmState, Channel, Severity, on
from pyros_mqtt.metrics import Server
from pyros_mqtt.metrics_bridge import Bridge
from pyros_mqtt.metrics_bridge.states import NUMBERS
from pyros_mqtt.settings import Settings
from pyros_mqtt.testing import Rehearsal
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Parcel
from pyros_mqtt.wire import encode_alarm
from tests.unit.scrape import Look

DEPLOY = Path(__file__).parents[2] / "deploy"
GRAFANA = DEPLOY / "grafana"
BOARD: dict[str, Any] = json.loads((GRAFANA / "dashboards" / "observatory.json").read_text("utf-8"))
PANELS: list[dict[str, Any]] = [one for one in BOARD["panels"] if one["type"] != "row"]

METRIC = re.compile(r"\bpyros_\w+")
SELECTED = re.compile(r"(pyros_\w+)\{([^}]*)\}")


def queries() -> list[str]:
    asked = [target["expr"] for panel in PANELS for target in panel["targets"]]
    return asked + [one["query"]["query"] for one in BOARD["templating"]["list"]]


class Weather(Agent):
    channels = (Channel("wind", "km.h**-1"),)

    @on("measure")
    def measure(self) -> None:
        self.telemetry("wind", 12.5)


@pytest.fixture(scope="module")
def look() -> Iterator[Look]:
    topics = Topics("pyros")
    with (
        Rehearsal() as stage,
        Bridge(stage.bus, topics, ("*/*",)) as bridge,
        Server(bridge.registry, "127.0.0.1", 0) as server,
    ):
        stage.wait_until(lambda: bridge.is_up)
        stage.start(Weather("weather", bus=stage.bus, settings=stage.settings))
        stage.ask("weather", "measure")
        wind = Alarm("wind", "alarms", "weather", AlarmState.RAISED, Severity.SERIOUS, "wind", 2.0)
        parcel = Parcel(topics.alarm("alarms", "wind"), encode_alarm(wind), retain=True)
        stage.bus.route(parcel)  # type: ignore[attr-defined]
        wanted = {"pyros_alarm", "pyros_command_seconds_count", "pyros_channel_value"}
        stage.wait_until(lambda: wanted <= Look(server.url).names)
        yield Look(server.url)


def test_every_metric_that_the_board_asks_for_is_served(look: Look) -> None:
    asked = {name for query in queries() for name in METRIC.findall(query)}
    assert len(asked) > 15
    assert asked <= look.names


def test_every_label_that_the_board_asks_for_is_there(look: Look) -> None:
    for query in queries():
        for name, conditions in SELECTED.findall(query):
            labels = set(re.findall(r"(\w+)=", conditions))
            assert labels <= set(look.labels(name)[0]), query
    for panel in PANELS:
        for target in panel["targets"]:
            known = {key for name in METRIC.findall(target["expr"]) for key in look.labels(name)[0]}
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= known, target


def test_the_time_line_names_every_state_by_its_number() -> None:
    (panel,) = [one for one in PANELS if one["type"] == "state-timeline"]
    (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]
    assert {one["text"]: int(number) for number, one in mapping["options"].items()} == NUMBERS


def test_every_panel_says_what_it_shows_and_has_a_place_of_its_own() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    assert all(one["description"] and one["title"] for one in PANELS)
    numbers = [one["id"] for one in BOARD["panels"]]
    assert len(set(numbers)) == len(numbers)


def test_the_board_asks_the_provisioned_data_source() -> None:
    (source,) = read("grafana/provisioning/datasources/prometheus.yml")["datasources"]
    asked = {one["datasource"]["uid"] for one in [*PANELS, *BOARD["templating"]["list"]]}
    assert asked == {source["uid"]}
    assert source["type"] == "prometheus"


def test_the_provider_reads_boards_from_files() -> None:
    (provider,) = read("grafana/provisioning/dashboards/pyros.yml")["providers"]
    assert provider["type"] == "file"
    assert provider["options"]["path"].startswith("/")


def test_prometheus_asks_where_the_bridge_serves() -> None:
    config = read("prometheus/prometheus.yml")
    jobs = {
        one["job_name"]: one["static_configs"][0]["targets"] for one in config["scrape_configs"]
    }
    port = Settings.model_fields["metrics_bridge_port"].default
    assert jobs["pyros"] == [f"127.0.0.1:{port}"]
    assert "rule_files" not in config
    assert "alerting" not in config


def read(path: str) -> Any:
    text = (DEPLOY / path).read_text("utf-8")
    return yaml.safe_load(text)
