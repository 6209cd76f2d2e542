"""Notices that are meant to hurt, or that are too large, too deep or half there."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pyros_agents.notices import Kind, UnreadableNotice, read_notice
from tests.agents.notice_texts import gcn, swift, voevent

_BOMB = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 12))


def _with_prolog(prolog: str) -> str:
    return swift().replace("?>\n", f"?>\n{prolog}\n", 1)


def _refuse(content: str | bytes) -> str:
    with pytest.raises(UnreadableNotice) as caught:
        read_notice(content)
    return caught.value.reason


def test_a_billion_laughs_are_not_laughed() -> None:
    prolog = f'<!DOCTYPE VOEvent [<!ENTITY l0 "ha">{_BOMB}]>'
    text = _with_prolog(prolog).replace("<Date>", "<Date>&l11;")
    assert "document type" in _refuse(text)


def test_files_and_networks_are_not_touched(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("SECRET")
    for source in (secret.as_uri(), "http://localhost:9/x"):
        prolog = f'<!DOCTYPE VOEvent [<!ENTITY x SYSTEM "{source}">]>'
        assert "SECRET" not in _refuse(_with_prolog(prolog).replace("<Date>", "<Date>&x;"))
        prolog = f'<!DOCTYPE VOEvent SYSTEM "{source}">'
        assert "document type" in _refuse(_with_prolog(prolog))


def test_a_bomb_in_utf_16_is_found_as_well() -> None:
    text = _with_prolog('<!DOCTYPE VOEvent [<!ENTITY a "b">]>')
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        assert "document type" in _refuse(text.encode(encoding))


def test_an_undefined_entity_is_not_well_formed() -> None:
    assert "well-formed" in _refuse(swift().replace("<Date>", "<Date>&nobody;"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", [swift(), gcn()])
def test_every_unicode_encoding_is_read(text: str, encoding: str) -> None:
    assert read_notice(text.encode(encoding)).position is not None


def test_a_declared_encoding_is_believed_if_it_is_usual() -> None:
    text = swift(name="Caf\u00e9").replace("UTF-8", "ISO-8859-1")
    assert read_notice(text.encode("latin-1")).name == "Caf\u00e9"
    assert "utf-7" in _refuse(swift().replace("UTF-8", "utf-7").encode())
    assert "not utf-8" in _refuse(swift(name="Caf\u00e9").encode("latin-1"))


def test_half_a_character_is_refused_and_a_whole_one_is_read() -> None:
    assert "lone surrogate" in _refuse(gcn(id="\ud800x"))
    assert "lone surrogate" in _refuse(gcn(comment=["\udfff"]))
    assert "lone surrogate" in _refuse('{"id": "\ud800"}')
    assert read_notice(gcn(id="\U0001f30c")).event.endswith("\U0001f30c")


@pytest.mark.parametrize(
    "content", ["", "   ", b"", b"\0" * 1000, b"\xff\xfe", "junk", b"\x89PNG\r\n"]
)
def test_what_is_nothing_is_refused(content: str | bytes) -> None:
    assert _refuse(content)


def test_megabytes_of_junk_are_refused() -> None:
    junk = b"0123456789abcdef" * (5 * 2**20 // 16)
    assert "neither" in _refuse(junk)
    _refuse(b"<" * len(junk))
    _refuse(b"{" * len(junk))
    _refuse(b"<a>" * 100_000)
    assert "limit" in _refuse(b" " * (17 * 2**20))


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_deep_json_is_refused(depth: int) -> None:
    nested = "[" * depth + "]" * depth
    text = gcn().replace("[0.05]", nested).replace('"01700000001"', nested)
    with contextlib.suppress(UnreadableNotice):
        assert read_notice(text).ivorn


def test_every_truncation_of_a_packet_is_unreadable() -> None:
    for text in (swift(), gcn()):
        for end in range(0, len(text) - 1, 7):
            _refuse(text[:end])


def test_a_sky_map_of_megabytes_is_read() -> None:
    image = "QUJD" * 600_000
    packets = (
        voevent(params={"Packet_Type": 151, "GraceID": "S1", "skymap": image}, where=None),
        gcn(id=None, superevent_id="S1", event={"skymap": image}, ra=None, dec=None),
    )
    for text in packets:
        assert read_notice(text).kind is Kind.SKYMAP


def test_reading_loads_no_astropy() -> None:
    code = (
        "import sys, pyros_agents.notices; print('astropy' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.split() == ["False", "False"]
