"""Log records (protocol, log topics)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyros_mqtt.errors import BadPayload
from pyros_mqtt.messages import LogRecord
from pyros_mqtt.wire import decode_log, encode_log
from pyros_mqtt.wire.log import LONGEST_EXCEPTION, LONGEST_TEXT

NOW = 1763841600.5

FROZEN = [
    (
        LogRecord(1763841600.25, "info", "pyros.dome", "open"),
        b'{"t":1763841600.25,"level":"info","logger":"pyros.dome","text":"open"}',
    ),
    (
        LogRecord(1.0, "error", "pyros.dome", "stuck", "Traceback:\nOSError", 3),
        (
            b'{"t":1.0,"level":"error","logger":"pyros.dome","text":"stuck",'
            b'"exception":"Traceback:\\nOSError","left_out":3}'
        ),
    ),
]


@pytest.mark.parametrize(("record", "payload"), FROZEN)
def test_a_record_is_written_and_read_as_frozen(record: LogRecord, payload: bytes) -> None:
    assert encode_log(record) == payload
    assert decode_log(payload, record.level, NOW) == record


def test_plain_text_of_a_small_device_is_a_record() -> None:
    assert decode_log(b"low battery\n", "warning", NOW) == LogRecord(
        NOW, "warning", "", "low battery"
    )


def test_the_topic_says_the_level() -> None:
    assert decode_log(b'{"level":"debug","text":"x"}', "error", NOW) == LogRecord(
        NOW, "error", "", "x"
    )


@pytest.mark.parametrize("moment", [b"1e308", b"-1", b"253402300800"])
def test_an_impossible_moment_is_that_of_the_arrival(moment: bytes) -> None:
    assert decode_log(b'{"t":' + moment + b',"text":"x"}', "info", NOW).time == NOW


def test_long_texts_lose_their_middle_and_say_so() -> None:
    record = LogRecord(1.0, "info", "x", "a" * 9_000 + "z", "b" * 90_000 + "z")
    body = json.loads(encode_log(record))
    assert len(body["text"]) < LONGEST_TEXT + 50
    assert len(body["exception"]) < LONGEST_EXCEPTION + 50
    assert "... (7001 more characters) ..." in body["text"]
    assert body["text"].endswith("z")


@pytest.mark.parametrize(
    "payload", [b"\xff", b"{", b"{}", b'{"t":"x","text":"y"}', b'{"text":"x","left_out":"y"}']
)
def test_what_is_no_record_is_refused(payload: bytes) -> None:
    with pytest.raises(BadPayload):
        decode_log(payload, "info", NOW)


@settings(max_examples=50)
@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=50),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=50),
    st.integers(0, 10**9),
)
def test_each_record_comes_back_as_it_was(text: str, exception: str, left_out: int) -> None:
    given_text = text.encode(errors="replace").decode()
    given_exception = exception.encode(errors="replace").decode()
    record = LogRecord(1.5, "info", "pyros.x", given_text, given_exception, left_out)
    assert decode_log(encode_log(record), "info", NOW) == record
