"""Which claim counts, and how old it is (protocol section 6)."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyros_mqtt.claims import Claim, Health, Skew, Vigil, is_later, kept_for
from pyros_mqtt.messages import State, Status

BEAT = 5.0
PATIENCE = 15.0


def status(state: str = "ready", **fields: Any) -> Status:
    given: dict[str, Any] = {"session": "one", "boot": 100, "seq": 7} | fields
    return Status("dome", State(state), **given)


def bare(word: str) -> Status:
    return Status("dome", State(word))


def will(session: str = "one", boot: int = 100) -> Status:
    return Status("dome", State.LOST, session=session, boot=boot)


def heard(*claims: Status, now: float = 0.0) -> Claim:
    claim = Claim()
    for one in claims:
        claim.hear(one, now)
    return claim


# -- order ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claim", "later"),
    [
        (status(seq=8), True),
        (status(seq=7), False),
        (status(seq=6), False),
        (status(boot=101, seq=0, session="two"), True),
        (status(boot=99, seq=1000, session="zero"), False),
        (status("stopped", seq=8), True),
        (bare("ready"), False),
        (bare("lost"), False),
    ],
)
def test_claims_are_ordered_by_boot_and_then_by_seq(claim: Status, later: bool) -> None:  # noqa: FBT001
    assert is_later(claim, status()) is later


@given(st.permutations([status(boot=b, seq=s, session=f"{b}") for b in (1, 2) for s in (1, 2, 3)]))
def test_the_latest_claim_wins_in_whatever_order_they_come(claims: list[Status]) -> None:
    assert heard(*claims).status == status(boot=2, seq=3, session="2")


def test_a_will_of_the_current_session_counts_though_it_has_no_seq() -> None:
    assert heard(status(seq=42), will()).health(1.0, 0.0) is Health.LOST


@pytest.mark.parametrize("boot", [50, 100, 200])
def test_a_will_of_another_session_is_ignored(boot: int) -> None:
    claim = heard(status())
    assert not claim.hear(will("other", boot), 1.0)
    assert claim.health(1.0, 0.0) is Health.LIVE


def test_a_kept_will_of_a_later_life_counts_for_a_reader_that_was_away() -> None:
    claim = heard(status())
    assert claim.hear(will("two", 200), 50.0, kept=math.inf)
    assert claim.health(51.0, 49.0) is Health.LOST


def test_a_kept_will_of_an_older_life_is_ignored() -> None:
    assert not heard(status()).hear(will("zero", 99), 50.0, kept=math.inf)


def test_after_its_will_an_agent_keeps_its_host_and_its_place_in_the_order() -> None:
    claim = heard(status(seq=42, host="t60", detail="slewing"), will())
    assert claim.status == status("lost", seq=42, host="t60")
    assert not claim.hear(status(seq=41), 1.0)
    assert claim.hear(status(seq=43), 1.0)
    assert claim.health(1.0, 0.0) is Health.LIVE


def test_the_same_will_twice_is_told_once() -> None:
    assert not heard(status(), will()).hear(will(), 1.0)


def test_a_will_that_comes_first_counts_and_yields_to_any_claim_of_that_life() -> None:
    claim = heard(will())
    assert claim.health(0.0, 0.0) is Health.LOST
    assert claim.hear(status(seq=1), 1.0)


# -- bare words ----------------------------------------------------------------------------------


def test_a_bare_word_always_replaces_a_bare_word() -> None:
    claim = heard(bare("ready"))
    for moment, word in enumerate(["busy", "lost", "ready", "ready"], start=1):
        assert claim.hear(bare(word), float(moment))
        assert claim.status == bare(word)
    assert claim.age(5.0) == 1.0


def test_a_document_replaces_a_bare_word() -> None:
    assert is_later(status(), bare("ready"))


def test_a_device_that_counts_without_a_boot_may_start_again_from_nought() -> None:
    counting = status(boot=0, seq=9, session="")
    assert is_later(bare("starting"), counting)
    assert is_later(bare("lost"), counting)


def test_a_bare_word_that_the_broker_repeats_is_no_news() -> None:
    claim = heard(bare("ready"), now=0.0)
    assert not claim.hear(bare("ready"), 8.0, kept=math.inf)
    assert claim.age(8.0) == 8.0


# -- age -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "health"),
    [(0.0, Health.LIVE), (PATIENCE, Health.LIVE), (PATIENCE + 0.01, Health.SILENT)],
)
def test_an_agent_is_silent_after_three_beats_without_news(now: float, health: Health) -> None:
    assert heard(status(beat=BEAT)).health(now, 0.0) is health


def test_each_beat_begins_the_count_anew() -> None:
    claim = heard(status())
    claim.hear(status(seq=8), 14.0)
    assert claim.health(14.0 + PATIENCE, 0.0) is Health.LIVE


def test_an_old_claim_that_comes_late_is_no_sign_of_life() -> None:
    claim = heard(status())
    claim.hear(status(seq=3), 14.0)
    claim.hear(status(seq=7), 14.0)
    assert claim.age(16.0) == 16.0
    assert claim.health(16.0, 0.0) is Health.SILENT


@pytest.mark.parametrize("state", ["stopped", "lost"])
def test_who_has_gone_does_not_become_silent(state: str) -> None:
    assert heard(status(state)).health(1e6, 0.0).value == state


def test_a_live_claim_is_not_judged_by_the_agents_clock() -> None:
    assert heard(status(at=12.0)).age(3.0) == 3.0


@pytest.mark.parametrize(
    ("at", "kept"), [(990.0, 10.0), (1000.0, 0.0), (4600.0, 0.0), (None, math.inf)]
)
def test_a_kept_claim_is_as_old_as_it_says(at: float | None, kept: float) -> None:
    assert kept_for(status(at=at), wall=1000.0) == kept


def test_a_kept_claim_older_than_three_beats_is_silent_until_a_live_one_comes() -> None:
    claim = Claim()
    claim.hear(status(), 0.0, kept=PATIENCE + 1)
    assert claim.health(0.0, 0.0) is Health.SILENT
    claim.hear(status(seq=8), 4.0)
    assert claim.health(4.0, 0.0) is Health.LIVE


def test_a_kept_claim_goes_on_ageing_here() -> None:
    claim = Claim()
    claim.hear(status(), 0.0, kept=10.0)
    assert claim.health(5.0, 0.0) is Health.LIVE
    assert claim.health(5.1, 0.0) is Health.SILENT


def test_a_kept_bare_word_is_silent_because_nobody_knows_how_old_it_is() -> None:
    claim = Claim()
    claim.hear(bare("ready"), 0.0, kept=math.inf)
    assert claim.health(0.0, 0.0) is Health.SILENT
    assert claim.age(0.0) == math.inf


def test_a_kept_claim_is_never_older_than_the_one_heard_live_before_it() -> None:
    claim = heard(status(), now=100.0)
    claim.hear(status(seq=8), 103.0, kept=3600.0)  # the agent's clock is an hour slow
    assert claim.age(103.0) == 3.0


# -- the reader's own connection -----------------------------------------------------------------


def test_everything_is_unknown_while_the_own_connection_is_down() -> None:
    for claim in (heard(status()), heard(status("stopped")), heard(will()), Claim()):
        assert claim.health(0.0, None) is Health.UNKNOWN


def test_back_again_the_reader_raises_no_alarm_before_anybody_could_have_spoken() -> None:
    claim = heard(status(), now=0.0)
    assert claim.health(100.0, 100.0) is Health.UNKNOWN
    assert claim.health(100.0 + PATIENCE, 100.0) is Health.UNKNOWN
    assert claim.health(100.1 + PATIENCE, 100.0) is Health.SILENT


@pytest.mark.parametrize("last", [status("stopped"), will()])
def test_what_the_broker_still_holds_is_confirmed_at_once(last: Status) -> None:
    claim = heard(status(seq=6), last)
    assert claim.health(100.0, 100.0) is Health.UNKNOWN
    assert not claim.hear(last, 100.0, kept=math.inf)
    assert claim.health(100.0, 100.0).value == last.state.value


def test_what_the_broker_kept_may_come_before_the_news_that_the_connection_stands() -> None:
    claim = Claim()
    claim.hear(status(), 99.9, kept=2.0)
    assert claim.health(100.0, 100.0) is Health.LIVE


def test_a_repeated_claim_is_confirmed_but_stays_as_old_as_it_was() -> None:
    claim = heard(status(), now=95.0)
    claim.hear(status(), 100.0, kept=9.0)
    assert claim.age(100.0) == 5.0
    assert claim.health(100.0, 100.0) is Health.LIVE


# -- whose silence is due ------------------------------------------------------------------------


def test_the_next_look_is_when_the_judgement_may_change() -> None:
    claim = heard(status(), now=2.0)
    assert claim.next_look(2.0, 0.0) == 2.0 + PATIENCE
    assert claim.next_look(50.0, 50.0) == 50.0 + PATIENCE
    assert claim.next_look(50.0, 0.0) is None
    assert claim.next_look(2.0, None) is None
    assert heard(status("stopped")).next_look(0.0, 0.0) is None
    assert Claim().next_look(0.0, 0.0) is None


def test_the_vigil_names_each_agent_once_when_its_moment_has_passed() -> None:
    vigil = Vigil()
    vigil.expect("dome", 15.0)
    vigil.expect("camera", 10.0)
    assert vigil.due(10.0) == []
    assert vigil.due(15.1) == ["camera", "dome"]
    assert vigil.due(99.0) == []


def test_the_vigil_comes_earlier_when_asked_and_not_twice() -> None:
    vigil = Vigil()
    for moment in (15.0, 3.0, 20.0, None):
        vigil.expect("dome", moment)
    assert vigil.due(4.0) == ["dome"]
    assert vigil.due(99.0) == []


def test_beats_do_not_make_the_vigil_grow() -> None:
    vigil = Vigil()
    for beat in range(10_000):
        vigil.expect("dome", beat + 3.0)
    assert len(vigil._heap) == 1


# -- clocks --------------------------------------------------------------------------------------


def skew(*beats: tuple[float, float], retained: bool = False) -> float | None:
    """What is measured where claims made at the first time came at the second."""
    measured = Skew()
    for at, wall in beats:
        measured.hear(status(at=at), wall, retained=retained)
    return measured.seconds


def test_a_clock_is_compared_by_the_beat_that_came_soonest() -> None:
    assert skew((100.0, 107.5), (105.0, 112.0), (110.0, 119.0)) == -7.0
    assert skew((100.0, 90.5), (105.0, 96.0)) == 9.5


def test_a_clock_that_is_set_right_is_believed_after_a_few_beats() -> None:
    beats = [(100.0 + n, 90.0 + n) for n in range(5)] + [(200.0 + n, 200.5 + n) for n in range(8)]
    assert skew(*beats) == -0.5


def test_what_the_broker_had_kept_tells_of_a_clock_only_where_it_is_ahead() -> None:
    assert skew((100.0, 107.5), retained=True) is None
    assert skew((100.0, 90.0), retained=True) == 10.0


def test_another_life_may_have_another_clock() -> None:
    measured = Skew()
    measured.hear(status(at=100.0), 90.0, retained=False)
    measured.hear(status(at=100.0, session="two"), 100.25, retained=False)
    assert measured.seconds == -0.25


def test_a_claim_without_a_time_tells_nothing_of_a_clock() -> None:
    measured = Skew()
    measured.hear(bare("ready"), 100.0, retained=False)
    assert measured.seconds is None
