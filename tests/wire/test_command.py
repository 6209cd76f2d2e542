"""Commands on the wire (protocol sections 2 and 3)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyros_mqtt.errors import Refusal
from pyros_mqtt.messages import JSON, Command
from pyros_mqtt.wire import decode_command, encode_command
from pyros_mqtt.wire.command import LEGIBLE, Properties

NOW = 1_795_378_443.0
"""2026-11-22T20:14:03Z"""

FULL = Command(
    "telescope",
    "goto",
    {"ra": 83.633, "dec": 22.014},
    id="01JD8Z",
    sender="scheduler",
    sent_at=1_795_378_443.12,
    deadline=1_795_378_473.12,
    urgent=True,
    session="5f0c9a3be1d24c77",
)
FULL_BYTES = (
    b'{"message":"goto","args":{"ra":83.633,"dec":22.014},"id":"01JD8Z","from":"scheduler",'
    b'"urgent":true,"session":"5f0c9a3be1d24c77","sent_at":"2026-11-22T20:14:03.120Z","ttl":30.0}'
)


def read(payload: bytes | str, **more: Any) -> Command:
    payload = payload.encode() if isinstance(payload, str) else payload
    command = decode_command(payload, "telescope", arrived=NOW, **more)
    assert command is not None
    return command


def refused(payload: bytes | str, **more: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        read(payload, **more)
    return caught.value


def with_field(field: str, value: str) -> str:
    return f'{{"message":"goto","id":"7","from":"ops","{field}":{value}}}'


# -- frozen -------------------------------------------------------------------------------------


def test_a_full_command_is_written_as_frozen() -> None:
    assert encode_command(FULL) == FULL_BYTES


def test_a_full_command_is_read_as_frozen() -> None:
    assert read(FULL_BYTES) == FULL


def test_the_shortest_command_is_written_as_frozen() -> None:
    assert encode_command(Command("dome", "open")) == b'{"message":"open"}'


def test_the_shortest_command_is_read_as_frozen() -> None:
    command = read(b'{"message":"open"}')
    assert command == Command("telescope", "open", echo='{"message":"open"}')


def test_a_deadline_without_a_time_of_sending_is_an_expiry() -> None:
    command = Command("dome", "open", id="1", deadline=1_795_378_473.5)
    payload = b'{"message":"open","id":"1","expires":"2026-11-22T20:14:33.500Z"}'
    assert encode_command(command) == payload
    assert read(payload).deadline == 1_795_378_473.5


def test_the_protocols_own_example_is_read() -> None:
    command = read(
        b'{"message": "goto", "args": {"ra": 83.633, "dec": 22.014},\n'
        b' "id": "01JD8Z", "from": "scheduler", "ttl": 30,'
        b' "sent_at": "2026-11-22T20:14:03.120Z", "urgent": false}\n'
    )
    assert command.args == {"ra": 83.633, "dec": 22.014}
    assert command.deadline == pytest.approx(1_795_378_473.12)
    assert not command.urgent


def test_letters_are_not_turned_into_escapes() -> None:
    assert encode_command(Command("dome", "sag", {"wort": "größe ✓"})) == (
        '{"message":"sag","args":{"wort":"größe ✓"}}'.encode()
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object()])
def test_an_argument_without_a_form_in_json_cannot_be_written(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        encode_command(Command("dome", "open", {"x": value}))


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
NAMES = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True)
MILLISECONDS = st.integers(0, 4_000_000_000_000)
COMMANDS = st.builds(
    Command,
    agent=st.just("telescope"),
    message=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(
        lambda text: text == text.strip() != ""
    ),
    args=st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), JSON_VALUES),
    id=st.from_regex(r"[ -~]{1,64}", fullmatch=True),
    sender=NAMES,
    sent_at=st.none() | MILLISECONDS.map(lambda ms: ms / 1000),
    urgent=st.booleans(),
    session=st.none() | st.text(st.characters(codec="utf-8"), max_size=20),
)


@settings(max_examples=150)
@given(COMMANDS)
def test_each_command_comes_back_as_it_was(command: Command) -> None:
    assert read(encode_command(command)) == command


@settings(max_examples=100)
@given(st.dictionaries(st.text(max_size=10), JSON_VALUES, max_size=6))
def test_an_object_is_read_or_refused_and_nothing_else(body: dict[str, JSON]) -> None:
    payload = json.dumps(body | {"message": "goto"})
    try:
        command = read(payload)
    except Refusal as refusal:
        assert refusal.command is not None  # noqa: PT017 - so the report finds its way
    else:
        assert command.message == "goto"


# -- section 2: payloads ------------------------------------------------------------------------


def test_one_that_is_too_large_is_refused_to_whom_it_is_from() -> None:
    large = {"message": "goto", "id": "a-1", "from": "ops", "args": {"x": "y" * 500}}
    command = refused(json.dumps(large), max_payload=256).command
    assert command is not None
    assert (command.id, command.sender, command.message) == ("a-1", "ops", "goto")
    assert (command.args, command.echo) == ({}, None)


@pytest.mark.parametrize(
    "payload",
    [
        '{"message":"goto","id":"a-1","from":"+","args":"' + "x" * 500 + '"}',
        '{"message":"goto","id":"a-1","from":"ops"' + " " * 500,
        '{"message":"goto","id":"a-1","from":"ops","args":"' + "x" * LEGIBLE + '"}',
        '{"a":' * 500,
        b"\xff" * 500,
    ],
)
def test_one_that_is_too_large_and_illegible_is_refused_under_anonymous(
    payload: str | bytes,
) -> None:
    refusal = refused(payload, max_payload=256)
    assert refusal.code == "too-large"
    assert refusal.command is not None
    assert (refusal.command.id, refusal.command.sender) == ("", "anonymous")


def test_the_size_limit_is_checked_first() -> None:
    payload = b"\xff" * 257
    assert refused(payload, max_payload=256).code == "too-large"
    assert refused(payload[:256], max_payload=256).code == "bad-encoding"
    assert read(b"x" * 256, max_payload=256).message == "x" * 256


@pytest.mark.parametrize(
    "payload", [b"\xff", b"open\xe9", b"\xc0\x80", b"\xed\xa0\x80", "öffne".encode("utf-16")]
)
def test_what_is_not_strict_utf_8_is_refused(payload: bytes) -> None:
    assert refused(payload).code == "bad-encoding"


@pytest.mark.parametrize("payload", [b"\0", b"open\0", b'{"message":"op\0en"}'])
def test_a_nul_is_refused(payload: bytes) -> None:
    assert refused(payload).code == "bad-encoding"


@pytest.mark.parametrize("payload", [b"", b"\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n", b"\r\n"])
def test_nothing_is_ignored(payload: bytes) -> None:
    assert decode_command(payload, "dome", arrived=NOW) is None


@pytest.mark.parametrize(
    "payload", [b"open\n", b"\xef\xbb\xbfopen", b"\xef\xbb\xbfopen\n", b"open\r\n"]
)
def test_a_byte_order_mark_and_a_trailing_newline_are_taken_off(payload: bytes) -> None:
    assert read(payload).message == "open"


def test_an_object_behind_a_byte_order_mark_is_an_object() -> None:
    assert read(b'\xef\xbb\xbf \t\r\n{"message":"open"} \n').message == "open"


@pytest.mark.parametrize(
    "payload", ["{", "{}x", "{open}", "{'message':'open'}", '{"message":"open",}', "{ra=1}"]
)
def test_what_begins_as_an_object_never_falls_back_to_text(payload: str) -> None:
    assert refused(payload).code == "bad-json"


def test_two_objects_are_not_one() -> None:
    assert refused('{"message":"open"}{"message":"close"}').code == "bad-json"


def test_what_begins_otherwise_is_text() -> None:
    assert read('["message"]').message == '["message"]'
    assert read('"open"').message == '"open"'


# -- section 3: fields --------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["{}", '{"message":""}', '{"message":"  "}', '{"args":{}}'])
def test_a_message_is_required(body: str) -> None:
    refusal = refused(body)
    assert refusal.code == "bad-json"
    assert "message" in refusal.text


@pytest.mark.parametrize("value", ["1", "null", "[]", "{}", "true"])
def test_a_message_is_a_text(value: str) -> None:
    assert refused(f'{{"message":{value}}}').code == "bad-json"


@pytest.mark.parametrize("value", ["[]", '"ra=1"', "null", "5"])
def test_arguments_are_an_object(value: str) -> None:
    assert refused(with_field("args", value)).code == "bad-arguments"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("urgent", "1"),
        ("urgent", '"yes"'),
        ("ttl", '"30"'),
        ("ttl", "-1"),
        ("ttl", "true"),
        ("ttl", "1" + "0" * 309),
        ("sent_at", "1795378443"),
        ("sent_at", '"2026-11-22T20:14:03+00:00"'),
        ("expires", '"tomorrow"'),
        ("session", "5"),
    ],
)
def test_a_field_of_another_type_is_refused_by_its_name(field: str, value: str) -> None:
    refusal = refused(with_field(field, value))
    assert refusal.code == "bad-json"
    assert refusal.text.startswith(f"{field}: {value[:80]} is not ")
    assert refusal.command is not None
    assert (refusal.command.id, refusal.command.sender) == ("7", "ops")


def test_a_field_that_is_not_listed_is_refused() -> None:
    refusal = refused(with_field("priority", "5"))
    assert (refusal.code, "'priority'" in refusal.text) == ("unknown-field", True)


def test_a_field_of_ones_own_starts_with_x() -> None:
    assert read(with_field("x-trace", '{"span":1}')).message == "goto"


@pytest.mark.parametrize(
    "value",
    ['""', '"Ops"', '"+"', '"#"', '"a/b"', '"$SYS"', '"é"', '" ops"', '"_x"', "5", "null",
     '"' + "a" * 64 + '"', '"ops\\n"'],
)  # fmt: skip
def test_a_bad_sender_never_reaches_a_topic(value: str) -> None:
    refusal = refused(f'{{"message":"goto","id":"7","from":{value}}}')
    assert refusal.code == "bad-name"
    assert refusal.command is not None
    assert (refusal.command.sender, refusal.command.id) == ("anonymous", "7")


@pytest.mark.parametrize(
    "value", ['""', '"é"', '"a\\nb"', '"\\u0001"', "5", "null", '"' + "x" * 65 + '"', "[]"]
)
def test_a_bad_id_is_refused_under_anonymous(value: str) -> None:
    refusal = refused(f'{{"message":"goto","from":"ops","id":{value}}}')
    assert refusal.code == "bad-name"
    assert refusal.command is not None
    assert (refusal.command.sender, refusal.command.id) == ("anonymous", "")


def test_the_longest_id_and_sender_are_taken() -> None:
    command = read(json.dumps({"message": "goto", "id": "~" * 64, "from": "a" * 63}))
    assert (command.id, command.sender) == ("~" * 64, "a" * 63)


def test_a_command_without_an_id_is_echoed_in_part() -> None:
    assert read(b"x" * 5000).echo == "x" * 1024
    assert read('{"message":"open","id":"1"}').echo is None


# -- deadlines ----------------------------------------------------------------------------------


def test_a_lifetime_counts_from_the_sending() -> None:
    command = read(
        '{"message":"goto","sent_at":"2026-11-22T20:13:50Z","ttl":5}',
    )
    assert command.deadline == NOW - 8


def test_a_lifetime_without_a_time_of_sending_counts_from_the_arrival() -> None:
    assert read(with_field("ttl", "5")).deadline == NOW + 5


def test_no_lifetime_never_expires() -> None:
    assert read('{"message":"goto","sent_at":"2020-11-22T20:13:50Z"}').deadline is None


def test_an_enormous_lifetime_is_only_long() -> None:
    assert read(with_field("ttl", "1e300")).deadline == NOW + 1e10


@pytest.mark.parametrize(("expires", "code"), [("20:14:08", None), ("20:15:08", "conflict")])
def test_two_deadlines_have_to_agree(expires: str, code: str | None) -> None:
    body = f'{{"message":"goto","ttl":5,"expires":"2026-11-22T{expires}Z"}}'
    if code is None:
        assert read(body).deadline == NOW + 5
    else:
        assert refused(body).code == code


# -- what MQTT 5 adds ---------------------------------------------------------------------------


def test_properties_are_read_where_the_body_is_silent() -> None:
    properties = Properties(b"abc", 12, "answers/here")
    command = read(b"open", properties=properties)
    assert (command.id, command.deadline, command.reply_to) == ("abc", NOW + 12, "answers/here")


def test_properties_that_agree_with_the_body_are_no_conflict() -> None:
    command = read('{"message":"open","id":"abc","ttl":12}', properties=Properties(b"abc", 11))
    assert (command.id, command.deadline) == ("abc", NOW + 12)


@pytest.mark.parametrize(
    "properties",
    [Properties(b"other"), Properties(b"\xff\xfe"), Properties(None, 60)],
    ids=["id", "binary", "ttl"],
)
def test_properties_that_differ_from_the_body_are_a_conflict(properties: Properties) -> None:
    refusal = refused('{"message":"open","id":"abc","ttl":12}', properties=properties)
    assert refusal.code in {"conflict", "bad-name"}


def test_correlation_data_has_to_be_an_id() -> None:
    assert refused(b"open", properties=Properties(b"\xff\0")).code == "bad-name"


@pytest.mark.parametrize("topic", ["pyros/dome/inbox", "a/+/b", "a/#", "a\0b"])
def test_a_response_topic_is_concrete_and_no_inbox(topic: str) -> None:
    refusal = refused(b"open", properties=Properties(reply_to=topic))
    assert refusal.code == "bad-name"
    assert refusal.command is not None
    assert refusal.command.reply_to is None


def test_an_argument_that_is_no_text_is_refused_by_its_sender() -> None:
    command = Command("dome", "say", {"text": "\udcff"})
    with pytest.raises(ValueError, match="no text"):
        encode_command(command)


@pytest.mark.parametrize(
    "payload", [b"{", b"\xff", b'{"message": "x", "from": "+"}', b'{"message": "x", "q": 1}']
)
def test_a_refusal_goes_where_mqtt_5_says(payload: bytes) -> None:
    beside = Properties(correlation=b"mine", reply_to="answers/here")
    with pytest.raises(Refusal) as caught:
        decode_command(payload, "dome", arrived=0.0, properties=beside)
    command = caught.value.command
    assert command is not None
    assert (command.id, command.reply_to, command.echo) == ("mine", "answers/here", None)


def test_a_message_that_has_waited_in_the_broker_agrees_with_its_lifetime() -> None:
    sent = 1_000_000.0
    payload = b'{"message": "x", "ttl": 20, "sent_at": "1970-01-12T13:46:40Z"}'
    beside = Properties(expiry=5)
    command = decode_command(payload, "dome", arrived=sent + 15, properties=beside)
    assert command is not None
    assert command.deadline == sent + 20
    with pytest.raises(Refusal, match="differ"):
        decode_command(payload, "dome", arrived=sent + 1, properties=beside)
