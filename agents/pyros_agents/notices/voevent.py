"""VOEvent 2.0 (IVOA recommendation of 2011) -> `Notice`.

Read with lxml alone, not through `voeventparse`: that package loads astropy when it is imported,
lets entities unfold, and refuses packets whose position is incomplete. A test holds both to the
same answers wherever voeventparse has one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from lxml import etree

from pyros_agents.notices import packet_types
from pyros_agents.notices.classes import verdict_on
from pyros_agents.notices.missions import mission
from pyros_agents.notices.moments import moment
from pyros_agents.notices.notice import Kind, Notice, Position, Role, Stage, UnreadableNotice
from pyros_agents.notices.placing import foreign_frame, frame_note, number, place
from pyros_agents.notices.xml_tree import parse

_COORDS = "{*}WhereWhen/{*}ObsDataLocation/{*}ObservationLocation/{*}AstroCoords"

_TEST_FLAGS = {"Test_Submission", "Test_Notice", "Test", "InternalTest"}

_UNREAL_FLAGS = {
    "Def_NOT_a_GRB": "its instrument says that it is no burst",
    "NonGRB": "its instrument says that it is no burst",
    "Cosmic_Ray": "a cosmic ray hit the detector",
    "Target_in_Blk_Catalog": "it is in the catalogue of sources to be ignored",
}

_CATALOGUE_FLAGS = ("Target_in_Flt_Catalog", "Target_in_Gnd_Catalog")

_UNSURE_FLAGS = {
    "StarTrack_Lost_Lock": "the spacecraft's star tracker had lost its lock",
    "ImTrig_during_ST_LoL": "the spacecraft's star tracker had lost its lock",
    "Values_Out_of_Range": "the spacecraft sent values out of range",
    "CRC_Error": "it was damaged on its way from the spacecraft",
}

_OWN_NAMES = ("GraceID", "alert identifier")
_NUMBERS = ("TrigID", "AMON_ID", "Trigger_Number", "event_id")


def read_voevent(text: str) -> Notice:
    """Read one VOEvent packet.

    Raises:
        UnreadableNotice: no VOEvent 2.0, or one without an ivorn.
    """
    packet = _Packet(parse(text))
    return Notice(
        ivorn=packet.ivorn,
        event=packet.event,
        source=packet.source,
        kind=packet.kind,
        role=packet.role,
        stage=packet.stage,
        position=packet.where[0],
        triggered=packet.triggered,
        issued=moment(packet.text("{*}Who/{*}Date")),
        name=packet.name,
        cites=tuple(packet.citations),
        unreal=tuple(packet.unreal()),
        unsure=tuple(packet.unsure()),
        missing=packet.where[1],
        notes=tuple(packet.notes()),
    )


@dataclass
class _Packet:
    """The parsed packet, asked for what a `Notice` wants to know."""

    root: etree._Element
    values: dict[str, str] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Check that it is a VOEvent, and gather its parameters: the first of a name counts."""
        if etree.QName(self.root).localname != "VOEvent":
            raise UnreadableNotice(f"it is XML, but a {self.root.tag!r} and no VOEvent")
        version = self.root.get("version", "")
        if version != "2.0":
            raise UnreadableNotice(f"it is VOEvent version {version!r}; 2.0 is read here")
        for param in self.root.iterfind("{*}What//{*}Param"):
            name = param.get("name", "")
            value = param.get("value") or param.findtext("{*}Value") or ""
            self.values.setdefault(name, value.strip())
            if value.strip().lower() == "true":
                self.flags.add(name)

    def text(self, path: str) -> str:
        found: str = self.root.findtext(path) or ""
        return found.strip()

    @cached_property
    def ivorn(self) -> str:
        ivorn: str = self.root.get("ivorn", "").strip()
        if not ivorn:
            raise UnreadableNotice("it has no ivorn, the name that tells it from all others")
        return ivorn

    @cached_property
    def role(self) -> Role:
        told = self.root.get("role", "observation").strip().lower()
        if told not in set(Role) - {Role.ARCHIVAL}:
            raise UnreadableNotice(f"its role {told!r} is none of VOEvent's four")
        if self.flags & _TEST_FLAGS or self.values.get("HardwareInj") == "1":
            return Role.TEST
        return Role.TEST if self.packet_type in packet_types.TESTS else Role(told)

    @cached_property
    def packet_type(self) -> int:
        found = number(self.values.get("Packet_Type"))
        return -1 if found is None else int(found)

    @cached_property
    def stream(self) -> str:
        authority, _, _ = self.ivorn.removeprefix("ivo://").partition("#")
        return authority.rsplit("/", 1)[-1]

    @property
    def source(self) -> str:
        return mission(self.stream)

    @property
    def event(self) -> str:
        for key in _OWN_NAMES:
            if self.values.get(key):
                return self.values[key]
        for key in _NUMBERS:
            if self.values.get(key, "0") not in {"", "0"}:
                return f"{self.source} {self.values[key]}"
        return self.ivorn.partition("#")[2] or self.ivorn

    @property
    def name(self) -> str:
        told = self.text("{*}Why/{*}Inference/{*}Name")
        return "" if told == "(null)" else told

    @cached_property
    def citations(self) -> dict[str, str]:
        """Cited ivorn -> how it is cited: `followup`, `supersedes`, `retraction`."""
        cited = self.root.iterfind("{*}Citations/{*}EventIVORN")
        return {(each.text or "").strip(): each.get("cite", "").strip().lower() for each in cited}

    @property
    def stage(self) -> Stage:
        if (
            self.packet_type == packet_types.RETRACTION
            or self.values.get("AlertType", "").lower() == "retraction"
            or "Retraction" in self.flags
            or "retraction" in self.citations.values()
        ):
            return Stage.RETRACTION
        return Stage.UPDATE if self.citations else Stage.INITIAL

    @property
    def kind(self) -> Kind:
        if self.values.get("Coords_String") == "pointing_direction":
            listed = packet_types.KINDS.get(self.packet_type)
            return listed if listed is Kind.NOTHING_FOUND else Kind.POINTING
        if self.packet_type in packet_types.KINDS:
            return packet_types.KINDS[self.packet_type]
        if self.where[0] is not None:
            return Kind.POSITION
        return Kind.SKYMAP if "GraceID" in self.values else Kind.TRIGGER

    @cached_property
    def triggered(self) -> float | None:
        scale = self._system.split("-")[0]
        return moment(self.text(f"{_COORDS}/{{*}}Time/{{*}}TimeInstant/{{*}}ISOTime"), scale)

    @cached_property
    def _system(self) -> str:
        coords = self.root.find(_COORDS)
        return "" if coords is None else coords.get("coord_system_id", "")

    @cached_property
    def where(self) -> tuple[Position | None, str]:
        """The position, or why there is none."""
        found = self.root.find(f"{_COORDS}/{{*}}Position2D")
        if found is None:
            return None, "it has no position"
        if self.values.get("RADec_valid", "").lower() == "false":
            return None, "it says that its position is not valid"
        if self.values.get("Coords_String", "").startswith("unavailable"):
            return None, "it says that it has no coordinates yet"
        if problem := foreign_frame(self._system, found.get("unit", "").strip()):
            return None, problem
        axes = [(found.findtext(f"{{*}}Name{i}") or "").strip().upper() for i in (1, 2)]
        if axes not in (["RA", "DEC"], ["", ""]):
            return None, f"its axes are {axes[0]!r} and {axes[1]!r}, not RA and Dec"
        east, north = (found.findtext(f"{{*}}Value2/{{*}}C{i}") for i in (1, 2))
        return place(east, north, found.findtext("{*}Error2Radius"))

    def unreal(self) -> list[str]:
        """Say why there is no new source behind it."""
        found = [text for flag, text in _UNREAL_FLAGS.items() if flag in self.flags]
        if "GRB_Identified" not in self.flags and self.flags.intersection(_CATALOGUE_FLAGS):
            found.append("it is a source of the spacecraft's catalogue")
        return [text for text in (*found, self._class[0]) if text]

    def unsure(self) -> list[str]:
        """Say why its position must not be trusted."""
        found = {text: None for flag, text in _UNSURE_FLAGS.items() if flag in self.flags}
        return [text for text in (*found, self._class[1]) if text]

    @cached_property
    def _class(self) -> tuple[str, str]:
        index = number(self.values.get("Most_Likely_Index"))
        label = packet_types.FERMI_CLASSES.get(-1 if index is None else int(index), "")
        odds = number(self.values.get("Most_Likely_Prob"))
        return verdict_on(label, None if odds is None else odds / 100.0)

    def notes(self) -> list[str]:
        """Tell what had to be mended."""
        found = [frame_note(self._system)] if self.where[0] else []
        if self.triggered is None:
            found.append("the time of the trigger is missing or unreadable")
        return [note for note in found if note]
