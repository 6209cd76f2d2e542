"""Reports on the wire (protocol section 5)."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyros_mqtt.errors import BadPayload
from pyros_mqtt.messages import Outcome, Problem, Progress, Report
from pyros_mqtt.wire import decode_report, encode_report
from tests.wire.test_command import JSON_VALUES, MILLISECONDS

AT = 1_795_378_471.4
HEAD = b'{"id":"01JD8Z","message":"goto","agent":"telescope",'
MOMENT = b'"at":"2026-11-22T20:14:31.400Z"'

FROZEN = {
    "accepted": (
        Report("01JD8Z", "goto", "telescope", Outcome.ACCEPTED, AT),
        HEAD + b'"state":"accepted",' + MOMENT + b"}",
    ),
    "running": (
        Report(
            "01JD8Z", "goto", "telescope", Outcome.RUNNING, AT,
            progress=Progress(0.4, "12 of 30 s"), patience=60.0,
        ),
        HEAD + b'"state":"running",' + MOMENT
        + b',"progress":{"fraction":0.4,"text":"12 of 30 s"},"patience":60.0}',
    ),
    "done": (
        Report("01JD8Z", "goto", "telescope", Outcome.DONE, AT, result={"separation": 0.8}),
        HEAD + b'"state":"done",' + MOMENT + b',"result":{"separation":0.8}}',
    ),
    "done without a result": (
        Report("01JD8Z", "goto", "telescope", Outcome.DONE, AT),
        HEAD + b'"state":"done",' + MOMENT + b',"result":null}',
    ),
    "rejected": (
        Report(
            "f00", "", "telescope", Outcome.REJECTED, AT,
            error=Problem("bad-arguments", "dec: must be at most 90"), echo="goto dec=91",
        ),
        b'{"id":"f00","message":"","agent":"telescope","state":"rejected",' + MOMENT
        + b',"error":{"code":"bad-arguments","text":"dec: must be at most 90"},'
        b'"echo":"goto dec=91"}',
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FROZEN)
def test_a_report_is_written_as_frozen(name: str) -> None:
    report, payload = FROZEN[name]
    assert encode_report(report) == payload


@pytest.mark.parametrize("name", FROZEN)
def test_a_report_is_read_as_frozen(name: str) -> None:
    report, payload = FROZEN[name]
    assert decode_report(payload) == report


def test_what_a_newer_neighbour_adds_is_passed_over() -> None:
    _, payload = FROZEN["done"]
    newer = payload.removesuffix(b"}") + b',"colour":"red","priority":{"a":[1]}}'
    assert decode_report(newer) == decode_report(payload)


def test_a_device_without_a_clock_can_report() -> None:
    before = time.time()
    report = decode_report(b'{"id": "1", "message": "open", "agent": "dome", "state": "done"}')
    assert before <= report.at <= time.time()


@pytest.mark.parametrize("field", ["id", "message", "agent", "state"])
def test_what_every_report_has_is_required(field: str) -> None:
    _, payload = FROZEN["accepted"]
    with pytest.raises(BadPayload, match="not a report"):
        decode_report(payload.replace(f'"{field}"'.encode(), b'"other"'))


@pytest.mark.parametrize(
    "wrong",
    [b'"state":"Finished!"', b'"state":null', b'"state":"accepted","progress":3',
     b'"state":"accepted","patience":"long"', b'"state":"failed","error":"bad"'],
)  # fmt: skip
def test_a_field_that_cannot_be_read_is_refused(wrong: bytes) -> None:
    _, payload = FROZEN["accepted"]
    with pytest.raises(BadPayload):
        decode_report(payload.replace(b'"state":"accepted"', wrong))


def test_a_lone_surrogate_in_a_text_does_not_keep_a_report_back() -> None:
    report = Report("1", "say", "dome", Outcome.DONE, AT, result="\ud800")
    assert decode_report(encode_report(report)).result == "?"


@pytest.mark.parametrize("result", [float("nan"), object(), {"a": float("inf")}])
def test_a_result_without_a_form_in_json_cannot_be_written(result: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        encode_report(Report("1", "say", "dome", Outcome.DONE, AT, result=result))


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
REPORTS = st.builds(
    Report,
    id=TEXT,
    message=TEXT,
    agent=TEXT,
    state=st.sampled_from(Outcome).filter(lambda state: state is not Outcome.DONE),
    at=MILLISECONDS.map(lambda ms: ms / 1000),
    error=st.none() | st.builds(Problem, TEXT, TEXT),
    progress=st.none() | st.builds(Progress, st.none() | st.floats(0, 1), TEXT),
    patience=st.none() | st.floats(0, 1e6),
    echo=st.none() | TEXT,
) | st.builds(
    Report,
    id=TEXT,
    message=TEXT,
    agent=TEXT,
    state=st.just(Outcome.DONE),
    at=MILLISECONDS.map(lambda ms: ms / 1000),
    result=JSON_VALUES.filter(lambda value: "\\u0000" not in json.dumps(value)),  # becomes `?`
)


@settings(max_examples=100)
@given(REPORTS)
def test_each_report_comes_back_as_it_was(report: Report) -> None:
    assert decode_report(encode_report(report)) == report
