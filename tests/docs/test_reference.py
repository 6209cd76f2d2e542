"""The reference says what the code says."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import BaseModel

import pyros_mqtt
from pyros_mqtt import errors, wire
from pyros_mqtt.messages import FOR_NOW, AlarmState, Outcome, Severity, State
from pyros_mqtt.settings import TABLES, AlarmRule, AlarmsTable, Settings
from pyros_mqtt.settings.notifier_tables import Command, Email, OtherNotifier, Webhook
from tests.docs.pages import DOCS, ROOT, Block, blocks_of

REFERENCE = DOCS / "reference"

PAYLOADS = [block for block in blocks_of(REFERENCE / "protocol.md") if block.language == "json"]

READERS: dict[str, Any] = {
    "command": lambda payload: wire.decode_command(payload, "telescope", arrived=0.0),
    "report": wire.decode_report,
    "status": lambda payload: wire.decode_status(payload, "dome"),
    "about": lambda payload: wire.decode_about(payload, "dome"),
    "alarm": lambda payload: wire.decode_alarm(payload, "alarms", "wind"),
    "log": lambda payload: wire.decode_log(payload, "error", 0.0),
    "sample": lambda payload: wire.decode_samples(payload, 0.0),
}

_CODE = re.compile(
    r'(?:Refusal|Problem|_failed|_TooLate|__init__)\(\s*(?:\w+,\s*)?"([a-z]+(?:-[a-z]+)*)"'
)


@pytest.mark.parametrize("block", PAYLOADS, ids=lambda block: block.place)
def test_each_payload_of_the_protocol_can_be_read(block: Block) -> None:
    (kind,) = block.words
    assert READERS[kind](block.text.strip().encode())


def test_the_protocol_names_every_state() -> None:
    text = (REFERENCE / "protocol.md").read_text("utf-8")
    assert not [one.value for one in [*Outcome, *State] if f"`{one.value}`" not in text]


def test_every_key_of_an_alarms_table_has_its_row() -> None:
    text = _text("settings.md")
    tables: tuple[type[BaseModel], ...] = (AlarmsTable, AlarmRule, Email, Webhook, Command)
    tables = (*tables, OtherNotifier)
    keys = {one.alias or key for kind in tables for key, one in kind.model_fields.items()}
    keys -= {"rules", "groups", "email", "webhook", "command", "notifier"}
    assert not [key for key in sorted(keys) if not re.search(rf"[`.]{key}`", text)]


def test_the_protocol_names_every_state_of_an_alarm() -> None:
    text = _text("protocol.md")
    assert not [one.value for one in [*AlarmState, *Severity] if f"`{one.value}`" not in text]


def test_every_setting_has_its_row() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*)$", _text("settings.md"), re.MULTILINE))
    wanted = set(Settings.model_fields) - TABLES
    assert set(rows) == wanted
    for name, row in rows.items():
        default = Settings.model_fields[name].default
        assert row.startswith(f"`PYROS_{name.upper()}`")
        if isinstance(default, int | float | str):
            assert f"{default}" in row, name


def test_every_error_is_explained() -> None:
    known = {
        name
        for name, one in vars(errors).items()
        if isinstance(one, type) and issubclass(one, BaseException)
    }
    known |= {name for name in pyros_mqtt.__all__ if name in vars(errors)}
    text = _text("errors.md")
    assert not [name for name in sorted(known) if f"`{name}`" not in text]


def test_every_code_is_explained() -> None:
    rows = set(re.findall(r"^\| `([a-z-]+)` \| [a-z]", _text("errors.md"), re.MULTILINE))
    used = set(FOR_NOW)
    for file in (ROOT / "pyros_mqtt").rglob("*.py"):
        used |= set(_CODE.findall(file.read_text("utf-8")))
    assert len(used) > 10
    assert not used - rows


def _text(page: str) -> str:
    return (REFERENCE / page).read_text("utf-8")
