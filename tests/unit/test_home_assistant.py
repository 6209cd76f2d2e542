"""What Home Assistant is told, and what its templates make of our payloads."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pyros_mqtt import wire
from pyros_mqtt.errors import SettingsError
from pyros_mqtt.home_assistant import templates
from pyros_mqtt.home_assistant.documents import Shelf, source_of
from pyros_mqtt.home_assistant.units import UNITS
from pyros_mqtt.messages import About, Channel, Sample, State, Status
from pyros_mqtt.settings import Settings
from pyros_mqtt.telemetry.units import BESIDES, WELL_KNOWN
from pyros_mqtt.topics import Topics
from pyros_mqtt.version import __version__
from pyros_mqtt.wire import Tag

TEMPERATURE = Channel("temperature", "deg_C", "of the air", (-20.0, 40.0))
WIND = Channel("wind", "km.h**-1", fields=("speed", "gust_3s"))
ABOUT = About("weather", "1.4.0", description="Watches the sky.\nAll of it.")

VALUE = (
    "{% set m = value_json if value_json is defined else value %}"
    "{% if m is mapping and 'late' in m and m['late'] %}{% else %}"
    "{% set v = m['v'] if m is mapping else m %}"
    "{% set v = v | last if v is sequence and v is not string and v is not mapping else v %}"
    "{% set q = m['q'] if m is mapping and 'q' in m else 'good' %}"
    "{% set q = q if q is string else q | last %}"
    "{{ none if q == 'bad' else v }}{% endif %}"
)

AVAILABLE = (
    "{% set m = value_json if value_json is defined else value %}"
    "{% set s = m['state'] if m is mapping else m %}"
    "{{ 'online' if s in ['starting', 'ready', 'busy', 'degraded', 'fault', 'stopping'] "
    "else 'offline' }}"
)


def render(template: str, payload: bytes, this: Any = None) -> str:
    """Read a payload as Home Assistant does."""
    # what is not there is an error here, so that no template counts on it
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    variables: dict[str, Any] = {"value": payload.decode(), "this": this}
    with contextlib.suppress(ValueError):
        variables["value_json"] = json.loads(payload)
    return environment.from_string(template).render(variables).strip()


def test_a_document_is_complete() -> None:
    shelf = Shelf(Topics("esp/t60"))
    (found,) = shelf.sensors("weather", TEMPERATURE, "", ABOUT).items()
    topic, document = found
    assert topic == ("homeassistant/sensor/pyros-mqtt-espU2F-t60/weather-C-temperature/config")
    assert json.loads(document) == {
        "name": "temperature",
        "unique_id": "pyros-mqtt-espU2F-t60-weather-C-temperature",
        "state_topic": "esp/t60/weather/telemetry/temperature",
        "value_template": VALUE,
        "unit_of_measurement": "°C",
        "device_class": "temperature",
        "state_class": "measurement",
        "availability": [
            {
                "topic": "esp/t60/weather/status",
                "value_template": AVAILABLE,
                "payload_available": "online",
                "payload_not_available": "offline",
            }
        ],
        "device": {
            "identifiers": ["pyros-mqtt-espU2F-t60-weather"],
            "name": "weather",
            "manufacturer": "PyROS",
            "model": "Watches the sky.",
            "sw_version": "1.4.0",
        },
        "origin": {"name": "pyros-mqtt", "sw_version": __version__},
    }
    assert source_of(document) == "esp/t60/weather/telemetry/temperature"


def test_each_field_is_a_sensor() -> None:
    found = Shelf(Topics()).sensors("weather", WIND, "", ABOUT)
    names = [json.loads(document)["name"] for document in found.values()]
    assert names == ["wind speed", "wind gust 3s"]
    (one,) = Shelf(Topics()).sensors("weather", WIND, "gust_3s", ABOUT)
    assert one in found


def test_no_two_sensors_share_a_topic() -> None:
    shelf = Shelf(Topics())
    pairs = [
        ("a-c", "b", ""),
        ("a", "c-b", ""),
        ("a", "b", "c"),
        ("a", "b-f-c", ""),
        ("a", "b", "C"),
    ]
    topics = [
        topic
        for agent, channel, field in pairs
        for topic in shelf.sensors(agent, Channel(channel), field, ABOUT)
    ]
    assert len(set(topics)) == len(pairs)
    assert all(set(one.split("/")[3]) <= set("abcfUC3F4-") for one in topics), topics


def test_a_text_is_no_measurement() -> None:
    (document,) = Shelf(Topics()).sensors("dome", Channel("shutter"), "", ABOUT).values()
    assert not {"state_class", "unit_of_measurement", "device_class"} & set(json.loads(document))


def batch(values: Any, quality: Any = "good") -> bytes:
    return wire.encode_batch([1.0, 2.0], values, quality, Tag(1))


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (b"12.3", "12.3"),
        (b"-4", "-4"),
        (b'"open"', "open"),
        (b"open", "open"),
        (b"true", "True"),
        (wire.encode_sample(Sample(1.0, 12.3)), "12.3"),
        (wire.encode_sample(Sample(1.0, 0.0, seq=4)), "0.0"),
        (wire.encode_sample(Sample(1.0, "open")), "open"),
        (wire.encode_sample(Sample(1.0, None)), "None"),
        (wire.encode_sample(Sample(1.0, 12.3, "bad")), "None"),
        (wire.encode_sample(Sample(1.0, 12.3, "uncertain")), "12.3"),
        (b'{"t": [1.0, 2.0], "v": [1.5, 2.5], "seq": 7}', "2.5"),
        (b'{"t": [1.0, 2.0], "v": [1.5, 2.5], "q": ["good", "bad"]}', "None"),
        (b'{"t": [1.0, 2.0], "v": [1.5, 2.5], "q": ["bad", "good"]}', "2.5"),
        (b'{"t0": 1.0, "dt": 0.1, "v": [1.5, 2.5]}', "2.5"),
        (b'{"t": 1.0, "v": 3.5, "late": true}', ""),
    ],
)
def test_each_form_of_a_measurement_is_read(payload: bytes, shown: str) -> None:
    assert render(templates.value("", numeric=True), payload) == shown


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (wire.encode_sample(Sample(1.0, {"speed": 5.0, "it's": 9.5})), "9.5"),
        (b'{"t": [1.0, 2.0], "v": {"speed": [1, 2], "it\'s": [3, 4]}}', "4"),
        (b'{"t0": 1.0, "dt": 0.1, "v": {"it\'s": [3, 4]}, "q": "bad"}', "None"),
        (b"12.3", "None"),
    ],
)
def test_a_field_is_read_whatever_its_name(payload: bytes, shown: str) -> None:
    assert render(templates.value("it's", numeric=True), payload) == shown


def test_a_late_text_leaves_what_is_shown() -> None:
    template = templates.value("", numeric=False)
    assert render(template, b'{"t": 1, "v": "open", "late": true}', {"state": "shut"}) == "shut"
    assert render(template, b'{"t": 1, "v": "open"}', {"state": "shut"}) == "open"
    late = b'{"t": 1, "v": "open", "late": true}'
    assert render(template, late, {"state": "unknown"}) == "None"


@pytest.mark.parametrize("state", State)
def test_who_lives_is_available(state: State) -> None:
    word = "online" if state.is_alive else "offline"
    document = wire.encode_status(Status("weather", state))
    assert render(templates.availability(), document) == word
    assert render(templates.availability(), state.value.encode()) == word


def test_a_will_and_an_emptied_topic_are_no_life() -> None:
    assert render(templates.availability(), wire.last_will("weather", "5f", 1)) == "offline"
    assert render(templates.availability(), b"") == "offline"


def test_every_unit_that_is_translated_is_one_of_ours() -> None:
    assert set(UNITS) <= WELL_KNOWN | BESIDES


@pytest.mark.parametrize("entry", ["weather", "weather/", "Weather/wind", "weather/wind.", "#/a"])
def test_a_wrong_entry_is_refused(entry: str) -> None:
    with pytest.raises(SettingsError, match="must be 'agent/channel' or"):
        Settings(home_assistant={"channels": [entry]})


def test_a_document_of_others_is_not_ours() -> None:
    for other in (b"", b"[]", b"{", b'{"origin": {"name": "zigbee2mqtt"}, "state_topic": "a"}'):
        assert source_of(other) is None
