"""The one shape into which every dialect of notices is read, and the error where that fails.

Angles are degrees, ICRS; times are POSIX seconds, UTC. A notice that was read says what its
authors said, no more: what to do about it is the business of `decision`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pyros_mqtt import PyrosError


class UnreadableNotice(PyrosError, ValueError):
    """This is no notice, or not one that can be trusted to mean what it seems to say.

    Attributes:
        reason: what is wrong with it, for people.
    """

    def __init__(self, reason: str) -> None:
        """Say what is wrong."""
        super().__init__(reason)
        self.reason = reason


class Role(StrEnum):
    """What a notice is sent for; only `observation` speaks of something new in the real sky."""

    OBSERVATION = "observation"
    PREDICTION = "prediction"
    UTILITY = "utility"
    TEST = "test"
    ARCHIVAL = "archival"


class Stage(StrEnum):
    """Where a notice stands in the life of its event."""

    INITIAL = "initial"
    UPDATE = "update"
    RETRACTION = "retraction"


class Kind(StrEnum):
    """What a notice brings; only a `POSITION` can be pointed at."""

    POSITION = "a position"
    TRIGGER = "a trigger without a position"
    SKYMAP = "a sky map instead of one position"
    POINTING = "where a spacecraft looks, which is no source"
    PRODUCT = "a data product (light curve, image, spectrum), no new position"
    NOTHING_FOUND = "word that an instrument found no source"
    KNOWN_SOURCE = "activity of a source known before"
    SUBTHRESHOLD = "a blip below the detection threshold, mostly noise"
    HOUSEKEEPING = "housekeeping of a spacecraft or of the alert network"


@dataclass(frozen=True, slots=True)
class Position:
    """A place on the sky and how well it is known.

    `error` is the radius of the error circle, or the longer half axis of the ellipse; None where
    the notice does not know it.
    """

    ra: float
    dec: float
    error: float | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice.

    `ivorn` names this notice and no other, `event` what it is about, under the same name in all
    notices of one chain; `also` holds the event's further names. `triggered` is when it happened,
    `issued` when the notice was made. `unreal` says why there is no new source behind it,
    `unsure` why its position must not be trusted, `missing` why it has none; `notes` tell what had
    to be mended while reading. `cites` are the ivorns of the notices it follows or takes back.
    """

    ivorn: str
    event: str
    source: str
    kind: Kind
    role: Role = Role.OBSERVATION
    stage: Stage = Stage.INITIAL
    position: Position | None = None
    triggered: float | None = None
    issued: float | None = None
    name: str = ""
    also: tuple[str, ...] = ()
    cites: tuple[str, ...] = ()
    unreal: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    missing: str = ""
    notes: tuple[str, ...] = ()

    @property
    def happened(self) -> float | None:
        """The best guess at when it happened: the trigger's time, else that of the notice."""
        return self.issued if self.triggered is None else self.triggered
