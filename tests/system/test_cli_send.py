"""`pyros send`, as people and scripts use it."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.system.pyros_command import Pyros, speak_until_heard


def test_the_result_is_printed_for_programs(pyros: Pyros, barebones: str) -> None:
    done = pyros("send", barebones, "hello", "name=Mira", "--wait")
    assert done.code == 0
    assert json.loads(done.out) == {"greeting": "hello Mira"}
    assert not done.err


def test_without_wait_it_returns_once_accepted(pyros: Pyros, barebones: str) -> None:
    done = pyros("send", barebones, "count", "to=1000")
    assert (done.code, done.out) == (0, "accepted\n")


def test_progress_is_told_in_plain_lines_beside_the_result(pyros: Pyros, barebones: str) -> None:
    done = pyros("send", barebones, "count", "to=2", "seconds=0.1", "--wait")
    assert (done.code, done.out) == (0, "2\n")
    assert done.err == "running: 50% 1 of 2\nrunning: 100% 2 of 2\n"
    assert done.is_plain()


def test_a_failure_is_told_with_its_reason(pyros: Pyros, barebones: str) -> None:
    done = pyros("send", barebones, "fail", "--wait")
    assert done.code == 1
    assert "this always fails (action-failed)" in done.err
    assert done.is_plain()


def test_a_rejection_is_told_with_its_reason(pyros: Pyros, barebones: str) -> None:
    done = pyros("send", barebones, "count", "to=many")
    assert done.code == 1
    assert "bad-arguments" in done.err
    assert "to:" in done.err


def test_urgency_that_the_agent_does_not_allow_is_rejected(pyros: Pyros, barebones: str) -> None:
    done = pyros("send", barebones, "hello", "--urgent")
    assert done.code == 1
    assert "forbidden" in done.err


def test_an_unknown_message_suggests_the_nearest(pyros: Pyros, barebones: str) -> None:
    done = pyros("send", barebones, "helo")
    assert done.code == 1
    assert "did you mean 'hello'" in done.err


def test_an_unknown_agent_suggests_the_nearest(pyros: Pyros, barebones: str) -> None:
    done = pyros("send", "barebone", "hello")
    assert done.code == 3
    assert "nobody listens" in done.err
    assert f"did you mean {barebones!r}?" in done.err


def test_a_bad_name_is_a_wrong_usage(pyros: Pyros, barebones: str) -> None:
    done = pyros("send", "Barebones", "hello")
    assert done.code == 2
    assert f"did you mean {barebones!r}?" in done.err
    assert pyros("send", barebones, "hello", "--as", "Me").code == 2


@pytest.mark.parametrize("words", [("hello", "Mira"), ("hello", "a=1", "a=2"), ("hello", "=1")])
def test_words_that_are_no_arguments_are_a_wrong_usage(pyros: Pyros, words: tuple[str]) -> None:
    done = pyros("send", "barebones", *words)
    assert done.code == 2
    assert "Usage: pyros send" in done.err
    assert done.is_plain()


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--ttl", "0"), "must be at least 0.001"), (("--ttl", "x"), "must be a number")],
)
def test_a_wrong_lifetime_is_told_in_words(pyros: Pyros, words: tuple[str], said: str) -> None:
    done = pyros("send", "dome", "open", *words)
    assert done.code == 2
    assert done.err.endswith(f"Invalid value for '--ttl': {said}\n")


@pytest.mark.parametrize("later", [("--durable",), ("--in", "5"), ("--at", "2099-01-01T00:00:00Z")])
def test_what_is_kept_on_the_disk_is_not_waited_for(pyros: Pyros, later: tuple[str, ...]) -> None:
    done = pyros("send", "dome", "close", "--wait", *later)
    assert (done.code, "kept on the disk is not waited for" in done.err) == (2, True)
    assert pyros("spool", "list").out == "nothing waits\n"


def test_no_id_is_not_the_start_of_every_id(pyros: Pyros) -> None:
    kept = pyros("send", "dome", "close", "--in", "600")
    assert kept.code == 0
    dropped = pyros("spool", "drop", "")
    assert (dropped.code, "it is empty" in dropped.err) == (2, True)
    assert "close" in pyros("spool", "list").out


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_an_argument_that_is_no_text_is_refused_at_once(pyros: Pyros, locale: str) -> None:
    word = os.fsdecode(b"name=\xff\xfe")
    done = pyros("send", "dome", "open", word, LC_ALL=locale, PYROS_BROKERS="mqtt://127.0.0.1:1")
    assert done.code == 2
    assert r"argument 4 is no UTF-8 text: 'name=\xff\xfe'" in done.err


def test_an_unreachable_broker_is_told(pyros: Pyros) -> None:
    done = pyros("send", "barebones", "hello", "--broker", "mqtt://127.0.0.1:1")
    assert done.code == 3
    assert "no broker answers: mqtt://127.0.0.1:1: [Errno 111] Connection refused" in done.err
    assert "`pyros broker` starts one" in done.err
    assert done.is_plain()


def test_a_silent_broker_is_told_soon(pyros: Pyros) -> None:
    began = time.monotonic()
    done = pyros("send", "barebones", "hello", "--broker", "mqtt://192.0.2.1")  # RFC 5737
    assert time.monotonic() - began < 30, "the system itself waits for two minutes"
    assert done.code == 3


def test_a_broken_broker_url_is_a_wrong_usage(pyros: Pyros) -> None:
    done = pyros("send", "barebones", "hello", "--broker", "http://:x")
    assert done.code == 2
    assert "mqtt://localhost:1883" in done.err
    assert done.is_plain()


def test_it_is_sent_under_the_name_that_is_asked_for(pyros: Pyros, barebones: str) -> None:
    with pyros.running("tail", barebones, "--json") as tail:
        speak_until_heard(pyros, barebones, tail)
        assert pyros("send", barebones, "hello", "--as", "night-crew").code == 0
        assert json.loads(tail.until("night-crew"))["sender"] == "night-crew"


def test_ctrl_c_stops_the_waiting_and_not_the_agent(pyros: Pyros, barebones: str) -> None:
    with pyros.running("send", barebones, "count", "to=1000", "seconds=0.1", "--wait") as sending:
        sending.until("running")
        assert sending.end(signal.SIGINT) == 130
        sending.until(f"{barebones} goes on; `pyros send {barebones} abort` ends it")
    assert "count" in pyros("status", barebones).out
    assert pyros("send", barebones, "abort", "--wait").code == 0


def test_a_slip_in_an_alarms_rule_is_not_in_the_way(
    pyros: Pyros, barebones: str, tmp_path: Path
) -> None:
    (tmp_path / "pyros.toml").write_text("[alarms.rules.wind]\nabove = 5o\n")
    sent = pyros("send", barebones, "abort", "--wait")
    assert sent.code == 0
    (line,) = sent.err.splitlines()
    assert line.startswith("pyros: warning: ")
    assert "pyros.toml: is not valid TOML" in line
    assert pyros("status").code == 0
    assert pyros("alarms").code == 2
