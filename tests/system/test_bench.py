"""`pyros bench` against a real broker, and `scripts/bench` with one work and one peer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.need import need
from tests.system.pyros_command import REPOSITORY, Pyros


def test_pyros_bench_measures_a_broker_and_says_what_limits_it(pyros: Pyros) -> None:
    done = pyros("bench", "--size", "100")
    assert done.code == 0, done.err
    assert done.is_plain()
    for line in ("connecting", "message, there/back", "QoS 1, 100 B", "QoS 0, 100 B"):
        assert line in done.out
    assert "* " in done.out.partition("What limits it:")[2]


# it starts a broker and six interpreters one after the other; nothing shorter would run it whole
@pytest.mark.timeout(180)
def test_a_benchmark_of_one_work_and_one_peer_adds_up(tmp_path: Path) -> None:
    need("mosquitto")
    words = ["--quick", "--rounds", "1", "--work", "ask", "--peer", "paho"]
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-m", "bench", *words, "--output", str(tmp_path)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'agents'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "bench-results.json").read_text())
    assert told["rounds"] == 1
    assert told["not_run"] == {}
    assert set(told["results"]["ask"]) == {"pyros", "pyros-memory", "paho"}
    assert set(told["ratios"]) == {"ask_p50_vs_paho", "ask_p99_vs_paho"}
    assert "over paho's ping-pong" in (tmp_path / "bench-results.md").read_text()
    assert (tmp_path / "bench-latencies.svg").stat().st_size > 0
