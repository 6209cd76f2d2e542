"""The status document, the will and the bare word (protocol section 6)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyros_mqtt.errors import BadPayload
from pyros_mqtt.messages import Progress, State, Status, Task
from pyros_mqtt.wire import decode_status, encode_status, last_will
from tests.wire.test_command import MILLISECONDS

READY = Status(
    "dome",
    State.READY,
    session="5f0c9a3be1d24c77",
    boot=1763841600123,
    seq=42,
    beat=5.0,
    at=1_795_378_471.4,
    since=1_795_374_120.0,
    host="t60-control",
    pid=4711,
    version="1.4.0",
    idle=0.1,
)
READY_BYTES = (
    b'{"agent":"dome","state":"ready","session":"5f0c9a3be1d24c77","boot":1763841600123,'
    b'"beat":5.0,"seq":42,"at":"2026-11-22T20:14:31.400Z","since":"2026-11-22T19:02:00.000Z",'
    b'"host":"t60-control","pid":4711,"version":"1.4.0","protocol":1,"detail":"","task":null,'
    b'"waiting":0,"idle":0.1}'
)
BUSY = Status(
    "dome",
    State.BUSY,
    session="s",
    boot=1,
    seq=2,
    task=Task("open", "c1", "ops", 1_795_378_471.4, Progress(0.5, "half")),
    waiting=3,
    dropped=4,
)
BUSY_BYTES = (
    b'{"agent":"dome","state":"busy","session":"s","boot":1,"beat":5.0,"seq":2,"at":null,'
    b'"since":null,"host":"","pid":0,"version":"","protocol":1,"detail":"",'
    b'"task":{"message":"open","id":"c1","from":"ops","since":"2026-11-22T20:14:31.400Z",'
    b'"progress":{"fraction":0.5,"text":"half"}},"waiting":3,"idle":0.0,"dropped":4}'
)


@pytest.mark.parametrize(("status", "payload"), [(READY, READY_BYTES), (BUSY, BUSY_BYTES)])
def test_a_status_is_written_and_read_as_frozen(status: Status, payload: bytes) -> None:
    assert encode_status(status) == payload
    assert decode_status(payload, "dome") == status


def test_the_will_is_written_and_read_as_frozen() -> None:
    payload = b'{"agent":"dome","state":"lost","session":"5f0c","boot":1763841600123}'
    assert last_will("dome", "5f0c", 1763841600123) == payload
    status = decode_status(payload, "dome")
    assert (status.state, status.session, status.boot) == (State.LOST, "5f0c", 1763841600123)


@pytest.mark.parametrize("state", list(State))
def test_a_bare_word_is_a_status(state: State) -> None:
    assert decode_status(state.encode(), "dome") == Status("dome", state)
    assert decode_status(state.encode() + b"\r\n", "dome") == Status("dome", state)


@pytest.mark.parametrize("payload", [b"", b"READY", b"asleep", b"ready!", b"\xff", b'"ready"'])
def test_another_word_is_none(payload: bytes) -> None:
    with pytest.raises(BadPayload):
        decode_status(payload, "dome")


def test_a_status_on_anothers_topic_is_refused() -> None:
    with pytest.raises(BadPayload, match="it speaks of 'dome' on the topic of 'camera'"):
        decode_status(READY_BYTES, "camera")


def test_the_shortest_document_is_read() -> None:
    assert decode_status(b'{"state":"ready"}', "dome") == Status("dome", State.READY)


def test_what_a_newer_neighbour_adds_is_passed_over() -> None:
    newer = READY_BYTES.removesuffix(b"}") + b',"mood":"fine"}'
    assert decode_status(newer, "dome") == READY


@pytest.mark.parametrize(
    "field",
    [
        '"boot":-1',
        '"boot":9007199254740992',
        '"boot":' + "9" * 300,
        '"boot":1e300',
        '"boot":"soon"',
        '"seq":1e20',
        '"beat":"nan"',
        '"beat":-5',
        '"beat":1e12',
        '"beat":"inf"',
        '"at":5',
        '"at":"now"',
        '"since":"2026-11-22T20:14:31+01:00"',
        '"pid":"many"',
        '"task":"open"',
        '"waiting":"x"',
    ],
)
def test_a_forged_field_cannot_confuse_anybody(field: str) -> None:
    with pytest.raises(BadPayload):
        decode_status(f'{{"state":"ready",{field}}}'.encode(), "dome")


def test_the_latest_boot_can_still_be_surpassed() -> None:
    claim = decode_status(b'{"state":"ready","boot":9007199254740990}', "dome")
    assert claim.boot + 1 == 2**53 - 1


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
MOMENTS = MILLISECONDS.map(lambda ms: ms / 1000)
STATUSES = st.builds(
    Status,
    agent=st.just("dome"),
    state=st.sampled_from(State),
    session=TEXT,
    boot=st.integers(0, 2**53 - 1),
    seq=st.integers(0, 2**53 - 1),
    beat=st.integers(1, 3600).map(float),
    at=st.none() | MOMENTS,
    since=st.none() | MOMENTS,
    host=TEXT,
    pid=st.integers(0, 2**22),
    version=TEXT,
    detail=TEXT,
    task=st.none() | st.builds(Task, TEXT, TEXT, TEXT, MOMENTS),
    waiting=st.integers(0, 5000),
    idle=st.integers(0, 10**6).map(lambda ms: ms / 1000),
    dropped=st.integers(0, 10**6),
)


@settings(max_examples=100)
@given(STATUSES)
def test_each_status_comes_back_as_it_was(status: Status) -> None:
    assert decode_status(encode_status(status), "dome") == status
