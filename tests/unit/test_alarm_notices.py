"""Who is called for what, and what is held back in a storm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pyros_mqtt.alarms import Change, Event
from pyros_mqtt.alarms.notices import Notice, NoticeDesk
from pyros_mqtt.alarms.others import Others
from pyros_mqtt.hearsay import GRACE
from pyros_mqtt.messages import Alarm, AlarmState, Severity
from pyros_mqtt.settings import AlarmsTable

MAIL = {"to": "night@observatory.example"}


def table(**more: Any) -> AlarmsTable:
    return AlarmsTable.model_validate(
        {
            "notify": ["mail", "everybody"],
            "groups": {"everybody": ["mail", "siren"]},
            "email": {"mail": MAIL},
            "command": {"siren": {"command": "true", "least": "critical"}},
            "storm_notices": 3,
            "storm_seconds": 100,
            **more,
        }
    )


def change(
    name: str = "wind",
    severity: Severity = Severity.SERIOUS,
    event: Event = Event.RAISED,
    escalated: int = 0,
) -> Change:
    alarm = Alarm(
        name, "alarms", "weather/wind", AlarmState.RAISED, severity, "it blows", 1.0, 1.0,
        escalated=escalated,
    )  # fmt: skip
    return Change(event, alarm)


def told(notices: list[Notice]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [(tuple(one.alarm for one in n.alarms), n.notifiers) for n in notices]


def test_the_first_group_is_told_and_then_the_next() -> None:
    desk = NoticeDesk(table())
    assert told(desk.take(0, change(severity=Severity.CRITICAL))) == [(("wind",), ("mail",))]
    for step in (1, 2):
        again = change(severity=Severity.CRITICAL, event=Event.ESCALATED, escalated=step)
        assert told(desk.take(step, again)) == [(("wind",), ("mail", "siren"))]


def test_a_notifier_hears_only_of_what_is_bad_enough() -> None:
    desk = NoticeDesk(table(notify=["everybody"]))
    assert told(desk.take(0, change()))[0][1] == ("mail",)


def test_a_rule_may_name_its_own_people() -> None:
    rules = {
        "wind": {"about": "weather/wind", "severity": "critical", "above": 1, "notify": "siren"},
        "rain": {"about": "weather/rain", "severity": "warning", "equals": True, "notify": []},
    }
    desk = NoticeDesk(table(rules=rules))
    assert told(desk.take(0, change(severity=Severity.CRITICAL)))[0][1] == ("siren",)
    assert desk.take(0, change("rain")) == []


def test_after_so_many_notices_comes_one_summary() -> None:
    desk = NoticeDesk(table())
    sent = [desk.take(i, change(f"a{i}")) for i in range(6)]
    assert [len(one) for one in sent] == [1, 1, 1, 0, 0, 0]
    assert desk.tick(12) == []
    (summary,) = desk.tick(13)
    assert [one.alarm for one in summary.alarms] == ["a3", "a4", "a5"]
    assert summary.subject == "[serious] 3 more alarms: a3, a4, a5"
    assert "pyros alarms ack a3 a4 a5" in summary.text
    assert desk.held_back == 3


def test_a_storm_of_warnings_hides_nothing_critical() -> None:
    desk = NoticeDesk(table())
    for i in range(50):
        desk.take(0, change(f"a{i}", Severity.WARNING))
    assert told(desk.take(1, change(severity=Severity.CRITICAL))) == [(("wind",), ("mail",))]


def test_what_is_acknowledged_meanwhile_is_not_told() -> None:
    desk = NoticeDesk(table())
    for i in range(5):
        desk.take(0, change(f"a{i}"))
    desk.take(1, change("a3", event=Event.ACKNOWLEDGED))
    assert told(desk.tick(20)) == [(("a4",), ("mail",))]


@settings(deadline=None)  # a loaded machine is no failure
@given(st.lists(st.tuples(st.floats(0, 20), st.integers(0, 5)), max_size=200))
def test_however_it_storms_so_many_notices_are_the_most(steps: list[tuple[float, int]]) -> None:
    desk, now = NoticeDesk(table()), 0.0
    moments: list[float] = []
    raised: set[str] = set()
    named: set[str] = set()
    for pause, which in [*steps, *[(20.0, -1)] * 20]:
        now += pause
        notices = desk.tick(now)
        if which >= 0:
            raised.add(f"a{which}")
            notices += desk.take(now, change(f"a{which}"))
        moments += [now] * len(notices)
        named |= {one.alarm for n in notices for one in n.alarms}
    assert named == raised
    for first in moments:
        assert len([one for one in moments if first <= one < first + 100]) <= 3 + 1 + 1


def test_an_alarm_of_another_agent_is_told_once_and_escalated() -> None:
    others = Others(escalate_after=60)
    alarm = Alarm("stuck", "dome", "dome", AlarmState.RAISED, Severity.CRITICAL, "stuck", 5.0, 5.0)
    assert [one.event for one in others.hear(0, "dome", "stuck", alarm, kept=False)] == ["raised"]
    assert others.hear(1, "dome", "stuck", alarm, kept=True) == []
    assert others.tick(59) == []
    (again,) = others.tick(60)
    assert (again.event, again.alarm.escalated) == (Event.ESCALATED, 1)
    assert [one.event for one in others.hear(61, "dome", "stuck", None, kept=False)] == ["normal"]
    assert others.tick(1000) == []


def test_what_the_broker_had_kept_is_told_only_when_nobody_answers() -> None:
    others = Others(escalate_after=60)
    alarm = Alarm("stuck", "dome", "dome", AlarmState.RAISED, Severity.WARNING, "stuck", 5.0, 5.0)
    assert others.hear(0, "dome", "stuck", alarm, kept=True) == []
    assert [one.event for one in others.tick(60)] == ["escalated"]


def test_nobody_is_called_for_what_became_normal_while_nothing_was_heard() -> None:
    others = Others(escalate_after=60)
    stuck = Alarm("stuck", "dome", "dome", AlarmState.RAISED, Severity.CRITICAL, "stuck", 5.0, 5.0)
    hot = replace(stuck, alarm="hot")
    for alarm in (stuck, hot):
        others.hear(0, "dome", alarm.alarm, alarm, kept=False)
    others.miss(30, 100)
    others.hear(100, "dome", "hot", hot, kept=True)
    told = others.tick(101)
    assert [(one.event, one.alarm.alarm) for one in told] == [(Event.ESCALATED, "hot")]
    (gone,) = others.tick(101 + GRACE)
    assert (gone.event, gone.alarm) == (Event.NORMAL, stuck)
    assert {one.alarm.alarm for one in others.tick(1000)} == {"hot"}
