"""What somebody might send to break a reader of JSON; each is refused in words, and soon."""

from __future__ import annotations

import codecs
import json
import time

import pytest

from pyros_mqtt.errors import BadPayload, Refusal
from pyros_mqtt.wire import (
    decode_about,
    decode_alarm,
    decode_command,
    decode_log,
    decode_report,
    decode_samples,
    decode_status,
)


def nested(levels: int, opening: str = '{"a":', closing: str = "}") -> str:
    """A command whose whole nesting is `levels` deep: its own object and its arguments' are two."""
    inner = levels - 2
    return '{"message":"x","args":{"a":' + opening * inner + "1" + closing * inner + "}}"


REFUSED = {
    "33 levels of objects": nested(33),
    "33 levels of lists": nested(33, "[", "]"),
    "100,000 levels": nested(100_002, "[", "]"),
    "100,000 levels that never close": '{"message":"x","args":{"a":' + "[" * 100_000,
    "100,000 objects that never close": '{"a":' * 50_000,
    "a duplicate key": '{"message":"x","message":"y"}',
    "a duplicate key inside": '{"message":"x","args":{"a":1,"a":1}}',
    "a duplicate key that is escaped": '{"message":"x","args":{"a":1,"\\u0061":1}}',
    "a duplicate in a list": '{"message":"x","args":{"a":[{"b":1,"b":2}]}}',
    "NaN": '{"message":"x","args":{"a":NaN}}',
    "Infinity": '{"message":"x","args":{"a":Infinity}}',
    "-Infinity": '{"message":"x","args":{"a":[-Infinity]}}',
    "1e999": '{"message":"x","args":{"a":1e999}}',
    "-1e999": '{"message":"x","args":{"a":-1e999}}',
    "a number of 10,000 digits": '{"message":"x","args":{"a":1' + "0" * 10_000 + "}}",
    "a number of 200,000 digits": '{"message":"x","args":{"a":' + "9" * 200_000 + "}}",
    "a leading zero": '{"message":"x","args":{"a":01}}',
    "a plus": '{"message":"x","args":{"a":+1}}',
    "a bare point": '{"message":"x","args":{"a":.5}}',
    "hexadecimal": '{"message":"x","args":{"a":0xff}}',
    "a lone high surrogate": '{"message":"x","args":{"a":"\\ud800"}}',
    "a lone low surrogate": '{"message":"\\udc00"}',
    "a lone surrogate as a key": '{"message":"x","args":{"\\udfff":1}}',
    "a NUL in the message": '{"message":"a\\u0000b"}',
    "a raw control character": '{"message":"a\tb"}',
    "a raw newline in a text": '{"message":"a\nb"}',
    "a comment": '{"message":"x" /* y */}',
    "single quotes": "{'message':'x'}",
    "a trailing comma": '{"message":"x",}',
    "an unknown escape": '{"message":"\\x41"}',
    "a key without quotes": '{message:"x"}',
    "something behind it": '{"message":"x"} open',
    "a no-break space before it": '\u00a0{"message":"x"}',
    "half an object": '{"message":"x"',
    "only a brace": "{",
    "200,000 braces": "{" * 200_000,
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_it_is_refused_as_bad_json_and_soon(text: str) -> None:
    began = time.thread_time()
    with pytest.raises(Refusal) as caught:
        decode_command(text.encode(), "dome", arrived=0.0)
    assert time.thread_time() - began < 1.0
    assert caught.value.code == "bad-json"
    assert len(caught.value.text) < 400


TAKEN = {
    "32 levels": nested(32),
    "32 levels of lists": nested(32, "[", "]"),
    "a pair of surrogates": '{"message":"x","args":{"a":"\\ud83d\\ude00"}}',
    "an integer past 2^63": '{"message":"x","args":{"a":9223372036854775808}}',
    "an integer of 300 digits": '{"message":"x","args":{"a":' + "9" * 300 + "}}",
    "a number too small to tell from 0": '{"message":"x","args":{"a":1e-999}}',
    "CRLF between the fields": '{\r\n"message":"x"\r\n}\r\n',
    "an escaped NUL in an argument": '{"message":"x","args":{"a":"\\u0000"}}',
    "an empty key": '{"message":"x","args":{"":1}}',
    "a key of a class": '{"message":"x","args":{"__class__":"x","__proto__":{}}}',
}


@pytest.mark.parametrize("text", TAKEN.values(), ids=TAKEN.keys())
def test_it_is_unusual_and_taken(text: str) -> None:
    command = decode_command(text.encode(), "dome", arrived=0.0)
    assert command is not None
    assert command.args == json.loads(text).get("args", {})


@pytest.mark.parametrize(
    "payload",
    [
        '{"message":"x"}'.encode("utf-16"),
        '{"message":"x"}'.encode("utf-16-le"),
        '{"message":"x"}'.encode("utf-32"),
        b'{"message":"\xff"}',
        b'{"message":"x"}\x80',
        b"\xfe\xff",
    ],
)
def test_another_encoding_is_refused_as_such(payload: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        decode_command(payload, "dome", arrived=0.0)
    assert caught.value.code == "bad-encoding"


def test_a_duplicate_at_the_end_of_many_keys_is_found_soon() -> None:
    keys = ",".join(f'"k{i}":1' for i in range(20_000))
    began = time.thread_time()
    with pytest.raises(Refusal, match="'k19999' stands there twice"):
        decode_command(f'{{{keys},"k19999":2}}'.encode(), "dome", arrived=0.0)
    assert time.thread_time() - began < 1.0


NO_DOCUMENT = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"{}",
    b"\xff",
    b'{"state":"ready","boot":1e999}',
    b'{"state":NaN}',
    b'{"state":[]}',
    b'{"state":{}}',
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"state":' + b"9" * 10_000 + b"}",
    codecs.BOM_UTF16 + "{}".encode("utf-16-le"),
]


@pytest.mark.parametrize("payload", NO_DOCUMENT)
def test_no_reader_of_documents_is_confused(payload: bytes) -> None:
    for read in (
        lambda: decode_status(payload, "dome"),
        lambda: decode_report(payload),
    ):
        with pytest.raises(BadPayload):
            read()
    for tolerant in (
        lambda: decode_about(payload, "dome"),
        lambda: decode_samples(payload, 0.0),
    ):
        try:
            tolerant()
        except BadPayload as error:
            assert len(str(error)) < 1200  # noqa: PT017 - and nothing else is raised


def test_what_is_no_text_in_the_words_of_others_becomes_a_question_mark() -> None:
    bad = b'"a\\ud800b\\u0000c\\uD83D\\uDE00"'
    good = "a?b?c\U0001f600"
    at = b'"at":"2026-11-22T20:14:31.400Z"'
    assert decode_status(b'{"state":"ready","detail":%b}' % bad, "dome").detail == good
    assert list(decode_about(b'{"messages":{%b:{}}}' % bad, "dome").messages) == [good]
    said = b'{"id":"1","message":"m","agent":"a","state":"done","result":[{%b:%b}],%b}'
    assert decode_report(said % (bad, bad, at)).result == [{good: good}]
    assert decode_alarm(b'{"state":"raised","text":%b}' % bad, "a", "x").text == good
    assert decode_log(b'{"text":%b}' % bad, "info", 0.0).text == good
    assert decode_log(b"a\0b", "info", 0.0).text == "a?b"
    assert decode_samples(b'{"t":1,"v":{%b:%b}}' % (bad, bad), 0.0)[0].value == {good: good}
    assert decode_samples(bad, 0.0)[0].value == good
