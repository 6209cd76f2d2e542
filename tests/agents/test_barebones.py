"""The template agent does what its readers will copy."""

from __future__ import annotations

import pytest

from pyros_agents.barebones import Barebones
from pyros_mqtt import Failed, WasCancelled
from pyros_mqtt.testing import Rehearsal


def test_it_greets_counts_fails_and_measures() -> None:
    with Rehearsal() as stage:
        stage.start(Barebones(bus=stage.bus))
        assert stage.ask("barebones", "hello", name="Kepler") == {"greeting": "hello Kepler"}
        assert stage.ask("barebones", "count", to=3, seconds=0.01) == 3
        with pytest.raises(Failed, match="always fails"):
            stage.ask("barebones", "fail")
        stage.wait_until(lambda: stage.latest("barebones", "temperature") == 20.0)


def test_a_count_tells_how_far_it_is_and_can_be_cancelled() -> None:
    with Rehearsal() as stage:
        stage.start(Barebones(bus=stage.bus))
        receipt = stage.send("barebones", "count", to=100_000, seconds=0.01)
        stage.wait_until(lambda: any(report.progress for report in stage.reports))
        stage.ask("barebones", "abort")
        with pytest.raises(WasCancelled):
            receipt.result(5.0)
