"""Every real notice that is at hand is decided as its kind asks for.

The notices lie beside the repository, not in it; without them these tests are skipped.
"""

from __future__ import annotations

import os
from fnmatch import fnmatch
from pathlib import Path

import pytest

from pyros_agents.notices import Casebook, Course, Limits, Notice, decide, read_notice

ROOT = Path(__file__).parents[2]
ALERTS = Path(os.environ.get("PYROS_SHARED", ROOT.parent / "shared")) / "data" / "alerts"

if not ALERTS.is_dir():
    pytest.skip(
        f"no real notices at {ALERTS}; PYROS_SHARED may name a place", allow_module_level=True
    )

FILES = sorted(path for path in ALERTS.rglob("*") if path.suffix in {".xml", ".json"})

KINDS = {
    # kind of notice: what is done about it on its own, and a word of the reason
    "gaia.cam.uk__*": ("ignore", "days ago"),
    "gwnet__MS*": ("ignore", "a test"),
    "gwnet__S*": ("ignore", "sky map"),
    "*Point_Dir*": ("ignore", "spacecraft looks"),
    "*SC_Slew*": ("ignore", "spacecraft looks"),
    "*TestEvent*": ("ignore", "a test"),
    "*SNEWS*": ("ignore", "a test"),
    "*__Event2020*": ("ignore", "a test"),
    "*_Test_Pos*": ("ignore", "a test"),
    "*BAT_Known_Pos*": ("ignore", "catalogue"),
    "*BAT_GRB_Pos_954520*": ("ignore", "catalogue"),
    "*BAT_GRB_Pos_*": ("observe", "error 3.0'"),
    "*BAT_Lightcurve*": ("ignore", "data product"),
    "*XRT_Nack*": ("ignore", "found no source"),
    "*XRT_Pos*": ("observe", "new position"),
    "*UVOT_Pos*": ("observe", "new position"),
    "*Weak_Pos*": ("observe", "new position from INTEGRAL"),
    "*GBM_Alert*": ("ignore", "nowhere to point at"),
    "*GBM_Flt_Pos_*_602351731_*": ("ignore", "thunderstorm"),
    "*GBM_Flt_Pos_*_602371898_*": ("ignore", "thunderstorm"),
    "*GBM_Flt_Pos_*_602625858_*": ("ignore", "thunderstorm"),
    "*GBM_Flt_Pos_*": ("ignore", "deg only"),
    "*GBM_???_Pos*602211445*": ("observe", "new position"),
    "*GBM_Gnd_Pos*602455182*": ("observe", "new position"),
    "*GBM_???_Pos*602626648*": ("observe", "new position"),
    "*GBM_???_Pos*": ("ignore", "deg only"),
    "einstein_probe*": ("observe", "error 1.2'"),
    "fermi_gbm_trigger.alert*": ("ignore", "no position"),
    "fermi_gbm_trigger.flight1*": ("ignore", "BELOW_HORIZON"),
    "fermi_gbm_trigger.flight2*": ("ignore", "UNRELIABLE_LOCATION"),
    "fermi_gbm_trigger.*": ("observe", "new position"),
    "icecube*": ("observe", "error 30.0'"),
    "maxi_gsc.known.retraction*": ("stop", "taken back"),
    "maxi_gsc.known*": ("ignore", "known before"),
    "maxi_gsc.unknown*": ("observe", "error 13.2'"),
    "superk*test*": ("ignore", "a test"),
    "svom*": ("ignore", "a test"),
    "*Guano.Retraction*": ("stop", "taken back"),
    "*Guano*": ("ignore", "no position"),
}


def _read(path: Path) -> tuple[Notice, float]:
    """Read a notice, and tell when it would have come in."""
    notice = read_notice(path.read_bytes())
    return notice, (notice.issued or notice.happened or 0.0) + 5.0


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_is_decided_as_its_kind_asks_for(path: Path) -> None:
    expected, word = next(found for kind, found in KINDS.items() if fnmatch(path.name, kind))
    notice, now = _read(path)
    decision = decide(notice, Casebook().case_of(notice), Limits(), now)
    assert decision.course == expected, decision.reason
    assert word in decision.reason


def test_in_their_order_they_make_chains() -> None:
    book = Casebook()
    courses: dict[str, list[str]] = {}
    incoming = sorted((_read(path) for path in FILES), key=lambda pair: pair[1])
    for notice, now in incoming:
        decision = decide(notice, book.case_of(notice), Limits(), now)
        if decision.course is not Course.IGNORE:
            courses.setdefault(decision.event, []).append(decision.course.value)
        if decision.course is Course.STOP:
            book.close(notice)
        elif decision.course is not Course.IGNORE:
            book.enter(notice, notice.position)
        else:
            book.enter(notice)
    assert courses["Swift 954304"] == ["observe", "update"]
    assert courses["Swift 954519"] == ["observe", "update", "update"]
    assert courses["Fermi 602211445"] == ["observe", "update"]
    assert courses["Fermi 602626648"] == ["observe"]
    assert courses["Fermi 745121685"] == ["observe", "update"]


def test_none_of_them_points_where_only_a_spacecraft_looks() -> None:
    for path in FILES:
        notice, now = _read(path)
        decision = decide(notice, Casebook().case_of(notice), Limits(), now)
        if decision.course is Course.OBSERVE:
            assert b"pointing_direction" not in path.read_bytes()
