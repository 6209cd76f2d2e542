"""Secrets are in no log, no process list and no traceback, whatever goes wrong."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from pyros_mqtt.settings import BrokerUrl
from pyros_mqtt.settings.notifier_tables import Webhook
from pyros_mqtt.watchman.notifiers import ByWebhook
from tests.system.own_mosquitto import OwnMosquitto
from tests.system.pyros_command import Pyros
from tests.system.test_notifiers import NOTICE

SECRETS = ("swordfish", "sesame", "hookpath", "gcn-word", "filed-away")

CONFIGURATION = """
brokers = ["mqtt://ops:swordfish@127.0.0.1:{port}"]
log_level = "debug"
dashboard_token = "sesame-sesame-sesame"
password_file = "password"

[agents.barebones]
class = "pyros_agents.barebones:Barebones"

[alarms.webhook.pager]
url = "https://127.0.0.1:1/hookpath"

[observatory.gcn]
client_secret = "gcn-word"
"""


@pytest.fixture
def pyros(tmp_path: Path) -> Pyros:
    """Somebody who has to keep five secrets."""
    (tmp_path / "password").write_text("filed-away\n")
    return Pyros(tmp_path, PYROS_STATE_DIR=str(tmp_path / "state"), PYROS_DEBUG="1")


def leaks(text: str) -> list[str]:
    return [one for one in SECRETS if one in text]


def test_agents_that_are_not_let_in_keep_their_passwords(pyros: Pyros, tmp_path: Path) -> None:
    empty = tmp_path / "passwords"
    empty.touch()
    folder = tmp_path / "broker"
    folder.mkdir()
    with OwnMosquitto(folder, allow_anonymous="false", password_file=str(empty)) as broker:
        text = CONFIGURATION.format(port=broker.port)
        (pyros.folder / "pyros.toml").write_text(text)
        with pyros.running("up") as host:
            said = host.until("barebones works without one", 40)
            lines = [_command_line(pid) for pid in _family(host.process.pid)]
            host.end(timeout=40)
            said += "\n".join(host.said)
        assert lines
        assert leaks("\n".join(lines)) == []
        assert leaks(said) == []
        assert leaks(broker.log.read_text()) == []
    for file in (pyros.folder / "state").rglob("*"):
        if file.is_file():
            assert leaks(file.read_bytes().decode("latin-1")) == [], file


def _family(pid: int) -> list[int]:
    """A process and all its children."""
    found = [pid]
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in tasks.read_text().split():
            found += _family(int(child))
    return found


def _command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")


def test_a_traceback_shows_no_secret(pyros: Pyros) -> None:
    (pyros.folder / "pyros.toml").write_text(CONFIGURATION.format(port=1))
    for words in ("status", "config show"):
        done = pyros(*words.split())
        assert leaks(done.out + done.err) == [], words
        assert words != "status" or "Traceback" in done.err


def test_a_wrong_setting_is_told_without_its_neighbours(pyros: Pyros) -> None:
    text = CONFIGURATION.format(port=99999) + "\n[alarms.webhook.b]\nurl = 'https:/hookpath'\n"
    (pyros.folder / "pyros.toml").write_text("beat = -1\n" + text)
    done = pyros("config", "check")
    assert done.code == 1
    assert leaks(done.out + done.err) == []


def test_a_webhook_that_fails_is_told_without_its_address() -> None:
    hook = ByWebhook(Webhook(url="http://127.0.0.1:1/hookpath"))
    with pytest.raises(OSError, match="refused") as told:
        hook.send(NOTICE)
    assert leaks("".join(traceback.format_exception(told.value))) == []


def test_an_address_keeps_its_password_in_every_form() -> None:
    url = BrokerUrl.parse("mqtts://ops:swordfish@control")
    assert leaks(f"{url} {url!r} {[url]}") == []
