"""VOEvent packets of every kind become notices that say what their authors said."""

from __future__ import annotations

from typing import Any

import pytest
import voeventparse

from pyros_agents.notices import Kind, Position, Role, Stage, UnreadableNotice, read_notice
from tests.agents.notice_texts import fermi, swift, voevent

TRIGGERED = 1_795_283_940.0
"""2026-11-21T17:59:00Z."""


def test_a_position_is_read_with_its_error_and_times() -> None:
    notice = read_notice(swift(name="GRB 261121"))
    assert notice.position == Position(83.6, -22.0, 0.05)
    assert (notice.triggered, notice.issued) == (TRIGGERED, TRIGGERED + 20)
    assert (notice.event, notice.name, notice.source) == ("Swift 700001", "GRB 261121", "Swift")
    assert (notice.kind, notice.role, notice.stage) == (
        Kind.POSITION,
        Role.OBSERVATION,
        Stage.INITIAL,
    )
    assert "FK5" in notice.notes[0]


@pytest.mark.parametrize("system", ["UTC-ICRS-GEO", "TDB-ICRS-BARY", "UTC-FK5-TOPO"])
def test_it_agrees_with_voeventparse_where_that_has_an_answer(system: str) -> None:
    text = swift(system=system)
    packet = voeventparse.loads(text.encode())
    theirs = voeventparse.get_event_position(packet)
    when = voeventparse.get_event_time_as_utc(packet)
    ours = read_notice(text)
    assert ours.position == Position(theirs.ra, theirs.dec, theirs.err)
    assert ours.ivorn == packet.attrib["ivorn"]
    assert ours.triggered == pytest.approx(when.timestamp(), abs=0.01)


@pytest.mark.parametrize("error", [0, "0.0000", -1, "nan", "", "wide"])
def test_an_error_that_says_nothing_is_unknown(error: object) -> None:
    notice = read_notice(swift(where=(83.6, -22.0, error)))
    assert notice.position == Position(83.6, -22.0, None)


@pytest.mark.parametrize(
    ("where", "why"),
    [
        (None, "no position"),
        ((0.0, 0.0, 0.0), "unknown position"),
        ((10.0, 20.0, 360.0), "anywhere"),
        ((400.0, 20.0, 1.0), "not on the sky"),
        ((10.0, 95.0, 1.0), "not on the sky"),
        (("nan", 1.0, 1.0), "not numbers"),
        (("12:30:00", "-22:00:00", 0.1), "not numbers"),
    ],
)
def test_what_is_no_position_is_told_as_such(where: tuple[object, ...] | None, why: str) -> None:
    notice = read_notice(swift(where=where))
    assert notice.position is None
    assert why in notice.missing


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"system": "UTC-GALACTIC-GEO"}, "GALACTIC"),
        ({"system": "UTC-FK4-GEO"}, "FK4"),
        ({"unit": "h"}, "'h'"),
        ({"unit": "rad"}, "'rad'"),
        ({"axes": ("GLON", "GLAT")}, "GLON"),
        ({"axes": ("Dec", "RA")}, "DEC"),
    ],
)
def test_foreign_coordinates_are_refused_not_guessed(how: dict[str, Any], why: str) -> None:
    notice = read_notice(swift(**how))
    assert notice.position is None
    assert why in notice.missing


def test_right_ascension_wraps() -> None:
    assert read_notice(swift(where=(360.0, 1.0, 0.1))).position == Position(0.0, 1.0, 0.1)
    assert read_notice(swift(where=(-10.0, 1.0, 0.1))).position == Position(350.0, 1.0, 0.1)
    assert read_notice(swift(where=(-1e-20, 1.0, 0.1))).position == Position(0.0, 1.0, 0.1)


@pytest.mark.parametrize(
    ("packet", "kind"),
    [
        (47, Kind.POINTING),
        (60, Kind.TRIGGER),
        (63, Kind.PRODUCT),
        (66, Kind.POINTING),
        (67, Kind.POSITION),
        (69, Kind.PRODUCT),
        (71, Kind.NOTHING_FOUND),
        (81, Kind.POSITION),
        (89, Kind.NOTHING_FOUND),
        (140, Kind.SUBTHRESHOLD),
        (141, Kind.KNOWN_SOURCE),
    ],
)
def test_the_packet_type_tells_what_it_brings(packet: int, kind: Kind) -> None:
    assert read_notice(swift(packet=packet)).kind is kind


def test_where_the_spacecraft_looks_is_no_source_whatever_the_packet() -> None:
    notice = read_notice(swift(packet=999, params={"Coords_String": "pointing_direction"}))
    assert notice.kind is Kind.POINTING


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        ("StarTrack_Lost_Lock", "star tracker"),
        ("ImTrig_during_ST_LoL", "star tracker"),
        ("CRC_Error", "damaged"),
        ("Values_Out_of_Range", "out of range"),
    ],
)
def test_flags_make_a_fine_position_unsure(flag: str, text: str) -> None:
    assert text in read_notice(swift(flags=(flag,))).unsure[0]


@pytest.mark.parametrize("flag", ["Def_NOT_a_GRB", "Cosmic_Ray", "Target_in_Flt_Catalog", "NonGRB"])
def test_flags_tell_that_there_is_no_new_source(flag: str) -> None:
    assert read_notice(swift(flags=(flag,))).unreal


def test_a_burst_beside_a_catalogued_source_is_a_burst() -> None:
    notice = read_notice(swift(flags=("GRB_Identified", "Target_in_Gnd_Catalog")))
    assert notice.unreal == ()


@pytest.mark.parametrize(
    ("index", "odds", "unreal", "unsure"),
    [
        (4, 93, "", ""),
        (6, 80, "", ""),
        (19, 100, "thunderstorm", ""),
        (8, 90, "Sun", ""),
        (3, 70, "horizon", ""),
        (1, 60, "", "unreliable"),
        (3, 34, "", ""),
    ],
)
def test_fermis_own_classes_count_from_even_odds_on(
    index: int, odds: int, unreal: str, unsure: str
) -> None:
    params = {"Most_Likely_Index": index, "Most_Likely_Prob": odds}
    notice = read_notice(fermi(45, 111, params=params))
    assert unreal in "".join(notice.unreal)
    assert bool(notice.unreal) is bool(unreal)
    assert unsure in "".join(notice.unsure)
    assert bool(notice.unsure) is bool(unsure)


@pytest.mark.parametrize("role", ["observation", "prediction", "utility", "test"])
def test_the_role_is_read(role: str) -> None:
    assert read_notice(swift(role=role)).role == role


@pytest.mark.parametrize(
    "how",
    [
        {"packet": 82},
        {"flags": ("Test_Submission",)},
        {"params": {"HardwareInj": "1"}},
    ],
)
def test_a_test_is_a_test_whatever_its_role_says(how: dict[str, Any]) -> None:
    assert read_notice(swift(**how)).role is Role.TEST


def test_a_superevent_has_its_own_name_and_a_sky_map() -> None:
    params = {"Packet_Type": 150, "GraceID": "S261121ab", "AlertType": "Preliminary"}
    notice = read_notice(voevent("ivo://gwnet/LVC#S261121ab-1", params=params, where=None))
    assert (notice.event, notice.source) == ("S261121ab", "LVK")
    assert notice.kind is Kind.SKYMAP


@pytest.mark.parametrize(
    "how",
    [
        {"params": {"Packet_Type": 164, "GraceID": "S1"}},
        {"params": {"AlertType": "Retraction", "GraceID": "S1"}},
        {"flags": ("Retraction",)},
        {"cites": {"ivo://gwnet/LVC#S1-1": "retraction"}},
    ],
)
def test_a_retraction_has_many_faces(how: dict[str, Any]) -> None:
    assert read_notice(voevent(where=None, **how)).stage is Stage.RETRACTION


def test_who_is_cited_is_told() -> None:
    notice = read_notice(swift(cites={"ivo://a/b#1": "followup", "ivo://a/b#2": "supersedes"}))
    assert notice.cites == ("ivo://a/b#1", "ivo://a/b#2")
    assert notice.stage is Stage.UPDATE


def test_without_a_trigger_number_the_packet_names_the_event() -> None:
    assert read_notice(voevent("ivo://x.org/ASASSN#2026abc")).event == "2026abc"
    named = voevent("ivo://gaia/alerts#1", params={"alert identifier": "Gaia26abc"})
    assert read_notice(named).event == "Gaia26abc"


@pytest.mark.parametrize(
    "time", ["2026-01--9130T00:00:00.00", "", "yesterday", "2026-13-01T00:00:00"]
)
def test_an_impossible_time_falls_back_on_that_of_the_notice(time: str) -> None:
    notice = read_notice(swift(time=time))
    assert notice.triggered is None
    assert notice.happened == TRIGGERED + 20
    assert any("time" in note for note in notice.notes)


def test_blanks_before_the_declaration_do_no_harm() -> None:
    assert read_notice("\n  \n" + swift()).event == "Swift 700001"


def test_a_packet_without_any_namespace_is_read() -> None:
    text = swift().replace("voe:VOEvent", "VOEvent").replace("xmlns:voe", "xmlns")
    assert read_notice(text).position == Position(83.6, -22.0, 0.05)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (swift().replace('version="2.0"', 'version="1.1"'), "1.1"),
        (voevent(ivorn=""), "ivorn"),
        (swift(role="rumour"), "rumour"),
        ("<html><body>503 Service Unavailable</body></html>", "no VOEvent"),
        (swift()[:400], "well-formed"),
        (swift() + "<more/>", "well-formed"),
    ],
)
def test_what_is_no_packet_is_unreadable(text: str, why: str) -> None:
    with pytest.raises(UnreadableNotice) as caught:
        read_notice(text)
    assert why in caught.value.reason
