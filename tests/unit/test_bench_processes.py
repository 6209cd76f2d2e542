"""The processes of a measurement: a pair that works, one that fails, a writer held back."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from bench.flow import Flow
from bench.job import Job
from bench.processes import PeerFailed, Process, environment
from bench.stage import Stage
from bench.systems import PEERS, SYSTEMS, System

SOCKETS = System("sockets", "sockets", "", frozenset({"ask"}))
PYTHON = Path(sys.executable)


def test_a_pair_of_processes_is_measured_and_counted(tmp_path: Path) -> None:
    stage = Stage(tmp_path, {"sockets": PYTHON}, {})
    served, asked = stage.pair(SOCKETS, ("serve", "ask"), Job(count=5, warmup=2))
    assert served["received"] == 7
    assert len(asked["laps"]) == 5
    assert min(asked["laps"]) > 0


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    with (
        Process(PYTHON, "sockets", "juggle", Job(), tmp_path) as process,
        pytest.raises(PeerFailed, match=r"sockets \(juggle\) ended: .*'juggle'"),
    ):
        process.result()


def test_neither_settings_nor_pythons_switches_reach_who_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYROS_BROKERS", "mqtt://elsewhere")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert not {"PYROS_BROKERS", "PYTHONDONTWRITEBYTECODE"} & environment().keys()


def test_a_writer_waits_until_the_reader_is_near() -> None:
    with Flow.to_writer() as reader, Flow.to_reader(reader.port) as writer:
        waited = threading.Event()

        def wait() -> None:
            writer.wait_for(10)
            waited.set()

        thread = threading.Thread(target=wait)
        thread.start()
        reader.tell(9)
        with writer._news:
            assert writer._news.wait_for(lambda: writer.arrived == 9, 10)
        assert not waited.is_set()
        reader.tell(10)
        thread.join(10)
        assert waited.is_set()


def test_paho_is_measured_in_the_version_that_the_library_stands_on() -> None:
    ours = (PEERS.parents[1] / "constraints.txt").read_text().split()
    (paho,) = (PEERS / "paho" / "requirements.txt").read_text().split()
    assert paho in ours


def test_no_two_systems_have_one_name() -> None:
    assert len({one.name for one in SYSTEMS}) == len(SYSTEMS)
