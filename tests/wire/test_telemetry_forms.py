"""The three forms of telemetry (protocol section 7)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyros_mqtt.errors import BadPayload
from pyros_mqtt.messages import JSON, Columns, Sample
from pyros_mqtt.wire import (
    Tag,
    as_late,
    decode_columns,
    decode_samples,
    encode_batch,
    encode_sample,
)

NOW = 1763841600.5

FROZEN = [
    (Sample(1763841600.123, 12.3), b'{"t":1763841600.123,"v":12.3}'),
    (
        Sample(1.0, {"ra": 83.6, "dec": 22.0}, seq=7),
        b'{"t":1.0,"v":{"ra":83.6,"dec":22.0},"seq":7}',
    ),
    (Sample(1.0, None, "bad"), b'{"t":1.0,"v":null,"q":"bad"}'),
    (Sample(1.0, 5, "uncertain", late=True), b'{"t":1.0,"v":5,"q":"uncertain","late":true}'),
    (Sample(1.0, "open"), b'{"t":1.0,"v":"open"}'),
]


@pytest.mark.parametrize(("sample", "payload"), FROZEN)
def test_a_sample_is_written_and_read_as_frozen(sample: Sample, payload: bytes) -> None:
    assert encode_sample(sample) == payload
    assert decode_samples(payload, NOW) == [sample]


@pytest.mark.parametrize(
    ("payload", "value"),
    [(b"12.3", 12.3), (b" 5 \n", 5), (b"-1e3", -1000.0), (b"true", True), (b'"open"', "open")],
)
def test_a_scalar_has_the_readers_time(payload: bytes, value: JSON) -> None:
    assert decode_samples(payload, NOW) == [Sample(NOW, value)]


def test_a_missing_scalar_is_bad() -> None:
    assert decode_samples(b"null", NOW) == [Sample(NOW, None, "bad")]


def test_a_batch_by_column_is_read_in_order() -> None:
    assert decode_samples(b'{"t":[1,2,3.5],"v":[10,null,30]}', NOW) == [
        Sample(1.0, 10),
        Sample(2.0, None, "bad"),
        Sample(3.5, 30),
    ]


def test_a_batch_of_a_steady_rate_is_read_in_order() -> None:
    samples = decode_samples(b'{"t0":100,"dt":0.5,"v":[1,2,3],"late":true,"q":"uncertain"}', NOW)
    assert samples == [
        Sample(100.0, 1, "uncertain", late=True),
        Sample(100.5, 2, "uncertain", late=True),
        Sample(101.0, 3, "uncertain", late=True),
    ]


def test_a_batch_of_fields_is_read_in_order() -> None:
    payload = b'{"t":[1,2],"v":{"ra":[10,11],"dec":[20,21]}}'
    assert decode_samples(payload, NOW) == [
        Sample(1.0, {"ra": 10, "dec": 20}),
        Sample(2.0, {"ra": 11, "dec": 21}),
    ]


def test_an_empty_batch_is_no_sample() -> None:
    assert decode_samples(b'{"t":[],"v":[]}', NOW) == []


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"NaN",
        b"Infinity",
        b"1e999",
        b"open",
        b"[1,2]",
        b"{}",
        b'{"v":1}',
        b'{"t":1}',
        b'{"t":"noon","v":1}',
        b'{"t":NaN,"v":1}',
        b'{"t":1,"v":NaN}',
        b'{"t":[1,2],"v":[1]}',
        b'{"t":[1],"v":[1,2]}',
        b'{"t":[1],"v":5}',
        b'{"t":[1],"v":{"a":[1],"b":[]}}',
        b'{"t0":1,"v":[1]}',
        b'{"t0":1,"dt":"x","v":[1]}',
        b'{"t":1,"v":1,"seq":"x"}',
        b"\xff",
        b"[" * 10_000,
    ],
)
def test_what_is_no_measurement_is_refused(payload: bytes) -> None:
    with pytest.raises(BadPayload):
        decode_samples(payload, NOW)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_missing(value: float) -> None:
    assert encode_sample(Sample(1.0, value)) == b'{"t":1.0,"v":null,"q":"bad"}'
    assert encode_sample(Sample(1.0, {"a": 1.0, "b": value})) == (
        b'{"t":1.0,"v":{"a":1.0,"b":null},"q":"bad"}'
    )


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
SCALARS = VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
SAMPLES = st.builds(
    Sample,
    time=st.integers(0, 4_000_000_000_000).map(lambda ms: ms / 1000),
    value=VALUES.filter(lambda value: value is not None)
    | st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
        VALUES,
        min_size=1,
        max_size=4,
    ),
    quality=st.sampled_from(["good", "uncertain", "bad"]),
    seq=st.none() | st.integers(0, 2**53),
    late=st.booleans(),
)


@settings(max_examples=100)
@given(SAMPLES)
def test_each_sample_comes_back_as_it_was(sample: Sample) -> None:
    assert decode_samples(encode_sample(sample), NOW) == [sample]


# -- columns --------------------------------------------------------------------------------------

BATCHES = [
    (
        encode_batch([1.0, 2.5], [10, None], tag=Tag(3, 40, "5f0c")),
        b'{"t":[1.0,2.5],"v":[10,null],"seq":3,"n":40,"session":"5f0c"}',
        Columns([1.0, 2.5], [10, None], ["good", "bad"], 3, 40, "5f0c"),
    ),
    (
        encode_batch((100.0, 0.5), [1.5, 2.5, 3.5], "uncertain", Tag(0, 0, "5f0c")),
        b'{"t0":100.0,"dt":0.5,"v":[1.5,2.5,3.5],"q":"uncertain","seq":0,"session":"5f0c"}',
        Columns([100.0, 100.5, 101.0], [1.5, 2.5, 3.5], "uncertain", 0, 0, "5f0c", step=0.5),
    ),
    (
        encode_batch([1.0, 2.0], {"ra": [83.6, 83.7], "dec": [22, 23]}, ["good", "bad"]),
        b'{"t":[1.0,2.0],"v":{"ra":[83.6,83.7],"dec":[22,23]},"q":["good","bad"]}',
        Columns([1.0, 2.0], {"ra": [83.6, 83.7], "dec": [22, 23]}, ["good", "bad"]),
    ),
    (
        as_late(encode_batch([1.0], [True], tag=Tag(7, 7))),
        b'{"t":[1.0],"v":[true],"seq":7,"late":true}',
        Columns([1.0], [True], "good", 7, 7, late=True),
    ),
    (
        as_late(encode_sample(Sample(1.0, {"a": 1}), Tag(7, 9, "5f0c"))),
        b'{"t":1.0,"v":{"a":1},"seq":7,"n":9,"session":"5f0c","late":true}',
        Columns([1.0], {"a": [1]}, "good", 7, 9, "5f0c", late=True),
    ),
    (b"12.3", b"12.3", Columns([NOW], [12.3], is_timed=False)),
    (b"null", b"null", Columns([NOW], [None], "bad", is_timed=False)),
]


@pytest.mark.parametrize(("written", "payload", "columns"), BATCHES)
def test_a_batch_is_written_and_read_as_frozen(
    written: bytes, payload: bytes, columns: Columns
) -> None:
    assert written == payload
    assert decode_columns(payload, NOW) == columns
    samples = [columns.sample(row) for row in range(len(columns))]
    assert decode_samples(payload, NOW) == samples


def test_each_row_has_its_value_and_quality() -> None:
    columns = Columns([1.0, 2.0, 3.0], [5, None, 7], ["good", "good", "uncertain"], 4, late=True)
    assert [columns.sample(row) for row in (0, 1, -1)] == [
        Sample(1.0, 5, "good", 4, late=True),
        Sample(2.0, None, "bad", 4, late=True),
        Sample(3.0, 7, "uncertain", 4, late=True),
    ]


def test_a_single_value_that_is_missing_is_bad() -> None:
    assert decode_columns(b'{"t":5,"v":null}', NOW).quality == "bad"
    assert decode_columns(b'{"t":5,"v":null,"q":"uncertain"}', NOW).quality == "uncertain"


@pytest.mark.parametrize(
    ("told", "quality"),
    [
        (b"", ["good", "bad", "bad"]),
        (b',"q":"good"', ["good", "bad", "bad"]),
        (b',"q":"uncertain"', ["uncertain"] * 3),
        (b',"q":["good","uncertain","good"]', ["good", "uncertain", "bad"]),
    ],
)
def test_values_of_a_batch_that_are_missing_are_bad(told: bytes, quality: list[str]) -> None:
    for times in (b'"t":[1,2,3]', b'"t0":1,"dt":1'):
        columns = decode_columns(b'{%s,"v":[5,null,null]%s}' % (times, told), NOW)
        assert columns.quality == quality
        assert [columns.sample(row).quality for row in range(3)] == quality


def test_a_time_in_whole_seconds_is_a_time() -> None:
    assert decode_columns(b'{"t":[5,6.5],"v":[true,2]}', NOW) == Columns([5.0, 6.5], [True, 2])


def test_a_batch_without_a_finite_number_is_missing_there() -> None:
    assert encode_batch((0.0, 1.0), [1.0, math.nan], "good") == (
        b'{"t0":0.0,"dt":1.0,"v":[1.0,null]}'
    )
    assert encode_batch([0.0, 1.0], {"a": [math.inf, 1.0], "b": [1, 2]}) == (
        b'{"t":[0.0,1.0],"v":{"a":[null,1.0],"b":[1,2]},"q":["bad","good"]}'
    )


@pytest.mark.parametrize(
    "payload",
    [
        b'{"t":[1],"v":[1e999]}',
        b'{"t":[1],"v":[-1e999]}',
        b'{"t":[1e999],"v":[1]}',
        b'{"t0":1e999,"dt":1,"v":[1]}',
        b'{"t":1,"v":{"a":{"b":1e999}}}',
        b'{"t":[1],"v":[[1]]}',
        b'{"t":[1],"v":[{}]}',
        b'{"t":[1],"v":{"a":[[1]]}}',
        b'{"t":[1],"v":[1],"q":["good","bad"]}',
        b'{"t":[1],"v":[1],"n":"x"}',
        b'{"t":[1,null],"v":[1,2]}',
        b'{"t":[1],"v":{}}',
        b'{"t":[1],"v":"x"}',
        b'{"t":[],"v":{}}',
        b'{"t":5,"v":{}}',
        b'{"t":1e300,"v":1.0}',
        b'{"t":[1e300],"v":[1.0]}',
        b'{"t":"5","v":1}',
        b'{"t":true,"v":1}',
        b'{"t":["5"],"v":[1]}',
        b'{"t0":5,"dt":1e300,"v":[1,2]}',
        b'{"t":5,"v":1,"seq":-1}',
        b'{"t":5,"v":1,"seq":1e3}',
        b'{"t":5,"v":1,"seq":9999999999999999999}',
        b'{"t":5,"v":1,"n":true}',
        b'{"t":5,"v":[' + b"[" * 40 + b"]" * 40 + b"]}",
        b'{"t":5,"v":1' + b"0" * 400 + b"}",
        b'{"t":[5],"v":[-1' + b"0" * 400 + b"]}",
        b"1" + b"0" * 400,
        b'{"t":5,"v":' + b"[" * 100_000,
    ],
    ids=lambda payload: payload[:40].decode(),
)
def test_columns_that_are_none_are_refused(payload: bytes) -> None:
    with pytest.raises(BadPayload):
        decode_columns(payload, NOW)


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, 4_000_000_000_000), SCALARS), min_size=1, max_size=20),
    st.integers(0, 2**53),
)
def test_each_batch_comes_back_as_it_was(rows: list[tuple[int, JSON]], first: int) -> None:
    times, values = [ms / 1000 for ms, _ in rows], [value for _, value in rows]
    written = encode_batch(times, {"a": values}, tag=Tag(1, first, "s"))
    assert decode_columns(written, NOW) == Columns(times, {"a": values}, "good", 1, first, "s")
