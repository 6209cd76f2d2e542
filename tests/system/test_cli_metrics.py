"""`pyros metrics` as a process, on a real broker."""

from __future__ import annotations

import re
import signal
import socket

from tests.system.pyros_command import Pyros, until
from tests.unit.scrape import Look


def test_the_bridge_serves_a_living_agent(pyros: Pyros, barebones: str) -> None:
    with pyros.running("metrics", "--port", "0", "--channel", f"{barebones}/*") as bridge:
        line = bridge.until("Serving")
        (url,) = re.findall(r"http://127\.0\.0\.1:\d+/metrics", line)
        until(lambda: Look(url).value("pyros_agent_state", agent=barebones, state="ready") == 1)
        until(lambda: Look(url).value("pyros_bridge_up") == 1)
        pyros("send", barebones, "hello", "--wait")
        until(lambda: Look(url).value("pyros_commands_accepted_total", agent=barebones) == 1)
        assert bridge.end(signal.SIGINT) == 0


def test_a_bridge_waits_for_a_broker_that_is_away(pyros: Pyros) -> None:
    with pyros.running("metrics", "--port", "0", PYROS_BROKERS="mqtt://127.0.0.1:1") as bridge:
        (url,) = re.findall(r"http://\S+", bridge.until("Serving"))
        assert Look(url).value("pyros_bridge_up") == 0


def test_a_port_that_is_taken_ends_with_2(pyros: Pyros) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        done = pyros("metrics", "--port", str(port))
    assert done.code == 2
    assert f"metrics cannot be served at 127.0.0.1, port {port}" in done.err
    assert done.is_plain()


def test_a_wrong_pattern_ends_with_2(pyros: Pyros) -> None:
    done = pyros("metrics", "--channel", "weather")
    assert done.code == 2
    assert "must be AGENT/CHANNEL, such as 'weather/*'" in done.err
