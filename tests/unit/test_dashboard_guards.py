"""Who may command, which files are opened, and what the sky is made of."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from pyros_mqtt.dashboard import alarms, sky
from pyros_mqtt.dashboard.authority import PAUSE, TRIES, ReadOnly, Refused, SharedToken
from pyros_mqtt.dashboard.board import Board
from pyros_mqtt.dashboard.images import MOST, Images, NoPreview
from pyros_mqtt.errors import SettingsError
from pyros_mqtt.messages import Command, Outcome, Report
from pyros_mqtt.settings import Settings

TOKEN = "a token of this test"


def test_without_a_token_nobody_is_let_in() -> None:
    authority = ReadOnly()
    with pytest.raises(Refused, match="dashboard_token"):
        authority.admit("vera", "anything")
    assert authority.who("anything") is None
    assert not authority.may_command(None, "dome", "open")


def test_who_knows_the_token_has_a_session_until_she_leaves() -> None:
    authority = SharedToken(TOKEN)
    vera = authority.admit(" Vera ", TOKEN)
    assert vera.name == "vera"
    assert authority.who(vera.session) == vera
    assert authority.may_command(vera, "dome", "open")
    assert len({vera.session, vera.csrf, authority.admit("ada", TOKEN).session}) == 3
    assert vera.session not in repr(vera)
    authority.leave(vera.session)
    assert authority.who(vera.session) is None


def test_a_session_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    authority = SharedToken(TOKEN)
    vera = authority.admit("vera", TOKEN)
    later = time.monotonic() + 13 * 3600
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert authority.who(vera.session) is None


def test_guessing_is_shut_out_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    authority = SharedToken(TOKEN)
    for _ in range(TRIES):
        with pytest.raises(Refused, match="not the token"):
            authority.admit("mallory", "guess")
    with pytest.raises(Refused, match="try again in"):
        authority.admit("vera", TOKEN)
    later = time.monotonic() + PAUSE + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert authority.admit("vera", TOKEN).name == "vera"


@pytest.mark.parametrize("name", ["", "a/b", "#", "vera rubin", "\u00e9"])
def test_a_name_that_cannot_be_a_senders_is_refused(name: str) -> None:
    with pytest.raises(Refused):
        SharedToken(TOKEN).admit(name, TOKEN)


def test_a_short_token_is_no_token() -> None:
    with pytest.raises(SettingsError):
        Settings(dashboard_token="short")
    names = Settings(dashboard_names="dash.example, t60.example").dashboard_names
    assert names == ("dash.example", "t60.example")


def test_an_alarm_in_words_that_we_do_not_know_is_shown_as_the_worst() -> None:
    alarm = alarms.read(b'{"state": "odd", "severity": 7, "raised_at": "yesterday"}', "a", "b")
    assert (alarm["state"], alarm["severity"], alarm["raised_at"]) == ("raised", "critical", None)
    nonsense = alarms.read(b"[]", "a", "b")
    assert (nonsense["state"], nonsense["severity"]) == ("raised", "critical")
    assert nonsense["text"].startswith("it cannot be read: ")


# -- images ---------------------------------------------------------------------------------------


def noted(images: Images, path: Path, board: Board) -> dict[str, Any]:
    result = {"path": str(path), "object": "M 1", "filter": "r"}
    images.note(Report("1", "expose", "camera", Outcome.DONE, 0.0, result=result), 5.0)
    shown: dict[str, Any] = board.since(0).sections["images"]
    key = next(key for key, one in shown.items() if one["name"] == path.name)
    return {"key": key, **shown[key]}


def frame(path: Path) -> Path:
    pixels = np.full((300, 400), 1000, dtype=np.uint16)
    pixels[250, 350] = 60_000
    path.parent.mkdir(exist_ok=True)
    fits.PrimaryHDU(pixels).writeto(path)
    return path


def test_an_image_in_the_folder_has_a_preview(tmp_path: Path) -> None:
    board = Board()
    images = Images(board, tmp_path / "images")
    path = frame(tmp_path / "images" / "m1.fits")
    told = noted(images, path, board)
    assert told["trouble"] == ""
    with Image.open(io.BytesIO(images.preview(told["key"]))) as picture:
        assert picture.size == (400, 300)
        assert picture.getpixel((350, 49)) == 255  # FITS counts from the bottom


def test_what_lies_elsewhere_is_never_opened(tmp_path: Path) -> None:
    board = Board()
    images = Images(board, tmp_path / "images")
    outside = frame(tmp_path / "other" / "secret.fits")
    (tmp_path / "images").mkdir()
    link = tmp_path / "images" / "link.fits"
    link.symlink_to(outside)
    up = tmp_path / "images" / ".." / "other" / "secret.fits"
    for path in (outside, link, up, tmp_path / "images" / "missing.fits"):
        told = noted(images, path, board)
        assert told["trouble"]
        with pytest.raises(NoPreview):
            images.preview(told["key"])
    report = Report("1", "x", "evil", Outcome.DONE, 0.0, result={"path": "/etc/passwd"})
    images.note(report, 5.0)
    assert "passwd" not in str(board.since(0).sections)


def test_a_file_that_is_no_image_says_so(tmp_path: Path) -> None:
    board = Board()
    images = Images(board, tmp_path)
    path = tmp_path / "broken.fits"
    path.write_bytes(b"nothing that one could see")
    with pytest.raises(NoPreview, match="cannot be read"):
        images.preview(noted(images, path, board)["key"])


def test_only_the_last_images_are_kept(tmp_path: Path) -> None:
    board = Board()
    images = Images(board, tmp_path)
    for i in range(MOST + 5):
        noted(images, tmp_path / f"{i}.fits", board)
    assert len(board.since(0).sections["images"]) == MOST


# -- the sky --------------------------------------------------------------------------------------


def test_positions_are_found_in_telemetry_and_commands() -> None:
    assert sky.pointing({"alt": 61.5, "az": 123, "state": "tracking"}) == {
        "alt": 61.5, "az": 123.0, "state": "tracking",
    }  # fmt: skip
    assert sky.pointing({"alt": 999, "az": 0}) is None
    assert sky.pointing(12.5) is None
    command = Command("camera", "expose", {"object": "M 1", "ra": 443.633, "dec": 22.014})
    assert sky.target_of(command) == ("M 1", {"ra": pytest.approx(83.633), "dec": 22.014})
    assert sky.target_of(Command("telescope", "goto", {"ra": 1, "dec": 2})) is not None
    assert sky.target_of(Command("telescope", "goto", {"ra": True, "dec": 2})) is None
    assert sky.target_of(Command("telescope", "park")) is None


def test_only_the_last_targets_are_shown() -> None:
    board = Board()
    targets = sky.Targets(board)
    for i in range(sky.MOST_TARGETS + 3):
        targets.note(f"M {i}", {"ra": i, "dec": 0})
    assert len(board.keys(sky.SECTION)) == sky.MOST_TARGETS
    assert board.get(sky.SECTION, "M 0") is None


def test_place_and_clock_of_the_sky_come_from_the_shared_table() -> None:
    table = {
        "site": {"latitude": -21.2, "longitude": 55.4, "height": 991.0},
        "sky": {"start": "2012-09-07T00:21:00Z", "speed": 10, "anchor": 1000.0},
    }
    assert sky.site_of(table) == {"latitude": -21.2, "longitude": 55.4, "name": ""}
    assert sky.clock_of(table) == {"origin": 1346977260.0, "speed": 10.0, "anchor": 1000.0}
    assert sky.site_of({}) is None
    assert sky.clock_of({"sky": {"start": "2012-09-07T00:21:00Z"}}) is None
