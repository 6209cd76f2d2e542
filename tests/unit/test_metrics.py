"""How numbers are served, and what an agent's process counts of itself."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from pyros_mqtt import Agent, Failed, on
from pyros_mqtt.errors import SettingsError
from pyros_mqtt.loopback import LoopbackTransport
from pyros_mqtt.metrics import Admission, Recent, Registry, Server, label, own
from pyros_mqtt.settings import Settings
from pyros_mqtt.testing import Rehearsal
from tests.unit.scrape import Look

LOOPBACK = "127.0.0.1"


class Worker(Agent):
    @on("measure")
    def measure(self) -> int:
        return 1

    @on("fail")
    def fail(self) -> None:
        raise RuntimeError("no light")


def free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as door:
        return int(door.getsockname()[1])


@pytest.fixture
def stage() -> Iterator[Rehearsal]:
    settings = Settings(beat=0.2, brokers=(), metrics_port=free_port())
    with Rehearsal(settings=settings) as stage:
        yield stage


def start(stage: Rehearsal, name: str) -> Worker:
    return stage.start(Worker(name, bus=stage.bus, settings=stage.settings))


def test_an_agent_serves_what_it_has_done(stage: Rehearsal) -> None:
    start(stage, "worker")
    for _ in range(3):
        stage.ask("worker", "measure")
    with pytest.raises(Failed):
        stage.ask("worker", "fail")
    stage.wait_until(
        lambda: Look(own.place.url).value("pyros_own_commands_total", outcome="failed") == 1
    )
    look = Look(own.place.url)
    assert look.value("pyros_own_commands_total", agent="worker", outcome="accepted") == 4
    assert look.value("pyros_own_commands_total", agent="worker", outcome="done") == 3
    assert look.value("pyros_own_action_seconds_count", message="measure") == 3
    assert (look.value("pyros_own_journal_commit_seconds_count", agent="worker") or 0) >= 4
    assert look.value("pyros_own_connections_total", agent="worker") == 1
    assert (look.value("process_resident_memory_bytes") or 0) > 1e6
    assert not [name for name in look.names if name.endswith("_created")]


def test_a_new_connection_is_counted(stage: Rehearsal) -> None:
    worker = start(stage, "worker")
    transport = worker._alive.transport
    assert isinstance(transport, LoopbackTransport)
    stage.bus.cut(transport.client_id)  # type: ignore[attr-defined]
    stage.bus.mend(transport)  # type: ignore[attr-defined]
    stage.wait_until(lambda: Look(own.place.url).value("pyros_own_connections_total") == 2)


def test_agents_of_one_process_share_a_server_until_the_last_has_ended(stage: Rehearsal) -> None:
    first, second = start(stage, "first"), start(stage, "second")
    stage.ask("first", "measure")
    stage.ask("second", "measure")
    url = own.place.url
    first.stop()
    first.join(10)
    done = [one["agent"] for one in Look(url).labels("pyros_own_action_seconds_count")]
    assert done == ["first", "second"]
    second.stop()
    second.join(10)
    assert own.place.url == ""
    with pytest.raises(OSError, match="refused"):
        Look(url)


def test_the_next_process_takes_the_next_port(stage: Rehearsal) -> None:
    port = stage.settings.metrics_port
    with socket.create_server((LOOPBACK, port)):
        start(stage, "worker")
        assert own.place.url
        assert f":{port}/" not in own.place.url


def test_metrics_that_cannot_be_served_do_not_keep_an_agent_from_its_work(
    caplog: pytest.LogCaptureFixture,
) -> None:
    nowhere = Settings(brokers=(), metrics_port=1, metrics_address="192.0.2.1")
    with Rehearsal(settings=nowhere) as stage, caplog.at_level(logging.ERROR):
        start(stage, "worker")
        assert stage.ask("worker", "measure") == 1
    assert "metrics cannot be served at 192.0.2.1, port 1 to 20" in caplog.text


def test_a_disk_that_was_full_does_not_make_ends_count_twice(stage: Rehearsal) -> None:
    worker = start(stage, "worker")
    stage.ask("worker", "measure")
    stage.wait_until(lambda: stage.reports and stage.reports[-1].state.is_terminal)
    report = stage.reports[-1]
    journal = worker._alive._journal
    entry = journal.find("rehearsal", report.id)
    assert entry is not None
    journal.write(entry.command, report)
    assert Look(own.place.url).value("pyros_own_commands_total", outcome="done") == 1


def test_nothing_is_imported_where_metrics_are_off() -> None:
    code = (
        "import sys; from pyros_mqtt import Agent; from pyros_mqtt.loopback import Loopback\n"
        "from pyros_mqtt.settings import Settings\n"
        "one = Agent('quiet', bus=Loopback(), settings=Settings(journal='memory', brokers=()))\n"
        "one.start(); one.wait_ready(); one.stop(); one.join()\n"
        "print([name for name in sys.modules if 'prometheus' in name or 'metrics' in name])"
    )
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=40
    )
    assert done.stdout.strip() == "['pyros_mqtt.settings.metrics_values']"


def test_a_port_that_is_taken_is_told() -> None:
    with Server(Registry(), LOOPBACK, 0) as first:
        with pytest.raises(SettingsError, match=f"port {first.port}: .*choose another"):
            Server(Registry(), LOOPBACK, first.port)
        assert Look(first.url).value("process_start_time_seconds")


def test_a_server_listens_at_the_loopback_of_ipv6() -> None:
    try:
        with Server(Registry(), "::1", 0) as server:
            assert server.url.startswith("http://[::1]:")
            assert Look(server.url).families
    except SettingsError as error:  # pragma: no cover - a machine without IPv6
        pytest.skip(str(error))


def test_callers_who_send_junk_or_hang_up_do_not_stop_it() -> None:
    with Server(Registry(), LOOPBACK, 0) as server:
        for junk in (b"", b"\0" * 1000, b"GET /metrics HTTP/1.1\r\n", b"PUT / HTTP/9.9\r\n\r\n"):
            with socket.create_connection((LOOPBACK, server.port)) as caller:
                caller.sendall(junk)
        assert Look(server.url).value("process_start_time_seconds")


def test_a_label_holds_only_what_can_be_printed_and_is_short() -> None:
    assert label("wind\ud800\n\0é") == "wind???é"
    assert label("x" * 1000) == "x" * 100


def test_only_so_many_names_are_let_in() -> None:
    door: Admission[str] = Admission(2)
    assert [door.admits(name) for name in "abcab"] == [True, True, False, True, True]
    assert door.left_out == 1
    door.dismiss("a")
    assert door.admits("c")


def test_the_oldest_is_forgotten() -> None:
    recent: Recent[str, int] = Recent(2)
    assert [recent.note(key, 1) for key in "abac"] == [True, True, False, True]
    assert len(recent) == 2
    assert "a" not in recent
    assert recent.take("b") == 1
    assert recent.take("b") is None


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("metrics_address", "everywhere", "must be an address of this machine"),
        ("metrics_port", 70000, "65535"),
        ("metrics_channels", "weather", "must be AGENT/CHANNEL"),
    ],
)
def test_wrong_settings_are_told(key: str, value: object, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Settings(**{key: value})


def test_channels_can_be_given_with_commas() -> None:
    assert Settings(metrics_channels="weather/*, dome/azimuth").metrics_channels == (
        "weather/*",
        "dome/azimuth",
    )
