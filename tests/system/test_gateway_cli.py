"""The gateway from the command line: `pyros gateway`, `pyros up`, `pyros config`."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyros_mqtt.broker.ports import answers, any_free_port
from pyros_mqtt.settings import BrokerUrl
from tests.system.old_pyros import OldSender

OLD = """\
; ours
[scheduler]
ip = 127.0.0.1
receive_port = {port}
answer = ended
"""


def pyros(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "pyros_mqtt", *words],
        cwd=folder, env=os.environ | variables, text=True, capture_output=True, timeout=30,
        check=False,
    )  # fmt: skip


@contextmanager
def running(folder: Path, *words: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "pyros_mqtt", *words],
        cwd=folder, env=os.environ | variables, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def until_open(port: int) -> None:
    pause = threading.Event()
    for _ in range(400):
        if answers(port):
            return
        pause.wait(0.05)
    raise TimeoutError(f"nobody listens at {port}")


@pytest.mark.parametrize("words", [("gateway",), ("up", "--gateway"), ("up",)])
def test_the_gateway_runs_alone_and_beside_the_agents(
    mosquitto_url: BrokerUrl, topic_root: str, tmp_path: Path, words: tuple[str, ...]
) -> None:
    port = any_free_port()
    (tmp_path / "pyros_agent_config.ini").write_text(OLD.format(port=port))
    if words == ("up",):
        (tmp_path / "pyros.toml").write_text("[gateway]\nenabled = true\n")
    variables = {"PYROS_BROKERS": str(mosquitto_url), "PYROS_ROOT": topic_root}
    with running(tmp_path, *words, **variables):
        until_open(port)
        listed = pyros(tmp_path, "send", "gateway", "ports", "--wait", **variables)
        assert f"127.0.0.1:{port}" in listed.stdout, listed.stderr
        told = OldSender("127.0.0.1", port).ask('{"message": "x", "ttl": 0.5}')
        assert told.startswith("undelivered: "), told


def test_without_an_old_socket_the_gateway_says_what_to_write(tmp_path: Path) -> None:
    ended = pyros(tmp_path, "gateway", PYROS_BROKERS="mqtt://127.0.0.1:1")
    assert ended.returncode == 2
    assert "give one a receive_port" in ended.stderr


def test_migrate_never_overwrites_without_force(tmp_path: Path) -> None:
    (tmp_path / "pyros_agent_config.ini").write_text(OLD.format(port=10001))
    new = tmp_path / "pyros.toml"
    new.write_text("# mine\n")
    refused = pyros(tmp_path, "config", "migrate")
    assert refused.returncode == 1
    assert "--force overwrites it" in refused.stderr
    assert new.read_text() == "# mine\n"
    assert pyros(tmp_path, "config", "migrate", "--force").returncode == 0
    assert "receive_port = 10001" in new.read_text()
    assert {one.name for one in tmp_path.iterdir()} == {"pyros.toml", "pyros_agent_config.ini"}


def test_migrate_can_print_and_write_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "old.ini").write_text(OLD.format(port=10001))
    printed = pyros(tmp_path, "config", "migrate", "old.ini", "-o", "-").stdout
    assert printed.startswith("# ours\n")
    assert pyros(tmp_path, "config", "migrate", "old.ini", "-o", "new.toml").returncode == 0
    assert (tmp_path / "new.toml").read_text() == printed


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[a]\nreceive_port = 5\nreciever = x", "line 3: [a] reciever = 'x': unknown key; "),
        ("[a]\nip = 127.0.0.1", "[a]: receive_port is missing"),
        ("[a]\nreceive_port = 5\n[b]\nreceive_port = 5", "[a] has the same at 127.0.0.1"),
        ("[a]\nreceive_port = 5\nip = 1.2.3", "line 3: gateway.agents.a.ip = '1.2.3': must be"),
        ("[a]\nreceive_port = 99999", "line 2: [a] receive_port = '99999': must be a whole"),
        ("[a]\nreceive_port = 5\nbuffer_size = 0", "line 3: [a] buffer_size = '0': must be"),
        ("[broker]\nhost = b", "no agent has a section"),
    ],
)
def test_check_is_strict_with_the_old_file(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "pyros_agent_config.ini").write_text(text)
    checked = pyros(tmp_path, "config", "check")
    assert checked.returncode == 1
    assert told in checked.stderr
