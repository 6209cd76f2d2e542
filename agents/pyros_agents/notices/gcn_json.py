"""GCN notices in JSON (https://gcn.nasa.gov/docs/schema, and LVK's own dialect) -> `Notice`.

Nothing in them can be relied on: ids are texts, numbers, lists or absent, every field may be null
or of another type, and only `ra` and `dec` are a source; `ra_pointing` is where the spacecraft
looks.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from pyros_agents.notices.classes import EVEN_ODDS, known_by_name, verdict_on, winner
from pyros_agents.notices.missions import mission
from pyros_agents.notices.moments import moment
from pyros_agents.notices.notice import Kind, Notice, Position, Role, Stage, UnreadableNotice
from pyros_agents.notices.placing import number, place

_TENSES = {
    "": Role.OBSERVATION,
    "current": Role.OBSERVATION,
    "planned": Role.PREDICTION,
    "archival": Role.ARCHIVAL,
}
"""Any other tense (`test`, `mock`, `injection`, `commanded`) is a test."""

_UPDATES = {"update", "updated", "final"}

_KINDS_BY_WORD = {
    "lightcurve": Kind.PRODUCT,
    "image": Kind.PRODUCT,
    "spectrum": Kind.PRODUCT,
    "source_list": Kind.PRODUCT,
    "scaled_map": Kind.PRODUCT,
    "sper": Kind.PRODUCT,
    "archive_alert": Kind.PRODUCT,
    "caldb_alert": Kind.PRODUCT,
    "known": Kind.KNOWN_SOURCE,
    "flare": Kind.KNOWN_SOURCE,
    "pointing": Kind.POINTING,
    "attitude": Kind.POINTING,
    "attitudes": Kind.POINTING,
    "slew": Kind.POINTING,
}
"""A word of the schema's file name -> what such notices bring."""

_QUATERNION = {"q1", "q2", "q3", "q4"}

_MAY_BE_HALF = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
"""What a surrogate looks like in JSON; two of them in a row make one character."""


def read_gcn_json(text: str) -> Notice:
    """Read one GCN notice.

    Raises:
        UnreadableNotice: no JSON object, or one that says nothing of an alert.
    """
    fields = _parse(text)
    message = _Message(fields, sha256(text.strip().encode("utf-8", "replace")).hexdigest()[:16])
    return Notice(
        ivorn=message.ivorn,
        event=message.event,
        source=message.source,
        kind=message.kind,
        role=message.role,
        stage=message.stage,
        position=message.where[0],
        triggered=message.triggered,
        issued=moment(message.first("alert_datetime", "time_created")),
        name=message.name,
        also=tuple(f"{message.source} {each}" for each in message.ids[1:]),
        unreal=tuple(message.unreal()),
        unsure=tuple(message.unsure()),
        missing=message.where[1],
        notes=tuple(message.notes()),
    )


def _parse(text: str) -> dict[str, Any]:
    try:
        fields = json.loads(text)
        if _MAY_BE_HALF.search(text):
            json.dumps(fields, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise UnreadableNotice("its JSON is nested too deeply") from None
    except UnicodeEncodeError:
        raise UnreadableNotice("it holds half a character, a lone surrogate") from None
    except ValueError as error:
        raise UnreadableNotice(f"it is no JSON: {error}") from None
    if not isinstance(fields, dict):
        raise UnreadableNotice("its JSON is no object")
    return fields


def _texts(value: Any) -> list[str]:
    """Read one text, one number or a list of them as a list of texts."""
    items = value if isinstance(value, list) else [value]
    plain = [each for each in items if isinstance(each, str | int) and not isinstance(each, bool)]
    return [text for text in (str(each).strip() for each in plain) if text]


@dataclass
class _Message:
    """The parsed object, asked for what a `Notice` wants to know."""

    fields: dict[str, Any]
    digest: str

    def __post_init__(self) -> None:
        """Check that it speaks of an alert at all."""
        telling = {"$schema", "id", "alert_type", "trigger_time", "superevent_id", "event_name"}
        if not telling & self.fields.keys():
            raise UnreadableNotice("it has none of the fields by which a GCN notice is known")

    def word(self, key: str) -> str:
        """Read a text field in lower case; ``""`` where it is missing or of another type."""
        value = self.fields.get(key)
        return value.strip().lower() if isinstance(value, str) else ""

    def first(self, *keys: str) -> Any:
        """Read the first of these fields that is there."""
        return next((self.fields[key] for key in keys if self.fields.get(key)), None)

    @cached_property
    def schema(self) -> list[str]:
        """The words of the schema's path below `notices`: mission, instrument, file name."""
        path = self.word("$schema").removesuffix(".schema.json")
        return path.partition("/notices/")[2].split("/") if "/notices/" in path else []

    @cached_property
    def ids(self) -> list[str]:
        return _texts(self.fields.get("id"))

    @property
    def ivorn(self) -> str:
        topic = "/".join(self.schema) or "notice"
        return f"gcn://{topic}#{'-'.join([*self.ids[:1], self.digest])}"

    @cached_property
    def source(self) -> str:
        told = self.fields.get("mission")
        if isinstance(told, str) and told.strip():
            return mission(told)
        if "superevent_id" in self.fields:
            return "LVK"
        return mission(self.schema[0]) if self.schema else "GCN"

    @property
    def event(self) -> str:
        superevent = _texts(self.fields.get("superevent_id"))
        if superevent:
            return superevent[0]
        named = self.ids or _texts(self.fields.get("event_name"))
        return f"{self.source} {named[0] if named else self.digest}"

    @property
    def name(self) -> str:
        return next(iter(_texts(self.fields.get("event_name"))), "")

    @property
    def role(self) -> Role:
        # LVK's superevents of mock data and tests are called MS181101ab and TS181101ab
        if "test" in self.schema or self.word("superevent_id").startswith(("m", "t")):
            return Role.TEST
        if self.word("alert_type") in {"test", "injected"}:
            return Role.TEST
        return _TENSES.get(self.word("alert_tense"), Role.TEST)

    @property
    def stage(self) -> Stage:
        told = self.word("alert_type")
        if told == "retraction":
            return Stage.RETRACTION
        return Stage.UPDATE if told in _UPDATES else Stage.INITIAL

    @property
    def kind(self) -> Kind:
        words = set(self.schema[-1].split(".")) if self.schema else set()
        listed = next((kind for word, kind in _KINDS_BY_WORD.items() if word in words), None)
        if listed:
            return listed
        if "superevent_id" in self.fields:
            return Kind.SKYMAP
        if self.fields.keys() >= _QUATERNION and not self.fields.get("ra_dec_error"):
            return Kind.POINTING
        return Kind.TRIGGER if self.where[0] is None else Kind.POSITION

    @cached_property
    def triggered(self) -> float | None:
        inner = self.fields.get("event")
        told = inner.get("time") if isinstance(inner, dict) else None
        return moment(told or self.first("trigger_time", "observation_start"))

    @cached_property
    def where(self) -> tuple[Position | None, str]:
        """The position, or why there is none."""
        found, why = place(*(self.fields.get(key) for key in ("ra", "dec", "ra_dec_error")))
        if found is None and "ra_pointing" in self.fields and "ra" not in self.fields:
            return None, "it tells only where the spacecraft looks"
        return found, why

    def unreal(self) -> list[str]:
        """Say why there is no new source behind it."""
        found = [self._class[0]]
        catalogued = known_by_name(self.fields.get("classification"))
        if catalogued and not found[0]:
            found.append(f"most likely the known source {catalogued}")
        odds = number(self.fields.get("association_probability"))
        if _texts(self.fields.get("known_source")) and (odds is None or odds >= EVEN_ODDS):
            found.append(f"it is the known source {self.fields['known_source']}")
        if self.fields.get("possible_cosmic_ray") is True:
            found.append("a cosmic ray may have hit the detector")
        return [text for text in found if text]

    def unsure(self) -> list[str]:
        """Say why its position must not be trusted."""
        found = [self._class[1]]
        if self.fields.get("star_tracker_locked") is False:
            found.append("the spacecraft's star tracker had lost its lock")
        return [text for text in found if text]

    @cached_property
    def _class(self) -> tuple[str, str]:
        found = winner(self.fields.get("classification"))
        return verdict_on(*found) if found else ("", "")

    def notes(self) -> list[str]:
        """Tell what had to be mended."""
        found = []
        if not self.ids and "superevent_id" not in self.fields:
            found.append("it has no id; it is told from others by its content")
        if self.triggered is None:
            found.append("the time of the trigger is missing or unreadable")
        return found
