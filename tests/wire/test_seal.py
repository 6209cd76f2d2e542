"""The signature at the end of a command (protocol, signed commands)."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from pyros_mqtt.errors import Refusal
from pyros_mqtt.messages import Command, Seal
from pyros_mqtt.wire import decode_command, encode_command, sealed

NOW = 1_795_378_443.0
BODY = (
    b'{"message":"open","id":"a51f3c","from":"scheduler",'
    b'"sent_at":"2026-11-22T20:14:03.120Z","ttl":30.0}'
)
# made with the key of RFC 8032, section 7.1, test 1, over "pyros/dome/inbox\n" and the body
SIGNATURE = (
    "xmRHjzsQJ3BI8104nuHqSaZEJQYQCG5xgYCjU4RnxYKIDIbQkIW7J6KkvgAK/bguPXev0x1ua7TM6v4yPQykAw=="
)
SIGNED = BODY[:-1] + b',"x-signature":"' + SIGNATURE.encode() + b'"}'


def seal(payload: bytes) -> Seal | None:
    command = decode_command(payload, "dome", arrived=NOW)
    assert command is not None
    return command.seal


def test_a_signature_is_written_as_frozen() -> None:
    command = Command("dome", "open", id="a51f3c", sender="scheduler", sent_at=NOW + 0.12)
    assert encode_command(command).startswith(BODY[:40])
    assert sealed(BODY, base64.b64decode(SIGNATURE)) == SIGNED


def test_the_protocol_page_shows_the_same() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "protocol.md"
    assert SIGNED.decode() in page.read_text()


def test_a_signature_comes_off_and_leaves_the_bytes_that_were_signed() -> None:
    assert seal(SIGNED) == Seal(BODY, base64.b64decode(SIGNATURE), is_bound=True)
    assert seal(BODY) is None


@pytest.mark.parametrize(
    "payload",
    [b"\xef\xbb\xbf" + SIGNED, SIGNED + b"\n", SIGNED + b"\r\n"],
    ids=["bom", "lf", "crlf"],
)
def test_what_the_reading_order_takes_off_is_not_signed(payload: bytes) -> None:
    assert seal(payload) == seal(SIGNED)


@pytest.mark.parametrize(
    "payload",
    [
        SIGNED[:-1] + b',"urgent":true}',
        SIGNED[:-1] + b" }",
        SIGNED + b" ",
        SIGNED.replace(b'"x-signature":"', b'"x-signature": "'),
        SIGNED.replace(b"x-sig", b"x-\\u0073ig"),
        SIGNED.replace(b'=="}', b'="}'),
        b'{"x-signature":"' + SIGNATURE.encode() + b'",' + BODY[1:],
        BODY[:-1] + b',"x-signature":5}',
        BODY[:-1] + b',"x-signature":""}',
    ],
)
def test_a_signature_elsewhere_than_at_the_end_is_none(payload: bytes) -> None:
    assert seal(payload) == Seal(b"", b"", is_bound=False)


def test_a_signature_inside_the_arguments_is_none_of_the_command() -> None:
    args = {"x-signature": SIGNATURE}
    assert seal(json.dumps({"message": "open", "args": args}).encode()) is None
    assert seal(b'{"message":"open","args":{"a":1' + SIGNED[len(BODY) - 1 :] + b"}") is None


def test_a_second_signature_is_no_json() -> None:
    with pytest.raises(Refusal) as caught:
        seal(SIGNED[:-1] + SIGNED[len(BODY) - 1 :])
    assert caught.value.code == "bad-json"


@pytest.mark.parametrize("field", ["id", "from", "ttl", "sent_at"])
def test_a_signed_body_is_bound_to_sender_id_and_end(field: str) -> None:
    body = json.loads(BODY)
    del body[field]
    found = seal(sealed(json.dumps(body).encode(), bytes(64)))
    assert found is not None
    assert not found.is_bound


def test_an_absolute_end_binds_as_well() -> None:
    ends = b'"expires":"2026-11-22T20:14:33.120Z"'
    body = BODY.replace(b'"ttl":30.0', ends)
    assert seal(sealed(body, bytes(64))) == Seal(body, bytes(64), is_bound=True)
    alone = b'{"message":"open","id":"1","from":"ops",' + ends + b"}"
    assert seal(sealed(alone, bytes(64))) == Seal(alone, bytes(64), is_bound=False)
