"""Measurements as they come, and the bounded memory behind the plots."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Iterable
from typing import Any

import pytest
from starlette.requests import Request

from pyros_mqtt.dashboard import queries
from pyros_mqtt.dashboard.history import LONGEST, SHORTEST, MemoryHistory, column, thinned
from pyros_mqtt.dashboard.measures import Reading, read
from pyros_mqtt.dashboard.queries import Queries
from pyros_mqtt.dashboard.watch import Watch
from pyros_mqtt.errors import BadPayload
from pyros_mqtt.loopback import Loopback
from pyros_mqtt.messages import Sample
from pyros_mqtt.settings import Settings

NOW = 1_795_000_000.0


def numbers(payload: bytes) -> list[tuple[float, dict[str, float]]]:
    return [(one.time, one.numbers) for one in read(payload, NOW)]


@pytest.mark.parametrize(
    ("payload", "right"),
    [
        (b"12.5", [(NOW, {"": 12.5})]),
        (b"true", [(NOW, {"": 1.0})]),
        (b'{"t": 1795000001.5, "v": 3}', [(NOW + 1.5, {"": 3.0})]),
        (b'{"t": 1795000001, "v": {"ra": 1, "state": "up", "x": null}}', [(NOW + 1, {"ra": 1.0})]),
        (b'{"t0": 1795000000, "dt": 0.5, "v": [1, 2]}', [(NOW, {"": 1.0}), (NOW + 0.5, {"": 2.0})]),
        (b'{"t": [1795000000, 1795000001], "v": {"a": [1, null]}}',
         [(NOW, {"a": 1.0}), (NOW + 1, {})]),
    ],
)  # fmt: skip
def test_every_form_of_the_protocol_becomes_numbers(payload: bytes, right: Any) -> None:
    assert numbers(payload) == right


@pytest.mark.parametrize("t", [0, 12.3, NOW + 90_000, -1e12])
def test_the_time_of_a_device_without_a_clock_is_when_it_was_heard(t: float) -> None:
    assert numbers(b'{"t": %r, "v": 1}' % t) == [(NOW, {"": 1.0})]


def test_a_number_that_no_plot_can_hold_is_no_measurement() -> None:
    with pytest.raises(BadPayload):
        read(b"1" + b"0" * 400, NOW)


def test_long_texts_and_names_are_cut() -> None:
    (one,) = read(b'{"t": 1795000000, "v": {"%s": "%s"}}' % (b"k" * 500, b"v" * 5000), NOW)
    ((name, value),) = one.shown.items()
    assert len(name) <= 64
    assert len(value) <= 256


def test_what_is_no_measurement_is_refused() -> None:
    with pytest.raises(BadPayload):
        read(b"{nonsense", NOW)


def note(memory: MemoryHistory, start: int, stop: int, channel: str = "wind") -> None:
    for i in range(start, stop):
        memory.note("weather", channel, [Reading(NOW + i, i, {"": float(i)}, "good")])


def test_live_plots_get_only_what_is_new() -> None:
    memory = MemoryHistory()
    key = ("weather", "wind", "")
    note(memory, 0, 10)
    mark = memory.mark(key)
    assert memory.after(key, mark) == (mark, [], [])
    note(memory, 10, 12)
    new, times, values = memory.after(key, mark)
    assert (times, values) == ([NOW + 10, NOW + 11], [10.0, 11.0])
    assert memory.after(key, new)[1] == []


def test_a_series_keeps_its_last_hours_and_no_more() -> None:
    memory = MemoryHistory()
    note(memory, 0, LONGEST + 500)
    samples = list(memory.read("weather", "wind", 0, math.inf))
    assert len(samples) == LONGEST
    assert samples[0].value == 500.0
    assert samples[-1].value == LONGEST + 499.0


def test_the_budget_is_shared_and_never_passed() -> None:
    memory = MemoryHistory(budget=4 * SHORTEST)
    note(memory, 0, 1000, "one")
    note(memory, 0, 1000, "two")
    one = list(memory.read("weather", "one", 0, math.inf))
    two = list(memory.read("weather", "two", 0, math.inf))
    assert len(one) <= 4 * SHORTEST
    assert len(two) == SHORTEST
    assert two[-1].value == 999.0


def test_fields_are_read_together_and_a_span_is_cut_out() -> None:
    memory = MemoryHistory()
    for i in range(5):
        memory.note("tel", "pointing", [Reading(NOW + i, {}, {"ra": i * 1.0, "dec": -1.0}, "good")])
    samples = list(memory.read("tel", "pointing", NOW + 1, NOW + 3))
    assert [sample.value["ra"] for sample in samples] == [1.0, 2.0, 3.0]
    assert column(samples, "dec") == ([NOW + 1, NOW + 2, NOW + 3], [-1.0] * 3)
    assert column(samples, "") == ([], [])


def test_thinning_keeps_every_spike() -> None:
    times = [float(i) for i in range(10_000)]
    values = [0.0] * 10_000
    values[4321], values[8765] = 99.0, -99.0
    thin_times, thin_values = thinned(times, values, 200)
    assert len(thin_times) <= 202
    assert max(thin_values) == 99.0
    assert min(thin_values) == -99.0
    assert thin_times == sorted(thin_times)


class SlowHistory:
    """Notes how many read at once; each waits a little for one too many."""

    def __init__(self) -> None:
        self.most = self._running = 0
        self._lock = threading.Lock()
        self._too_many = threading.Event()

    def read(self, *_: Any, every: float | None = None) -> Iterable[Sample]:
        assert every == 6.0
        with self._lock:
            self._running += 1
            self.most = max(self.most, self._running)
        if self.most > queries.AT_ONCE:
            self._too_many.set()
        self._too_many.wait(0.2)
        with self._lock:
            self._running -= 1
        return [Sample(NOW, 1.0)]


def test_of_many_plots_a_few_are_read_at_once_and_all_are_answered() -> None:
    history = SlowHistory()
    asked = Queries(Watch(Loopback(), Settings(brokers=()), history))
    query = b"series=dome/azimuth&span=60&points=10"
    scope = {"type": "http", "method": "GET", "headers": [], "query_string": query}

    async def ask() -> list[int]:
        answers = await asyncio.gather(*(asked.history(Request(scope)) for _ in range(5)))
        return [one.status_code for one in answers]

    assert asyncio.run(ask()) == [200] * 5
    assert history.most <= queries.AT_ONCE
