"""What an agent understands and measures (protocol section 8)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyros_mqtt.errors import BadPayload
from pyros_mqtt.messages import About, Channel, MessageInfo
from pyros_mqtt.wire import decode_about, encode_about

ABOUT = About(
    "dome",
    version="1.4.0",
    description="Opens and closes.",
    messages={
        "open": MessageInfo(
            "Open the slit.",
            {"type": "object", "properties": {"side": {"enum": ["east", "west"]}}},
            ttl=10.0,
            states=("ready", "busy"),
        ),
        "close": MessageInfo(urgent=True, idempotent=True),
    },
    telemetry={
        "azimuth": Channel("azimuth", "deg", "of the slit", (0.0, 360.0), 1.0),
        "pointing": Channel("pointing", fields=("ra", "dec")),
    },
)
ABOUT_BYTES = (
    b'{"agent":"dome","version":"1.4.0","protocol":1,"description":"Opens and closes.",'
    b'"journal":"memory","messages":{"open":{"description":"Open the slit.","args":'
    b'{"type":"object","properties":{"side":{"enum":["east","west"]}}},"urgent":false,'
    b'"idempotent":false,"ttl":10.0,"states":["ready","busy"]},"close":{"description":"",'
    b'"args":{},"urgent":true,"idempotent":true,"ttl":null,"states":[]}},"telemetry":{"azimuth":'
    b'{"description":"of the slit","unit":"deg","fields":[],"rate":1.0,"range":[0.0,360.0]},'
    b'"pointing":{"description":"","unit":"","fields":["ra","dec"],"rate":null,"range":null}}}'
)


def test_an_about_is_written_as_frozen() -> None:
    assert encode_about(ABOUT) == ABOUT_BYTES


def test_an_about_is_read_as_frozen() -> None:
    assert decode_about(ABOUT_BYTES, "dome") == ABOUT


def test_an_empty_about_says_nothing() -> None:
    assert decode_about(b"{}", "dome") == About("dome", journal="")


def test_what_a_newer_neighbour_adds_is_passed_over() -> None:
    newer = ABOUT_BYTES.replace(b'"urgent":false', b'"urgent":false,"colour":"red"')
    assert decode_about(newer, "dome") == ABOUT


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"dome",
        b"[]",
        b'{"messages":[1]}',
        b'{"messages":{"open":5}}',
        b'{"messages":{"open":{"args":"x"}}}',
        b'{"messages":{"open":{"ttl":"long"}}}',
        b'{"telemetry":{"azimuth":[]}}',
        b'{"telemetry":{"azimuth":{"range":[0]}}}',
        b'{"telemetry":{"azimuth":{"rate":"fast"}}}',
        b'{"protocol":"one"}',
        b'{"messages":{"open":{"ttl":1e999}}}',
        b'{"telemetry": {"az": {"range": ["nan", "inf"]}}}',
        b'{"telemetry": {"az": {"rate": "Infinity"}}}',
        b'{"messages": {"open": {"ttl": "nan"}}}',
    ],
)
def test_what_is_no_about_is_refused(payload: bytes) -> None:
    with pytest.raises(BadPayload):
        decode_about(payload, "dome")


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=10)
SECONDS = st.none() | st.floats(0, 1e6)
INFOS = st.builds(
    MessageInfo,
    description=TEXT,
    args=st.dictionaries(TEXT, TEXT, max_size=2),
    urgent=st.booleans(),
    idempotent=st.booleans(),
    ttl=SECONDS,
    states=st.lists(TEXT, max_size=2).map(tuple),
)
LIMITS = st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))


@st.composite
def channels(draw: st.DrawFn) -> dict[str, Channel]:
    names = draw(st.lists(TEXT, max_size=3, unique=True))
    return {
        name: Channel(
            name,
            draw(TEXT),
            draw(TEXT),
            draw(st.none() | LIMITS),
            draw(SECONDS),
            tuple(draw(st.lists(TEXT, max_size=2))),
        )
        for name in names
    }


@settings(max_examples=60)
@given(st.dictionaries(TEXT, INFOS, max_size=3), channels(), TEXT)
def test_each_about_comes_back_as_it_was(
    messages: dict[str, MessageInfo], telemetry: dict[str, Channel], description: str
) -> None:
    about = About("dome", "1", 1, description, messages, telemetry)
    assert decode_about(encode_about(about), "dome") == about
