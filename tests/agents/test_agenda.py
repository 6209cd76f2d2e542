"""What is to be observed, and what has been done of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from pyros_agents.scheduling.agenda import Agenda
from pyros_agents.scheduling.targets import Target

STAR = Target("star", 1.0, 2.0, exposures=2)
BURST = Target("burst", 3.0, 4.0, exposures=2, event="burst", until=100.0)


def test_a_visit_is_done_after_its_exposures_and_can_come_again() -> None:
    agenda = Agenda([STAR])
    assert agenda.left(STAR) == 2
    assert [agenda.count(STAR), agenda.count(STAR)] == [1, 0]
    agenda.finish(STAR)
    assert agenda.visits() == {"star": 1}
    assert agenda.left(STAR) == 2
    assert agenda.survey() == [STAR]


def test_an_alert_is_gone_when_it_is_done_dropped_or_too_old() -> None:
    agenda = Agenda()
    agenda.alert(BURST)
    assert agenda.alerts(99.0) == [BURST]
    assert agenda.alerts(100.0) == []
    agenda.alert(BURST)
    agenda.finish(BURST)
    assert agenda.find("burst") is None
    agenda.alert(BURST)
    assert agenda.drop("burst") == BURST
    assert agenda.drop("burst") is None


def test_the_latest_alert_stands_first() -> None:
    agenda = Agenda()
    other = replace(BURST, name="other", event="other")
    agenda.alert(BURST)
    agenda.alert(other)
    assert agenda.alerts(0.0) == [other, BURST]


def test_a_better_position_keeps_its_place_and_its_count_unless_it_moved_far() -> None:
    agenda = Agenda()
    agenda.alert(BURST)
    agenda.count(BURST)
    near, far = replace(BURST, ra=3.01), replace(BURST, ra=9.0)
    agenda.refine(near, anew=False)
    assert (agenda.find("burst"), agenda.left(near)) == (near, 1)
    agenda.refine(far, anew=True)
    assert (agenda.find("burst"), agenda.left(far)) == (far, 2)


def test_a_position_of_a_dropped_event_is_not_taken_up() -> None:
    agenda = Agenda()
    agenda.refine(BURST, anew=True)
    assert agenda.alerts(0.0) == []


def test_a_target_rests_until_its_time() -> None:
    agenda = Agenda([STAR])
    agenda.rest(STAR, 50.0)
    assert agenda.awake([STAR], 49.0) == []
    assert agenda.awake([STAR], 50.0) == [STAR]


def test_every_change_changes_the_version() -> None:
    agenda = Agenda([STAR])
    versions = [agenda.version]
    changes: list[Callable[[], object]] = [
        lambda: agenda.add(replace(STAR, ra=5.0)),
        lambda: agenda.alert(BURST),
        lambda: agenda.refine(BURST, anew=False),
        lambda: agenda.drop("burst"),
        lambda: agenda.rest(STAR, 1.0),
        lambda: agenda.finish(STAR),
        agenda.touch,
    ]
    for change in changes:
        change()
        versions.append(agenda.version)
    assert len(set(versions)) == len(versions)


def test_what_is_known_outlives_the_agenda_by_way_of_json() -> None:
    agenda = Agenda([STAR])
    agenda.alert(BURST)
    agenda.add(replace(STAR, name="planet"))
    agenda.count(BURST)
    agenda.finish(STAR)
    after = Agenda([STAR])
    after.recall(json.loads(json.dumps(agenda.memory())))
    assert after.alerts(0.0) == [BURST]
    assert after.left(BURST) == 1
    assert [target.name for target in after.survey()] == ["star", "planet"]
    assert after.visits() == {"star": 1}


def test_what_is_configured_is_not_remembered() -> None:
    assert Agenda([STAR]).memory()["added"] == []
