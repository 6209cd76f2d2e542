"""The page's own files: whole, preloaded, and asking nobody else for anything."""

from __future__ import annotations

import hashlib
import re

from pyros_mqtt.dashboard.assets import PAGE, Assets

VENDOR = PAGE / "vendor"


def test_the_libraries_that_come_along_are_those_that_we_know() -> None:
    lines = [line.split() for line in (VENDOR / "SHA256SUMS").read_text().splitlines()]
    known = {name: digest for digest, name in lines}
    here = {
        str(file.relative_to(VENDOR)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in VENDOR.rglob("*")
        if file.is_file() and file.name != "SHA256SUMS"
    }
    assert here == known
    assert {name for name in here if name.endswith("LICENSE")} == {
        "lit-html/LICENSE", "uplot/LICENSE",
    }  # fmt: skip


def test_every_module_is_fetched_at_once() -> None:
    page = (PAGE / "index.html").read_text()
    linked = set(re.findall(r'(?:href|src)="page/([^"]+\.js)"', page))
    assert linked == {str(file.relative_to(PAGE)) for file in PAGE.rglob("*.js")}


def test_our_files_name_no_other_host_and_hold_no_inline_script_or_style() -> None:
    for file in PAGE.rglob("*"):
        if file.suffix not in {".js", ".css", ".html"} or VENDOR in file.parents:
            continue
        text = file.read_text()
        assert not re.search(r"(?:https?:)?//(?!www\.w3\.org)[\w-]+\.\w", text), file
        assert "innerHTML" not in text
        assert "eval(" not in text
        assert not re.search(r"<script(?! type=\"module\" src=)|<style|style=", text), file


def test_what_is_not_there_is_not_served() -> None:
    files = Assets()._files
    assert "index.html" in files
    assert not [name for name in files if name.startswith(("/", ".."))]
