"""Notices in each dialect, written for the tests; the values are made up."""

from __future__ import annotations

import json
from typing import Any

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" version="2.0" '
)


def voevent(  # noqa: PLR0913 - the parts of a packet
    ivorn: str = "ivo://nasa.gsfc.gcn/SWIFT#BAT_GRB_Pos_700001-001",
    *,
    role: str = "observation",
    params: dict[str, Any] | None = None,
    flags: tuple[str, ...] = (),
    where: tuple[Any, Any, Any] | None = (83.6, -22.0, 0.05),
    system: str = "UTC-FK5-GEO",
    unit: str = "deg",
    axes: tuple[str, str] = ("RA", "Dec"),
    time: str = "2026-11-21T17:59:00.00",
    date: str = "2026-11-21T17:59:20",
    name: str = "",
    cites: dict[str, str] | None = None,
) -> str:
    """Write a VOEvent packet of GCN's kind."""
    what = "".join(
        f'<Param name="{key}" value="{value}"/>' for key, value in (params or {}).items()
    )
    group = "".join(f'<Param name="{flag}" value="true"/>' for flag in flags)
    place = ""
    if where is not None:
        place = (
            f'<Position2D unit="{unit}"><Name1>{axes[0]}</Name1><Name2>{axes[1]}</Name2>'
            f"<Value2><C1>{where[0]}</C1><C2>{where[1]}</C2></Value2>"
            f"<Error2Radius>{where[2]}</Error2Radius></Position2D>"
        )
    cited = "".join(
        f'<EventIVORN cite="{how}">{of}</EventIVORN>' for of, how in (cites or {}).items()
    )
    return (
        f'{_HEAD}ivorn="{ivorn}" role="{role}">'
        f"<Who><Date>{date}</Date></Who>"
        f'<What>{what}<Group name="Solution_Status">{group}</Group></What>'
        "<WhereWhen><ObsDataLocation><ObservationLocation>"
        f'<AstroCoordSystem id="{system}"/>'
        f'<AstroCoords coord_system_id="{system}"><Time unit="s"><TimeInstant>'
        f"<ISOTime>{time}</ISOTime></TimeInstant></Time>{place}</AstroCoords>"
        "</ObservationLocation></ObsDataLocation></WhereWhen>"
        f"<Why><Inference><Name>{name}</Name></Inference></Why>"
        f"{f'<Citations>{cited}</Citations>' if cited else ''}</voe:VOEvent>"
    )


def swift(trigger: int = 700001, packet: int = 61, **more: Any) -> str:
    """Write a notice of Swift's."""
    more.setdefault("ivorn", f"ivo://nasa.gsfc.gcn/SWIFT#Notice_{packet}_{trigger}")
    more["params"] = {
        "Packet_Type": packet,
        "TrigID": trigger,
        "Coords_String": "source_object",
        **more.pop("params", {}),
    }
    return voevent(**more)


def fermi(sequence: int, packet: int, *, trigger: int = 800002, **more: Any) -> str:
    """Write a notice of Fermi's GBM."""
    more.setdefault("ivorn", f"ivo://nasa.gsfc.gcn/Fermi#GBM_{packet}_{trigger}_{sequence}")
    more["params"] = {"Packet_Type": packet, "TrigID": trigger, **more.pop("params", {})}
    return voevent(**more)


def gcn(**fields: Any) -> str:
    """Write a GCN notice in JSON; a field of None is left out."""
    everything = {
        "$schema": "https://gcn.nasa.gov/schema/main/gcn/notices/einstein_probe/wxt/alert.schema.json",
        "id": ["01700000001"],
        "trigger_time": "2026-11-21T17:59:00Z",
        "alert_datetime": "2026-11-21T17:59:20Z",
        "alert_tense": "current",
        "alert_type": "initial",
        "ra": 83.6,
        "dec": -22.0,
        "ra_dec_error": 0.05,
    } | fields
    return json.dumps({key: value for key, value in everything.items() if value is not None})


def schema(path: str) -> dict[str, str]:
    """Name a GCN schema, as the argument of `gcn`."""
    return {"$schema": f"https://gcn.nasa.gov/schema/main/gcn/notices/{path}.schema.json"}
