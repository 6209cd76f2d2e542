"""A broker for those who have none, started for real."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pyros_mqtt.broker import Kind, NoBroker, RunningBroker, configuration, find_or_start
from pyros_mqtt.settings import BrokerUrl, Settings
from tests.need import need
from tests.system.greeting import is_welcome

KINDS: tuple[Kind, ...] = ("mosquitto", "embedded")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path, brokers=())


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    need(request.param)
    chosen: Kind = request.param
    return chosen


def until(is_true: Callable[[], bool], timeout: float = 40.0) -> None:
    deadline, pause = time.monotonic() + timeout, threading.Event()
    while not is_true():
        assert time.monotonic() < deadline, "it did not happen in time"
        pause.wait(0.02)


def is_listening(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def has_ended(broker: RunningBroker) -> bool:
    return not broker.is_running


def test_a_configured_broker_is_taken_and_not_ended() -> None:
    with find_or_start(Settings(brokers="mqtt://one,mqtts://two")) as broker:
        assert broker.kind == "configured"
        assert [str(url) for url in broker.urls] == ["mqtt://one:1883", "mqtts://two:8883"]
    assert broker.is_running


def test_each_kind_starts_on_the_loopback_and_ends_with_its_block(
    settings: Settings, kind: Kind
) -> None:
    with find_or_start(settings, kind=kind, port=0) as broker:
        assert broker.url.host == "127.0.0.1"
        assert broker.kind.startswith("mosquitto " if kind == "mosquitto" else "embedded rumqttd")
        assert is_welcome(broker.url.port)
        assert broker.is_running
    assert has_ended(broker)
    assert not is_listening(broker.url.port)


def test_stopping_twice_is_no_error(settings: Settings, kind: Kind) -> None:
    broker = find_or_start(settings, kind=kind, port=0)
    broker.stop()
    broker.stop()
    assert isinstance(broker.wait(), int)


def test_it_listens_on_the_loopback_alone(settings: Settings, kind: Kind) -> None:
    with find_or_start(settings, kind=kind, port=0) as broker:
        for table in ("tcp", "tcp6"):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                local, state = line.split()[1], line.split()[3]
                if state == "0A" and local.endswith(f":{broker.url.port:04X}"):
                    assert local.startswith("0100007F:")


def test_a_taken_port_is_told_with_who_has_it(settings: Settings, kind: Kind) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(NoBroker) as caught:
            find_or_start(settings, kind=kind, port=port)
    assert f"port {port} of 127.0.0.1 is taken by" in str(caught.value)
    assert f"(pid {os.getpid()})" in str(caught.value)


def test_without_a_port_asked_for_a_taken_1883_is_no_error(settings: Settings) -> None:
    need("mosquitto")
    with find_or_start(settings) as first, find_or_start(settings) as second:
        assert first.url.port != second.url.port


def test_the_death_of_the_broker_is_noticed(settings: Settings, kind: Kind) -> None:
    with find_or_start(settings, kind=kind, port=0) as broker:
        assert broker.process is not None
        os.kill(only_child(broker.process._shell.pid), signal.SIGKILL)
        assert broker.wait(timeout=10) != 0
        assert not broker.is_running


def only_child(pid: int) -> int:
    """The guarded process; the guard's other child only waits for the end."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    names = {Path(f"/proc/{one}/comm").read_text().strip(): int(one) for one in children}
    return next(child for name, child in names.items() if name != "sh")


def test_no_broker_outlives_the_kill_of_its_starter(tmp_path: Path, kind: Kind) -> None:
    program = (
        "import signal, sys; from pyros_mqtt.broker import find_or_start\n"
        "from pyros_mqtt.settings import BrokerUrl, Settings\n"
        "settings = Settings(state_dir=sys.argv[1], brokers=())\n"
        "broker = find_or_start(settings, kind=sys.argv[2], port=0)\n"
        "print(broker.url.port, flush=True); signal.pause()"
    )
    with subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-c", program, str(tmp_path), kind], stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        port = int(starter.stdout.readline())
        assert is_listening(port)
        starter.kill()
    until(lambda: not is_listening(port))


def test_what_the_broker_prints_goes_to_the_state_folder(settings: Settings) -> None:
    need("mosquitto")
    with find_or_start(settings, kind="mosquitto", port=0) as broker:
        assert is_welcome(broker.url.port)
        assert broker.log == settings.state_dir / f"broker-{broker.url.port}.log"
    assert "New client connected" in broker.log.read_text()


def test_the_embedded_broker_is_quiet(settings: Settings) -> None:
    need("embedded")
    with find_or_start(settings, kind="embedded", port=0) as broker:
        assert is_welcome(broker.url.port)
        assert broker.log is not None
    assert broker.log.read_text() == ""


def test_a_state_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    need("mosquitto")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NoBroker, match="set PYROS_STATE_DIR"):
        find_or_start(Settings(state_dir=tmp_path / "file", brokers=()), kind="mosquitto", port=0)


def test_without_any_broker_it_says_what_to_install(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(NoBroker) as caught:
        find_or_start(settings)
    for hint in ("apt-get install mosquitto", "pyros-mqtt[embedded]", "PYROS_BROKERS"):
        assert hint in str(caught.value)


def test_without_mosquitto_the_embedded_broker_takes_its_place(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("embedded")
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with find_or_start(settings, port=0) as broker:
        assert broker.kind == "embedded rumqttd"


def test_a_broken_program_is_told_with_its_last_words(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "mosquitto"
    program.write_text("#!/bin/sh\necho 'Error: nothing works' >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(NoBroker, match="exit code 3: Error: nothing works"):
        find_or_start(settings, kind="mosquitto", port=0)


def test_the_configuration_changes_only_its_listener() -> None:
    usual, other = configuration(1883), configuration(1999, "0.0.0.0")  # noqa: S104 - not opened
    assert "\nlistener 1883 127.0.0.1\n" in usual
    assert other == usual.replace("listener 1883 127.0.0.1", "listener 1999 0.0.0.0")


# -- what the protocol needs of a broker, with clients that are not ours ----------------------


def publish(url: BrokerUrl, *words: str, data: bytes | None = None) -> None:
    need("mosquitto_pub")
    program = shutil.which("mosquitto_pub") or ""
    command = [program, "-h", url.host, "-p", str(url.port), "-V", "mqttv311", *words]
    subprocess.run(command, input=data, check=True, timeout=20)  # noqa: S603 - mosquitto's own


def receive(url: BrokerUrl, topic: str) -> bytes:
    need("mosquitto_sub")
    program = shutil.which("mosquitto_sub") or ""
    command = [program, "-h", url.host, "-p", str(url.port), "-V", "mqttv311", "-q", "1"]
    command += ["-t", topic, "-C", "1", "-W", "10", "-N"]
    return subprocess.run(command, capture_output=True, check=True, timeout=20).stdout  # noqa: S603


def test_the_last_message_is_retained(broker_url: BrokerUrl, topic_root: str) -> None:
    publish(broker_url, "-t", f"{topic_root}/dome/status", "-r", "-q", "1", "-m", "ready")
    assert receive(broker_url, f"{topic_root}/+/status") == b"ready"


def test_a_payload_of_one_mebibyte_passes(broker_url: BrokerUrl, topic_root: str) -> None:
    data = os.urandom(1024 * 1024)
    publish(broker_url, "-t", f"{topic_root}/big", "-r", "-q", "1", "-s", data=data)
    assert receive(broker_url, f"{topic_root}/big") == data


@pytest.mark.container
@pytest.mark.timeout(600)  # another engine has to end first
def test_a_broker_in_a_container_serves_the_same(container_url: BrokerUrl, topic_root: str) -> None:
    publish(container_url, "-t", f"{topic_root}/dome/status", "-r", "-q", "1", "-m", "ready")
    assert receive(container_url, f"{topic_root}/+/status") == b"ready"
