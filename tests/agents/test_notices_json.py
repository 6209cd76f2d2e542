"""GCN notices in JSON become notices, however dirty they are."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyros_agents.notices import (
    Case,
    Kind,
    Limits,
    Notice,
    Position,
    Role,
    Stage,
    UnreadableNotice,
    decide,
    read_notice,
)
from tests.agents.notice_texts import gcn, schema

TRIGGERED = 1_795_283_940.0


def test_a_position_is_read_with_its_error_and_times() -> None:
    notice = read_notice(gcn())
    assert notice.position == Position(83.6, -22.0, 0.05)
    assert (notice.triggered, notice.issued) == (TRIGGERED, TRIGGERED + 20)
    assert notice.event == "Einstein Probe 01700000001"
    assert (notice.kind, notice.role, notice.stage) == (
        Kind.POSITION,
        Role.OBSERVATION,
        Stage.INITIAL,
    )


@pytest.mark.parametrize(
    ("told", "event", "also"),
    [
        (["745", "bn24"], "Fermi 745", ("Fermi bn24",)),
        ("745", "Fermi 745", ()),
        (745, "Fermi 745", ()),
        ([745, None, {}, "x"], "Fermi 745", ("Fermi x",)),
    ],
)
def test_ids_are_lists_texts_or_numbers(told: Any, event: str, also: tuple[str, ...]) -> None:
    notice = read_notice(gcn(mission="Fermi", id=told))
    assert (notice.event, notice.also) == (event, also)


def test_without_an_id_the_events_name_or_the_content_tells_it_apart() -> None:
    assert read_notice(gcn(id=None, event_name="GRB 261121A")).event.endswith("GRB 261121A")
    one, other = (read_notice(gcn(id=None, ra=ra)) for ra in (10.0, 11.0))
    assert one.event != other.event
    assert one.event == read_notice(gcn(id=None, ra=10.0)).event


def test_the_same_text_is_the_same_notice_and_another_one_is_not() -> None:
    assert read_notice(gcn()).ivorn == read_notice(gcn() + "\n").ivorn
    assert read_notice(gcn()).ivorn != read_notice(gcn(record_number=2)).ivorn


@pytest.mark.parametrize(
    ("error", "radius"),
    [
        (0.5, 0.5),
        ([0.5], 0.5),
        ([0.19, 0.22], 0.22),
        ([0.22, 0.19, 153], 0.22),
        (-1, None),
        (0, None),
        ([], None),
        ([-1, -1], None),
        ("0.5", 0.5),
        ({"radius": 1}, None),
        (True, None),
    ],
)
def test_an_error_is_a_number_or_an_ellipse_or_unknown(error: Any, radius: float | None) -> None:
    assert read_notice(gcn(ra_dec_error=error)).position == Position(83.6, -22.0, radius)


def test_without_a_position_it_says_so() -> None:
    notice = read_notice(gcn(ra=None, dec=None))
    assert (notice.position, notice.kind) == (None, Kind.TRIGGER)


def test_the_spacecrafts_attitude_is_no_position() -> None:
    notice = read_notice(
        gcn(ra=None, dec=None, ra_pointing=143.6, dec_pointing=-70.4, **schema("svom/trigger"))
    )
    assert notice.position is None
    assert "spacecraft" in notice.missing


def test_an_attitude_as_ra_and_dec_is_no_source_either() -> None:
    attitude = gcn(ra_dec_error=None, q1=0.1, q2=0.2, q3=0.3, q4=0.9, roll=3.0)
    assert read_notice(attitude).kind is Kind.POINTING
    assert read_notice(gcn(**schema("svom/attitude"))).kind is Kind.POINTING


@pytest.mark.parametrize(
    ("tense", "role"),
    [
        (None, Role.OBSERVATION),
        ("current", Role.OBSERVATION),
        ("Current", Role.OBSERVATION),
        ("archival", Role.ARCHIVAL),
        ("planned", Role.PREDICTION),
        ("test", Role.TEST),
        ("mock", Role.TEST),
        ("injection", Role.TEST),
        ("commanded", Role.TEST),
        ("of another world", Role.TEST),
    ],
)
def test_the_tense_is_the_role(tense: str | None, role: Role) -> None:
    assert read_notice(gcn(alert_tense=tense)).role is role


def test_a_schema_for_tests_makes_it_a_test() -> None:
    assert read_notice(gcn(**schema("icecube/test/gold_bronze"))).role is Role.TEST


@pytest.mark.parametrize(
    ("told", "stage"),
    [
        ("initial", Stage.INITIAL),
        ("subsequent", Stage.INITIAL),
        (None, Stage.INITIAL),
        ("update", Stage.UPDATE),
        ("UPDATE", Stage.UPDATE),
        ("retraction", Stage.RETRACTION),
        ("RETRACTION", Stage.RETRACTION),
    ],
)
def test_the_type_is_the_stage(told: str | None, stage: Stage) -> None:
    assert read_notice(gcn(alert_type=told)).stage is stage


def test_an_lvk_alert_is_a_sky_map_and_its_mock_data_are_a_test() -> None:
    fields = {"alert_type": "PRELIMINARY", "time_created": "2026-11-21T18:00:00Z", "urls": {}}
    real = json.dumps(
        fields | {"superevent_id": "S261121ab", "event": {"time": "2026-11-21T17:59:00Z"}}
    )
    mock = json.dumps(fields | {"superevent_id": "MS261121ab", "event": None})
    notice = read_notice(real)
    assert (notice.event, notice.source, notice.kind) == ("S261121ab", "LVK", Kind.SKYMAP)
    assert notice.triggered == TRIGGERED
    assert read_notice(mock).role is Role.TEST


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        (schema("maxi/gsc.known"), Kind.KNOWN_SOURCE),
        (schema("fermi/lat/flare"), Kind.KNOWN_SOURCE),
        (schema("swift/bat/lightcurve"), Kind.PRODUCT),
        (schema("swift/xrt/image"), Kind.PRODUCT),
        (schema("swift/uvot/source_list"), Kind.PRODUCT),
        (schema("swift/bat/position"), Kind.POSITION),
        (schema("maxi/gsc.unknown"), Kind.POSITION),
    ],
)
def test_the_schemas_name_tells_what_it_brings(fields: dict[str, str], kind: Kind) -> None:
    assert read_notice(gcn(**fields)).kind is kind


@pytest.mark.parametrize(
    ("fields", "unreal", "unsure"),
    [
        ({"star_tracker_locked": False}, "", "star tracker"),
        ({"star_tracker_locked": True}, "", ""),
        ({"possible_cosmic_ray": True}, "cosmic ray", ""),
        ({"classification": {"BELOW_HORIZON": 1}}, "horizon", ""),
        ({"classification": {"UNRELIABLE_LOCATION": 1}}, "", "unreliable"),
        ({"classification": {"EXO_0748-676": 1.0, "unknown": 0.0}}, "EXO_0748-676", ""),
        ({"classification": {"known": 0.0, "unknown": 1.0}}, "", ""),
        ({"classification": {"short_grb": 26.0, "long_grb": 74.0}}, "", ""),
        ({"classification": {"GRB": 0.95, "SF": 0.03, "Local Particles": 0.02}}, "", ""),
        ({"classification": {"GRB": 0.1, "Local Particles": 0.9}}, "particles", ""),
        ({"known_source": "FRB 20231013B", "association_probability": 0.93}, "FRB", ""),
        ({"known_source": "FRB 20231013B", "association_probability": 0.1}, "", ""),
    ],
)
def test_doubts_of_the_instrument_are_told(
    fields: dict[str, Any], unreal: str, unsure: str
) -> None:
    notice = read_notice(gcn(**fields))
    assert unreal in "".join(notice.unreal)
    assert bool(notice.unreal) is bool(unreal)
    assert unsure in "".join(notice.unsure)
    assert bool(notice.unsure) is bool(unsure)


def test_a_date_without_its_zone_is_utc() -> None:
    assert read_notice(gcn(trigger_time="2026-11-21T17:59:00")).triggered == TRIGGERED


@pytest.mark.parametrize("text", ["[]", "[{}]", '"notice"', "{}", '{"a": 1}', "{", '{"id": 1,}'])
def test_what_says_nothing_of_an_alert_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableNotice):
        read_notice(text)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=6,
)
_FIELDS = st.sampled_from(
    [
        *("$schema", "id", "mission", "alert_tense", "alert_type", "ra", "dec", "ra_dec_error"),
        *("trigger_time", "alert_datetime", "classification", "event_name", "superevent_id"),
        *("event", "known_source", "association_probability", "star_tracker_locked"),
        *("q1", "q2", "q3", "q4"),
    ]
)
# its first draw builds tables of all characters, which takes a second or two
_patiently = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_patiently
@given(st.dictionaries(_FIELDS, _VALUES))
def test_no_field_of_any_type_breaks_the_reader_or_the_decision(fields: dict[str, Any]) -> None:
    try:
        notice = read_notice(json.dumps({"alert_type": "initial"} | fields))
    except UnreadableNotice:
        return
    assert isinstance(notice, Notice)
    if notice.position is not None:
        assert 0 <= notice.position.ra < 360
        assert -90 <= notice.position.dec <= 90
    assert decide(notice, Case(notice.event), Limits(), TRIGGERED).reason


@_patiently
@given(st.text() | st.binary())
def test_nothing_at_all_breaks_the_reader(content: str | bytes) -> None:
    with contextlib.suppress(UnreadableNotice):
        read_notice(content)
