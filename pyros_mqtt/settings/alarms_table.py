"""`[alarms]` of pyros.toml: what is watched, when that is an alarm, and who is told of it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    model_validator,
)

from pyros_mqtt.messages import Severity, State
from pyros_mqtt.settings.notifier_tables import (
    Command,
    Email,
    Notifier,
    Number,
    OtherNotifier,
    Scalar,
    Table,
    Webhook,
    listed,
)
from pyros_mqtt.topics import check_name

DAY = 86400.0

SILENT = "silent"
"""What `state` may name besides the states that agents claim."""

STATES = (*(one.value for one in State), SILENT)

KINDS = {
    "limits": ("above", "below"),
    "equals": ("equals",),
    "rate": ("rises", "falls"),
    "frozen": ("frozen",),
    "missing": ("missing",),
    "set point": ("set_point",),
    "state": ("state",),
    "silence": ("silent",),
}
"""The keys that say what kind of rule it is; the keys of one kind go together."""

OF_AGENTS = {"state", "silence"}
"""Kinds that are about an agent; all others are about a channel."""

_EXTRAS = {
    "dead_band": {"limits", "rate", "set point"},
    "window": {"rate"},
    "tolerance": {"frozen"},
    "within": {"set point"},
    "wraps": {"set point"},
}
"""Further keys, and the kinds that they make sense with."""

_ABOUT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}(/[a-z0-9][a-z0-9_-]{0,62}(\.[^\s./+#]+)?)?")


def _name(kind: str) -> AfterValidator:
    return AfterValidator(lambda value: check_name(kind, value))


def _about(value: str) -> str:
    if not _ABOUT.fullmatch(value):
        raise ValueError("must be 'agent', 'agent/channel' or 'agent/channel.field'")
    return value


def _state(value: str) -> str:
    if value not in STATES:
        near = get_close_matches(value, STATES, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(STATES)}"
        raise ValueError(f"is no state of an agent; {hint}")
    return value


About = Annotated[str, AfterValidator(_about)]
Positive = Annotated[Number, Field(gt=0)]
Seconds = Annotated[Number, Field(gt=0, le=30 * DAY)]
Pause = Annotated[Number, Field(ge=0, le=30 * DAY)]
Names = Annotated[tuple[str, ...], BeforeValidator(listed)]


class AlarmRule(Table):
    """`[alarms.rules.NAME]`: one condition on one thing. Times are seconds.

    Limits, dead band and tolerance are in the channel's unit, `rises` and `falls` in that unit
    per second over `window` (both positive). `delay` is for how long the condition has to hold
    before the alarm is raised, `clear_delay` for how long it has to be over.
    """

    about: About
    severity: Severity
    text: str = Field(default="", max_length=500)
    enabled: bool = True
    unit: str = ""
    above: Number | None = None
    below: Number | None = None
    equals: Annotated[tuple[Scalar, ...] | None, BeforeValidator(listed)] = None
    rises: Positive | None = None
    falls: Positive | None = None
    window: Seconds = 60.0
    frozen: Seconds | None = None
    tolerance: Annotated[Number, Field(ge=0)] = 0.0
    missing: Seconds | None = None
    set_point: About | None = None
    within: Positive | None = None
    wraps: Positive | None = None
    state: Annotated[
        tuple[Annotated[str, AfterValidator(_state)], ...] | None, BeforeValidator(listed)
    ] = None
    silent: Seconds | None = None
    dead_band: Annotated[Number, Field(ge=0)] = 0.0
    delay: Pause = 0.0
    clear_delay: Pause = 0.0
    notify: Names | None = None
    escalate_after: Pause | None = None

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        return next(kind for kind, keys in KINDS.items() if self.model_fields_set & {*keys})

    @property
    def agent(self) -> str:
        """Whom it is about."""
        return self.about.partition("/")[0]

    @property
    def needs(self) -> tuple[tuple[str, str], ...]:
        """Agent and channel of each measurement that it is judged by."""
        whats = [one for one in (self.about, self.set_point) if one and "/" in one]
        return tuple(dict.fromkeys(source_of(one)[:2] for one in whats))

    @model_validator(mode="after")
    def _is_one_whole_rule(self) -> Self:
        wrong = [*_kind_problems(self), *_value_problems(self), *_equals_problems(self)]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


def source_of(about: str) -> tuple[str, str, str]:
    """Give agent, channel and field of `agent/channel.field`; what is not there is empty."""
    agent, _, rest = about.partition("/")
    channel, _, field = rest.partition(".")
    return agent, channel, field


def _kind_problems(rule: AlarmRule) -> Iterable[str]:
    given = {key for key in rule.model_fields_set if getattr(rule, key) is not None}
    kinds = [kind for kind, keys in KINDS.items() if given & {*keys}]
    if len(kinds) != 1:
        keys = ", ".join(key for keys in KINDS.values() for key in keys)
        found = " and ".join(f"{one!r}" for keys in KINDS.values() for one in keys if one in given)
        one_each = f"{found} are of two kinds: make a rule of each"
        yield one_each if kinds else f"says no condition: give it one of {keys}"
        return
    (kind,) = kinds
    for key, fitting in _EXTRAS.items():
        if key in given and kind not in fitting:
            with_ = " or ".join(f"{one!r}" for fit in sorted(fitting) for one in KINDS[fit])
            yield f"{key!r} belongs to {with_}, not to {KINDS[kind][0]!r}: take it out"
    if kind in OF_AGENTS and "/" in rule.about:
        yield f"about = {rule.about!r}: {KINDS[kind][0]!r} is about an agent: {rule.agent!r}"
    if kind not in OF_AGENTS and "/" not in rule.about:
        yield f"about = {rule.about!r}: names no channel: write '{rule.about}/CHANNEL'"


def _equals_problems(rule: AlarmRule) -> Iterable[str]:
    for one in rule.equals or ():
        if isinstance(one, float) and not math.isfinite(one):
            yield f"equals = {one:g}: must be a finite number, for nothing is ever equal to it"


def _value_problems(rule: AlarmRule) -> Iterable[str]:
    low, high, band = rule.below, rule.above, rule.dead_band
    if low is not None and high is not None and low + band >= high - band:
        yield f"below = {low:g} and above = {high:g} leave no room between their dead bands"
    for key in ("rises", "falls", "within"):
        least = getattr(rule, key)
        if least is not None and band >= least:
            yield f"dead_band = {band:g} has to be less than {key} = {least:g}"
    if rule.set_point is not None and rule.within is None:
        yield "set_point needs 'within': how far the read-back may be from it"
    if rule.set_point is not None and "/" not in rule.set_point:
        yield f"set_point = {rule.set_point!r}: names no channel: write 'agent/channel'"
    for key in ("equals", "state"):
        if getattr(rule, key) == ():
            yield f"{key} = []: names nothing"


_NotifierName = Annotated[str, _name("notifier")]


class AlarmsTable(Table):
    """`[alarms]`: the rules, and who is told. Times are seconds.

    `notify` names groups or notifiers: the first is told when an alarm is raised, the next after
    each `escalate_after` (0: never) in which nobody has acknowledged it, the last again and again.
    More than `storm_notices` notices of a severity within `storm_seconds` become one summary.
    `others`: people are also called for the alarms that other agents raise themselves.
    """

    enabled: bool = True
    host: str | None = None
    notify: Names = ()
    escalate_after: Pause = 300.0
    storm_notices: int = Field(default=10, ge=1, le=1000)
    storm_seconds: Seconds = 600.0
    longest_shelf: Seconds = DAY
    others: bool = True
    rules: dict[Annotated[str, _name("alarm")], AlarmRule] = Field(default_factory=dict)
    groups: dict[_NotifierName, Names] = Field(default_factory=dict)
    email: dict[_NotifierName, Email] = Field(default_factory=dict)
    webhook: dict[_NotifierName, Webhook] = Field(default_factory=dict)
    command: dict[_NotifierName, Command] = Field(default_factory=dict)
    notifier: dict[_NotifierName, OtherNotifier] = Field(default_factory=dict)

    @property
    def is_to_run(self) -> bool:
        """There is something to watch, or somebody to be told."""
        return self.enabled and bool(self.rules or self.notifiers)

    @property
    def notifiers(self) -> dict[str, Notifier]:
        """All kinds of notifiers, by name."""
        return {**self.email, **self.webhook, **self.command, **self.notifier}

    def told(self, group: str) -> tuple[str, ...]:
        """Name the notifiers of a group; a notifier is a group of its own."""
        return self.groups.get(group, (group,))

    @model_validator(mode="after")
    def _everybody_is_known(self) -> Self:
        wrong = [*self._shared_names(), *self._strangers()]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    def _shared_names(self) -> Iterable[str]:
        seen: dict[str, str] = {}
        for kind in ("groups", "email", "webhook", "command", "notifier"):
            for name in getattr(self, kind):
                if name in seen:
                    yield f"{seen[name]}.{name} and {kind}.{name} have one name: rename one"
                seen[name] = kind

    def _strangers(self) -> Iterable[str]:
        known = [*self.groups, *self.notifiers]
        for place, names in (
            ("notify", self.notify),
            *((f"rules.{key}.notify", one.notify or ()) for key, one in self.rules.items()),
        ):
            yield from (_stranger(place, one, known) for one in names if one not in known)
        notifiers = list(self.notifiers)
        for group, names in self.groups.items():
            for one in names:
                if one not in notifiers:
                    yield _stranger(f"groups.{group}", one, notifiers)


def _stranger(place: str, name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, 1)
    rest = f"known are {', '.join(known)}" if known else "write [alarms.email.NAME] or another"
    hint = f"did you mean {near[0]!r}?" if near else rest
    return f"{place}: {name!r} is no notifier and no group; {hint}"


_TABLES: Mapping[str, type[BaseModel]] = {
    "rules": AlarmRule,
    "email": Email,
    "webhook": Webhook,
    "command": Command,
    "notifier": OtherNotifier,
}


def known_keys(path: tuple[str, ...]) -> list[str]:
    """List the keys of the table at `path` below `[alarms]`."""
    model = _TABLES.get(path[0], AlarmsTable) if path else AlarmsTable
    return [one.alias or key for key, one in model.model_fields.items()]
