"""Which version of MQTT a broker is spoken to in."""

from __future__ import annotations

from typing import Any

import pytest

from pyros_mqtt.link import dialling
from pyros_mqtt.link.dialling import Dialler
from pyros_mqtt.link.paho_client import V5
from pyros_mqtt.link.wakeup import Wakeup
from pyros_mqtt.settings import BrokerUrl

URL = BrokerUrl("mqtt", "broker", 1883)


class Broker:
    """Says at each attempt what its script says, by version; else it welcomes."""

    def __init__(self, **script: list[str]) -> None:
        self.script = script
        self.spoken: list[str] = []

    def answer(self, version: str) -> str:
        self.spoken.append(version)
        lines = self.script.get(version, [])
        return lines.pop(0) if lines else "welcome"


class Line:
    """A connection to such a broker."""

    def __init__(self, broker: Broker, version: Any) -> None:
        self.is_v5 = version is V5
        self.is_connected, self.was_closed = False, False
        self.lost: str | None = None
        self.refusal: str | None = None
        self._broker = broker

    def connect(self) -> None:
        answer = self._broker.answer("v5" if self.is_v5 else "v311")
        self.is_connected = answer == "welcome"
        self.lost = "closed" if answer == "hangs up" else None
        self.refusal = answer if not self.is_connected and not self.lost else None

    def drop(self) -> None:
        """It is only a script."""


def spoken(monkeypatch: pytest.MonkeyPatch, broker: Broker, times: int) -> list[str]:
    """Dial several times; the versions that were tried."""
    monkeypatch.setattr(
        dialling, "Connection", lambda _url, _access, version, _events: Line(broker, version)
    )
    events: Any = None
    access: Any = None
    wakeup = Wakeup()
    dialler = Dialler((URL,), events, wakeup, lambda: False)
    for _ in range(times):
        assert dialler.dial(access) is not None
    wakeup.close()
    return broker.spoken


def test_one_handshake_that_was_cut_makes_no_old_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(v5=["hangs up"])
    assert spoken(monkeypatch, broker, 3) == ["v5", "v311", "v5", "v5"]


def test_a_broker_that_always_hangs_up_on_mqtt_5_is_an_old_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broker = Broker(v5=["hangs up"] * 9)
    assert spoken(monkeypatch, broker, 4) == ["v5", "v311", "v5", "v311", "v311", "v311"]


def test_a_broker_that_says_so_is_an_old_one_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(v5=["unsupported protocol version"] * 9)
    assert spoken(monkeypatch, broker, 3) == ["v5", "v311", "v311", "v311"]
