"""What is done about notices: single ones, and the chains of an event."""

from __future__ import annotations

import pytest

from pyros_agents.notices import Case, Casebook, Course, Decision, Limits, decide, read_notice
from tests.agents.notice_texts import fermi, gcn, schema, swift, voevent

NOW = 1_795_284_000.0
"""2026-11-21T18:00:00Z, a minute after the trigger."""


class Desk:
    """Decides about one notice after the other, as the alert manager does."""

    def __init__(self, **limits: float) -> None:
        self.book = Casebook()
        self.limits = Limits(**limits)

    def read(self, text: str, now: float = NOW) -> Decision:
        notice = read_notice(text)
        seen, case = self.book.has_seen(notice), self.book.case_of(notice)
        decision = decide(notice, case, self.limits, now, is_duplicate=seen)
        if decision.course is Course.STOP:
            self.book.close(notice)
        elif decision.course in {Course.OBSERVE, Course.UPDATE}:
            self.book.enter(notice, notice.position)
        else:
            self.book.enter(notice)
        return decision

    def courses(self, *texts: str) -> list[str]:
        return [self.read(text).course.value for text in texts]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_new_position_is_observed_and_the_reason_can_be_read_aloud(desk: Desk) -> None:
    decision = desk.read(swift(name="GRB 261121"))
    assert decision.course is Course.OBSERVE
    assert decision.reason == (
        "Swift 700001 (GRB 261121): new position from Swift, error 3.0', 60 s ago"
    )


def test_a_chain_of_fermi_gets_better_step_by_step(desk: Desk) -> None:
    assert desk.courses(
        fermi(1, 110, where=(0, 0, 0), params={"Coords_String": "unavailable/inappropriate"}),
        fermi(2, 111, where=(10, -60, 22.0)),
        fermi(3, 111, where=(12, -61, 8.3)),
        fermi(4, 112, where=(14, -62, 1.3)),
        fermi(5, 115, where=(14.1, -62.1, 1.0)),
    ) == ["ignore", "ignore", "observe", "update", "update"]


def test_a_worse_position_does_not_replace_a_better_one(desk: Desk) -> None:
    assert desk.courses(
        fermi(4, 112, where=(14, -62, 3.3)),
        fermi(5, 115, where=(15, -63, 9.8)),
        fermi(6, 115, where=(15, -63, 3.3)),
        fermi(7, 115, where=(15, -63, 0)),
    ) == ["observe", "ignore", "ignore", "ignore"]


def test_any_known_error_is_better_than_an_unknown_one(desk: Desk) -> None:
    assert desk.courses(
        fermi(1, 112, where=(14, -62, 0)),
        fermi(2, 112, where=(14, -62, 0)).replace("#GBM", "#again_GBM"),
        fermi(3, 112, where=(15, -62, 0)),
        fermi(4, 112, where=(15, -62, 5.0)),
    ) == ["observe", "ignore", "update", "update"]


def test_swifts_instruments_refine_each_other(desk: Desk) -> None:
    assert desk.courses(
        swift(packet=61),
        swift(packet=67, where=(83.61, -22.01, 0.0014)),
        swift(packet=63, where=(83.6, -22.0, 0)),
        swift(packet=71),
        swift(packet=81, where=(83.612, -22.011, 0.0001)),
        swift(packet=67, where=(83.611, -22.011, 0.0008), ivorn="ivo://nasa.gsfc.gcn/SWIFT#later"),
    ) == ["observe", "update", "ignore", "ignore", "update", "ignore"]


def test_the_same_notice_twice_is_a_duplicate(desk: Desk) -> None:
    assert desk.courses(swift(), swift()) == ["observe", "ignore"]
    assert "before" in desk.read(swift()).reason


def test_an_event_keeps_its_name_under_each_of_its_ids(desk: Desk) -> None:
    fermi_json = schema("fermi/gbm/trigger")
    first = desk.read(gcn(id=["745", "bn26"], ra_dec_error=5, **fermi_json))
    second = desk.read(gcn(id="bn26", ra_dec_error=2, **fermi_json))
    assert (first.course, second.course) == (Course.OBSERVE, Course.UPDATE)
    assert first.event == second.event


def test_a_citation_ties_packets_of_one_event_together(desk: Desk) -> None:
    one = "ivo://survey.org/transients#a"
    other = voevent(
        "ivo://survey.org/transients#b", where=(83.6, -22.0, 0.01), cites={one: "followup"}
    )
    back = voevent("ivo://survey.org/transients#c", where=None, cites={one: "retraction"})
    assert desk.courses(voevent(one), other, back) == ["observe", "update", "stop"]


def test_a_retraction_ends_what_runs(desk: Desk) -> None:
    decisions = [
        desk.read(text) for text in (gcn(), gcn(alert_type="retraction", ra=None, dec=None))
    ]
    assert [decision.course for decision in decisions] == [Course.OBSERVE, Course.STOP]
    assert "its observation ends" in decisions[1].reason


def test_a_retraction_of_what_was_never_observed_is_passed_on(desk: Desk) -> None:
    # this process may have been started anew, while the scheduler still observes
    decision = desk.read(gcn(alert_type="retraction", ra=None, dec=None))
    assert decision.course is Course.STOP


def test_a_late_initial_notice_does_not_revive_a_retracted_event(desk: Desk) -> None:
    retraction = gcn(
        alert_type="retraction", ra=None, dec=None, alert_datetime="2026-11-21T17:59:40Z"
    )
    late, newer = gcn(), gcn(alert_datetime="2026-11-21T17:59:50Z")
    assert desk.courses(retraction, late, newer) == ["stop", "ignore", "observe"]


def test_word_that_it_is_no_burst_ends_what_runs(desk: Desk) -> None:
    assert desk.courses(swift(), swift(packet=84, flags=("Def_NOT_a_GRB",))) == ["observe", "stop"]
    assert desk.read(swift(trigger=5, flags=("Def_NOT_a_GRB",))).course is Course.IGNORE


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (swift(role="test"), "a test"),
        (swift(role="utility"), "utility"),
        (swift(role="prediction"), "not happened yet"),
        (gcn(alert_tense="archival"), "archive"),
        (gcn(alert_tense="test", alert_type="retraction"), "a test"),
        (swift(packet=83, params={"Coords_String": "pointing_direction"}), "spacecraft looks"),
        (swift(packet=66), "spacecraft looks"),
        (swift(packet=71, params={"Coords_String": "pointing_direction"}), "found no source"),
        (swift(packet=141), "known before"),
        (swift(packet=140), "below the detection threshold"),
        (swift(flags=("StarTrack_Lost_Lock",)), "star tracker"),
        (gcn(star_tracker_locked=False), "star tracker"),
        (gcn(ra=None, dec=None, ra_pointing=1.0, dec_pointing=1.0), "spacecraft looks"),
        (gcn(ra=None, dec=None), "no position"),
        (voevent(params={"GraceID": "S1", "Packet_Type": 151}, where=None), "sky map"),
        (gcn(ra_dec_error=12), "12.0 deg only"),
    ],
)
def test_what_is_not_for_this_telescope_is_ignored_with_a_reason(
    desk: Desk, text: str, why: str
) -> None:
    decision = desk.read(text)
    assert decision.course is Course.IGNORE
    assert why in decision.reason


def test_an_unknown_error_is_worth_a_try(desk: Desk) -> None:
    decision = desk.read(gcn(ra_dec_error=-1))
    assert decision.course is Course.OBSERVE
    assert "error unknown" in decision.reason


def test_limits_are_options_and_have_no_edge() -> None:
    assert Desk(largest_error=12).courses(gcn(ra_dec_error=12)) == ["observe"]
    assert Desk(largest_error=11.9).courses(gcn(ra_dec_error=12)) == ["ignore"]
    assert Desk(oldest_age=60).courses(gcn()) == ["observe"]
    assert Desk(oldest_age=59).courses(gcn()) == ["ignore"]


def test_age_counts_from_the_trigger_not_from_the_notice(desk: Desk) -> None:
    assert desk.read(gcn(trigger_time="2026-11-19T17:59:00Z")).course is Course.IGNORE
    # the notice's own date lies days before the trigger: a slip of its author's clock
    assert desk.read(gcn(id="2", alert_datetime="2026-11-10T00:00:00Z")).course is Course.OBSERVE


def test_a_trigger_ahead_of_this_clock_is_observed_and_told(desk: Desk) -> None:
    decision = desk.read(gcn(trigger_time="2026-11-21T20:00:00Z"))
    assert decision.course is Course.OBSERVE
    assert "ahead of this clock" in decision.reason


def test_without_any_time_it_is_observed(desk: Desk) -> None:
    decision = desk.read(gcn(trigger_time=None, alert_datetime=None))
    assert decision.course is Course.OBSERVE
    assert "unknown time" in decision.reason


def test_the_memory_is_bounded() -> None:
    book = Casebook(size=3)
    notices = [read_notice(gcn(id=str(number))) for number in range(5)]
    for notice in notices:
        book.enter(notice, notice.position)
    assert not book.has_seen(notices[0])
    assert book.has_seen(notices[4])
    assert book.case_of(notices[0]) == Case(notices[0].event)
