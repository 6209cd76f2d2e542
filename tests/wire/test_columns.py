"""Telemetry as columns: what a recorder keeps."""

from __future__ import annotations

import math
from array import array

import pytest

from pyros_mqtt.errors import BadPayload
from pyros_mqtt.wire.columns import Columns, Number, decode_columns


def read(payload: str) -> Columns:
    columns = decode_columns(payload.encode(), 7.0)
    assert isinstance(columns, Columns)
    return columns


def test_a_single_number_takes_the_short_way() -> None:
    said = decode_columns(b'{"t": 5.25, "v": 12.5, "seq": 3, "session": "s", "late": true}', 7.0)
    assert said == Number(5.25, 12.5, "good", 3, None, "s", late=True)


def test_a_scalar_has_the_time_of_its_arrival() -> None:
    said = read("12")
    assert not said.is_timed
    assert said.times == array("d", [7.0])
    assert said.columns == {"": array("d", [12.0])}


@pytest.mark.parametrize(
    ("payload", "columns"),
    [
        ('{"t": 5, "v": 12}', {"": array("d", [12.0])}),
        ('{"t": 5, "v": true}', {"": [True]}),
        ('{"t": 5, "v": "closed"}', {"": ["closed"]}),
        ('{"t": 5, "v": {"ra": 1, "side": "east"}}', {"ra": array("d", [1.0]), "side": ["east"]}),
        ('{"t": [5, 6], "v": [1, 2.5]}', {"": array("d", [1.0, 2.5])}),
        ('{"t0": 5, "dt": 0.5, "v": {"x": [1, 2], "y": [3, 4]}}',
         {"x": array("d", [1, 2]), "y": array("d", [3, 4])}),
        ('{"t": [5, 6], "v": [1, true]}', {"": [1, True]}),
    ],
)  # fmt: skip
def test_each_form_becomes_columns(payload: str, columns: dict[str, object]) -> None:
    said = read(payload)
    assert said.columns == columns
    assert said.times[0] == 5.0


def test_what_is_missing_is_no_number() -> None:
    said = read('{"t": [5, 6], "v": [null, 2], "q": ["bad", "good"]}')
    column = said.columns[""]
    assert math.isnan(column[0])
    assert column[1] == 2
    assert said.quality == ["bad", "good"]
    assert read('{"t": 5, "v": null}').quality == "bad"


@pytest.mark.parametrize(
    "payload",
    [
        "", "nonsense", "[1, 2]", '{"v": 1}', '{"t": 5}', '{"t": "x", "v": 1}',
        '{"t": [1, 2], "v": [1]}', '{"t": [1], "v": {"x": [1], "y": [1, 2]}}', '{"t": 5, "v": {}}',
        '{"t": 5.0, "v": 1e999}', '{"t": [5], "v": [1e999]}', '{"t": [1e999], "v": [1]}',
        '{"t": 1e300, "v": 1.0}', '{"t": 5.0, "v": NaN}', '{"t0": 5, "dt": 1e300, "v": [1, 2]}',
        '{"t": 5.0, "v": 1.0, "seq": -1}', '{"t": 5, "v": 1, "seq": 1e3}',
        '{"t": [1, 2], "v": [1, 2], "q": ["good"]}', '{"t": 5, "v": "\\ud800"}',
        '{"t": 5.0, "v": 1.0, "n": "x"}', '{"t": 5, "v": ' + "[" * 100_000,
        '{"t": 5, "v": ' + "[" * 40 + "]" * 40 + "}", '{"t": 5, "v": 1' + "0" * 400 + "}",
    ],
    ids=lambda payload: payload[:40],
)  # fmt: skip
def test_what_is_no_measurement_is_refused(payload: str) -> None:
    with pytest.raises(BadPayload):
        decode_columns(payload.encode(), 7.0)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(BadPayload):
        decode_columns(b"\xff\xfe1", 7.0)
