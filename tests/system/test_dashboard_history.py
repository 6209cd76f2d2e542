"""Plots that go back beyond the dashboard's own start, out of the archive."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyros_mqtt.archive import open_store
from pyros_mqtt.dashboard import MemoryHistory
from pyros_mqtt.dashboard.measures import Reading
from pyros_mqtt.dashboard.recorded import Recorded
from pyros_mqtt.settings import Settings
from tests.system.archive_filling import EVENING, azimuth, fill


def reading(second: float, value: float) -> Reading:
    return Reading(EVENING + second, value, {"": value}, "good")


@pytest.fixture
def memory() -> MemoryHistory:
    return MemoryHistory()


@pytest.fixture
def recorded(memory: MemoryHistory, tmp_path: Path) -> Recorded:
    url = f"sqlite:///{tmp_path / 'archive.sqlite'}"
    store = open_store(url)
    fields = {"t": EVENING, "v": {"ra": 83.6, "dec": None}, "seq": 0, "session": "a1"}
    fill(store, *(azimuth(number) for number in range(600)), ("dome/telemetry/at", fields))
    store.close()
    return Recorded(memory, Settings(brokers=(), archive=url))


def test_what_was_before_comes_from_the_archive_and_the_rest_from_memory(
    recorded: Recorded, memory: MemoryHistory
) -> None:
    memory.note("dome", "azimuth", [reading(300, -1.0)])
    found = list(recorded.read("dome", "azimuth", EVENING + 290, EVENING + 400))
    assert [one.value for one in found] == [*map(float, range(290, 300)), -1.0]


def test_a_long_span_comes_as_means_of_minutes(recorded: Recorded) -> None:
    found = list(recorded.read("dome", "azimuth", EVENING, EVENING + 600, every=45.0))
    assert len(found) == 600
    found = list(recorded.read("dome", "azimuth", EVENING, EVENING + 600, every=100.0))
    assert [one.value for one in found[:2]] == [59.5, 179.5]


def test_of_a_fast_channel_come_the_extremes_of_each_step(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyros_mqtt.dashboard.recorded.SINGLY", 599)
    found = list(recorded.read("dome", "azimuth", EVENING, EVENING + 600, every=50.0))
    assert [(one.time - EVENING, one.value) for one in found[:4]] == [
        (0, 0), (25, 49), (50, 50), (75, 99)
    ]  # fmt: skip
    assert len(found) == 24
    monkeypatch.setattr("pyros_mqtt.dashboard.recorded.SINGLY", 600)
    assert len(list(recorded.read("dome", "azimuth", EVENING, EVENING + 600, every=50.0))) == 600


def test_extremes_are_in_order_and_before_what_was_heard(
    recorded: Recorded, memory: MemoryHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyros_mqtt.dashboard.recorded.SINGLY", 0)
    memory.note("dome", "azimuth", [reading(110, -1.0)])
    found = list(recorded.read("dome", "azimuth", EVENING, EVENING + 200, every=50.0))
    times = [one.time - EVENING for one in found]
    assert times == [0, 25, 50, 75, 100, 110, 110]
    assert [one.value for one in found[-2:]] == [109, -1.0]


def test_a_field_keeps_its_name_whatever_it_is_called(
    memory: MemoryHistory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'archive.sqlite'}"
    store = open_store(url)
    fields = {"wind_max": 7.0, "wind_mean": 5.0, "count": 3.0}
    fill(store, ("weather/telemetry/last", {"t": EVENING, "v": fields}))
    store.close()
    recorded = Recorded(memory, Settings(brokers=(), archive=url))
    for most, every in ((1, 50.0), (0, 50.0), (0, 60.0)):
        monkeypatch.setattr("pyros_mqtt.dashboard.recorded.SINGLY", most)
        found = recorded.read("weather", "last", EVENING, EVENING + 60, every=every)
        assert next(iter(found)).value == fields


def test_a_field_without_a_number_is_left_out(recorded: Recorded) -> None:
    (found,) = recorded.read("dome", "at", EVENING - 1, EVENING + 1)
    assert found.value == {"ra": 83.6}


def test_a_channel_that_was_never_recorded_has_no_history(recorded: Recorded) -> None:
    assert list(recorded.read("dome", "temperature", EVENING, EVENING + 600)) == []


def test_without_an_archive_the_memory_is_all(memory: MemoryHistory, tmp_path: Path) -> None:
    settings = Settings(brokers=(), archive=f"sqlite:///{tmp_path / 'nothing.sqlite'}")
    memory.note("dome", "azimuth", [reading(0, 1.0)])
    (found,) = Recorded(memory, settings).read("dome", "azimuth", EVENING - 60, EVENING + 1)
    assert found.value == 1.0
