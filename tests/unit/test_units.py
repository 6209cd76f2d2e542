"""Units as VOUnit spells them."""

from __future__ import annotations

import logging
import sys

import pytest
from astropy import units

from pyros_mqtt.messages import Channel
from pyros_mqtt.telemetry import units as ours
from pyros_mqtt.telemetry.units import WELL_KNOWN, check_unit


@pytest.mark.parametrize("unit", sorted(WELL_KNOWN))
def test_each_unit_that_is_well_known_is_one_of_vounit(unit: str) -> None:
    units.Unit(unit, format="vounit")


@pytest.mark.parametrize("unit", ["", "%", "deg_C", "deg", "m.s**-1", "erg.s**-1", "Jy", "kpc"])
def test_a_right_unit_is_taken_in_silence(unit: str, caplog: pytest.LogCaptureFixture) -> None:
    check_unit(Channel("x", unit))
    assert not caplog.records


@pytest.mark.parametrize(
    ("unit", "words"),
    [("degC", "should be 'deg_C'"), ("furlong", "is not in VOUnit"), ("m per s", "not in VOUnit")],
)
def test_a_wrong_unit_is_told_of(unit: str, words: str, caplog: pytest.LogCaptureFixture) -> None:
    check_unit(Channel("x", unit))
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert words in caplog.text


def test_without_astropy_only_what_is_known_to_be_wrong_is_told_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ours._fault.cache_clear()
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    check_unit(Channel("x", "leagues"))
    assert not caplog.records
    check_unit(Channel("x", "degC"))
    assert caplog.records
    ours._fault.cache_clear()


def test_well_known_units_do_not_load_astropy(monkeypatch: pytest.MonkeyPatch) -> None:
    ours._fault.cache_clear()
    monkeypatch.setitem(sys.modules, "astropy.units", None)
    check_unit(Channel("x", "m.s**-1"))
