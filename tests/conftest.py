"""What every test may ask for: real brokers, and a topic root of its own."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import pytest

from pyros_mqtt.broker import Kind, find_or_start
from pyros_mqtt.settings import BrokerUrl, Settings
from tests.need import need


@pytest.fixture(autouse=True)
def _only_the_tests_own_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Keep the settings of whoever runs the tests out of them, and their state folder clean."""
    for name in [one for one in os.environ if one.upper().startswith("PYROS_")]:
        if name != "PYROS_SHARED":
            monkeypatch.delenv(name)
    monkeypatch.setenv("PYROS_STATE_DIR", str(tmp_path_factory.mktemp("state")))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))


@pytest.fixture(scope="session")
def mosquitto_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerUrl]:
    """A mosquitto for the whole run; tests share it, so each uses its own `topic_root`."""
    yield from _session_broker("mosquitto", tmp_path_factory)


@pytest.fixture(scope="session")
def embedded_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerUrl]:
    """An embedded broker (MQTT 3.1.1 only) for the whole run."""
    yield from _session_broker("embedded", tmp_path_factory)


@pytest.fixture(params=["mosquitto", "embedded"])
def broker_url(request: pytest.FixtureRequest) -> BrokerUrl:
    """Each kind of broker that is started for those who have none, one after the other."""
    url: BrokerUrl = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def topic_root() -> str:
    """A topic root that no other test uses."""
    return f"t-{secrets.token_hex(4)}"


def _session_broker(kind: Kind, folders: pytest.TempPathFactory) -> Iterator[BrokerUrl]:
    need(kind)
    settings = Settings(state_dir=folders.mktemp(kind), brokers=())
    with find_or_start(settings, kind=kind, port=0) as broker:
        yield broker.url
