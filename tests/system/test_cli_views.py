"""What `pyros` shows of the bus: status, watch, tail, describe, and the shell's completion."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess

import pytest

from pyros_mqtt.archive import open_store
from pyros_mqtt.settings import BrokerUrl
from pyros_mqtt.topics import Topics
from pyros_mqtt.wire import last_will
from tests.need import need
from tests.system.archive_filling import EVENING, azimuth, fill
from tests.system.pyros_command import PYROS, Pyros, Running, speak_until_heard


def publish(url: BrokerUrl, topic: str, payload: bytes, *, retain: bool = True) -> None:
    """Say something on the bus with a client that is not ours."""
    need("mosquitto_pub")
    words = ["mosquitto_pub", "-h", url.host, "-p", str(url.port), "-q", "1", "-t", topic, "-s"]
    subprocess.run([*words, *["-r"] * retain], input=payload, check=True, timeout=20)  # noqa: S603


def speak_log_until_heard(tail: Running, url: BrokerUrl, root: str, agent: str = "dome") -> None:
    """Wait until a `pyros tail --logs` listens: it says nothing before it hears something."""
    for _ in range(20):
        publish(url, f"{root}/{agent}/log/critical", b"first", retain=False)
        with contextlib.suppress(AssertionError):
            tail.until("first", timeout=1.0)
            return
    raise AssertionError("the tail has heard nothing")


def test_status_in_a_pipe_is_a_plain_table(pyros: Pyros, barebones: str) -> None:
    done = pyros("status")
    assert done.code == 0
    assert done.is_plain()
    header, row = done.out.splitlines()
    assert header.split() == ["AGENT", "STATE", "TASK", "AGE", "HOST", "DETAIL"]
    assert row.split()[:2] == [barebones, "ready"]


def test_status_for_programs_is_json(pyros: Pyros, barebones: str) -> None:
    (one,) = json.loads(pyros("status", "--json").out)
    assert (one["agent"], one["health"], one["state"]) == (barebones, "live", "ready")
    assert one["at"].endswith("Z")
    assert 0 <= one["age"] < 10


def test_status_shows_the_task_and_how_far_it_is(pyros: Pyros, barebones: str) -> None:
    pyros("send", barebones, "count", "to=1000", "seconds=0.1")
    assert "busy" in pyros("status").out
    assert "count" in pyros("status").out


def test_a_lost_agent_makes_the_exit_code_1(
    pyros: Pyros, mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    publish(mosquitto_url, Topics(topic_root).status("dome"), last_will("dome", "s", 1))
    done = pyros("status")
    assert done.code == 1
    assert done.out.splitlines()[1].split() == ["dome", "lost", "?"]


def test_status_of_an_unknown_agent_suggests_the_nearest(pyros: Pyros, barebones: str) -> None:
    done = pyros("status", "barebone")
    assert done.code == 3
    assert f"did you mean {barebones!r}?" in done.err


def test_an_empty_bus_is_told(pyros: Pyros) -> None:
    done = pyros("status", "--root", "esp/t60")
    place = f"esp/t60 at {pyros.variables['PYROS_BROKERS']}"
    assert (done.code, done.out) == (0, f"No agent has been seen under {place}\n")
    assert pyros("status", "--json").out == "[]\n"


def test_an_agent_whose_status_cannot_be_read_is_told_of(
    pyros: Pyros, mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    publish(mosquitto_url, f"{topic_root}/evil/status", b'{"state": "ready", "seq": 1e400}')
    shown = pyros("status")
    assert shown.code == 1
    assert "evil: its status cannot be read: " in shown.err
    assert pyros("status", "evil").err == shown.err


def test_what_comes_from_the_bus_does_not_drive_the_terminal(
    pyros: Pyros, mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    payload = json.dumps({"agent": "dome", "state": "fault", "detail": "\x1b[2Jboo"}).encode()
    publish(mosquitto_url, Topics(topic_root).status("dome"), payload)
    done = pyros("status")
    assert "boo" in done.out
    assert done.is_plain()


def test_watch_in_a_pipe_tells_each_change_in_a_line(pyros: Pyros, barebones: str) -> None:
    with pyros.running("watch") as watch:
        assert watch.until("ready").endswith(f" {barebones} ready")
        pyros("send", barebones, "count", "to=2", "seconds=0.2")
        watch.until(f"{barebones} busy: count")
        watch.until(f"{barebones} ready")
        assert watch.end(signal.SIGINT) == 0
        assert "\x1b" not in "".join(watch.said)


def test_tail_shows_commands_and_reports_as_they_pass(pyros: Pyros, barebones: str) -> None:
    with pyros.running("tail") as tail:
        speak_until_heard(pyros, barebones, tail)
        pyros("send", barebones, "hello", "name=a b", "--as", "ops")
        tail.until(f"Z ops -> {barebones}: hello name='a b'$")
        tail.until(f"Z {barebones} -> ops: hello accepted$")
        tail.until(f'Z {barebones} -> ops: hello done {{"greeting":"hello a b"}}$')
        assert tail.end(signal.SIGINT) == 0


def test_a_command_cannot_forge_a_line_of_the_tail(
    pyros: Pyros, barebones: str, mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with pyros.running("tail") as tail:
        speak_until_heard(pyros, barebones, tail)
        evil = b"x\x1b[2Jevil\x1b]0;t\x07\nfake line"
        publish(mosquitto_url, Topics(topic_root).inbox(barebones), evil, retain=False)
        line = tail.until("fake line")
        assert line.isprintable()
        assert f"-> {barebones}: " in line


def test_tail_for_programs_is_an_object_a_line(pyros: Pyros, barebones: str) -> None:
    with pyros.running("tail", barebones, "--json") as tail:
        speak_until_heard(pyros, barebones, tail)
        pyros("send", barebones, "fail", "--as", "ops")
        command = json.loads(tail.until('"message":"fail"'))
        assert (command["kind"], command["sender"], command["agent"]) == (
            "command",
            "ops",
            barebones,
        )
        failed = json.loads(tail.until('"state":"failed"'))
        assert failed["error"]["text"] == "this always fails"
        assert failed["id"] == command["id"]


def test_tail_shows_the_log_records_of_agents(
    pyros: Pyros, mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with pyros.running("tail", "--logs", "--level", "warning") as tail:
        record = json.dumps({"t": 0.5, "logger": "pyros.dome", "text": "slow", "left_out": 3})
        evil = json.dumps({"text": "x\x1b[2J\nfake", "exception": "Traceback:\n\x1b[2JOSError"})
        speak_log_until_heard(tail, mosquitto_url, topic_root)
        publish(mosquitto_url, f"{topic_root}/dome/log/info", b"not shown", retain=False)
        publish(mosquitto_url, f"{topic_root}/dome/log/error", record.encode(), retain=False)
        publish(mosquitto_url, f"{topic_root}/dome/log/critical", evil.encode(), retain=False)
        tail.until("dome: 3 records were left out$")
        assert tail.until("slow") == "00:00:00.500Z dome ERROR slow"
        assert tail.until("fake").isprintable()
        tail.until("^  Traceback:$")
        assert tail.until("OSError").isprintable()
        assert "not shown" not in "".join(tail.said)
        assert tail.end(signal.SIGINT) == 0


def test_tail_shows_measurements_and_what_was_missed(
    pyros: Pyros, mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    topic = f"{topic_root}/dome/telemetry/azimuth"
    with pyros.running("tail", "dome", "--telemetry") as tail:
        for _ in range(20):
            publish(mosquitto_url, topic, b"0", retain=False)
            with contextlib.suppress(AssertionError):
                tail.until("dome azimuth 0$", timeout=1.0)
                break
        for payload in (
            b'{"t":5,"v":182.4,"seq":0}',
            b'{"t":[5,6],"v":[1,2],"q":"uncertain","seq":3}',
            b'{"t":5,"v":{"a":"x\\u001b","b":null},"seq":1,"late":true}',
        ):
            publish(mosquitto_url, topic, payload, retain=False)
        tail.until(r"dome azimuth 182\.4$")
        tail.until(r"dome azimuth 2 \(last of 2, uncertain, 2 samples missed\)$")
        line = tail.until(r"late, 1 samples missed\)$")
        assert "b=null" in line
        assert line.isprintable()
        assert tail.end(signal.SIGINT) == 0


def test_an_agents_log_can_be_followed_by_programs(
    pyros: Pyros, barebones: str, mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with pyros.running("tail", barebones, "--logs", "--json") as tail:
        speak_log_until_heard(tail, mosquitto_url, topic_root, barebones)
        pyros("send", barebones, "fail", "--wait")
        record = json.loads(tail.until("this always fails"))
        assert (record["kind"], record["agent"], record["level"]) == ("log", barebones, "warning")


def test_status_tells_of_samples_that_were_dropped(
    pyros: Pyros, mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    claim = {"agent": "dome", "state": "stopped", "session": "s", "boot": 1, "dropped": 7}
    publish(mosquitto_url, Topics(topic_root).status("dome"), json.dumps(claim).encode())
    assert "7 samples dropped" in pyros("status").out


def test_describe_puts_the_arguments_in_words(pyros: Pyros, barebones: str) -> None:
    done = pyros("describe", barebones)
    assert done.code == 0
    assert done.is_plain()
    assert "  count to=NUMBER [seconds=NUMBER]" in done.out
    assert "      to: a whole number" in done.out
    assert "      seconds: a number, default 1" in done.out
    assert "  abort   (urgent)" in done.out
    assert "  temperature   (deg_C)" in done.out


def test_describe_for_programs_is_the_agents_own_document(pyros: Pyros, barebones: str) -> None:
    about = json.loads(pyros("describe", barebones, "--json").out)
    assert about["messages"]["count"]["args"]["properties"]["to"]["type"] == "integer"
    assert about["telemetry"]["temperature"]["unit"] == "deg_C"


def test_describing_nobody_suggests_somebody(pyros: Pyros, barebones: str) -> None:
    done = pyros("describe", "barebone")
    assert done.code == 3
    assert f"did you mean {barebones!r}?" in done.err


@pytest.mark.parametrize("command", ["status", "watch", "tail", "describe dome"])
def test_without_a_broker_each_view_says_so(pyros: Pyros, command: str) -> None:
    done = pyros(*command.split(), PYROS_BROKERS="mqtt://127.0.0.1:1")
    assert done.code == 3
    assert "no broker answers" in done.err
    assert done.is_plain()


def test_a_reader_that_has_gone_is_no_error(pyros: Pyros, barebones: str) -> None:
    program = subprocess.Popen(  # noqa: S603 - ourselves
        [*PYROS, "describe", barebones],
        env=pyros.variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    program.stdout.close()
    _, err = program.communicate(timeout=20)
    assert not err


# -- the shell's completion ------------------------------------------------------------------


def complete(pyros: Pyros, *words: str, **variables: str) -> list[str]:
    """Give what bash is offered for the last of the words."""
    done = pyros(
        _PYROS_COMPLETE="complete_bash",
        COMP_WORDS="\n".join(["pyros", *words]),
        COMP_CWORD=str(len(words)),
        **variables,
    )
    assert not done.err
    return done.out.split()


def test_tab_completes_an_agents_name(pyros: Pyros, barebones: str) -> None:
    assert complete(pyros, "send", "bare") == [barebones]
    assert complete(pyros, "describe", "") == [barebones]


def test_tab_completes_a_message(pyros: Pyros, barebones: str) -> None:
    assert complete(pyros, "send", barebones, "co") == ["count"]
    assert {"hello", "fail", "abort"} <= set(complete(pyros, "send", barebones, ""))


def test_tab_completes_a_recorded_channel(pyros: Pyros) -> None:
    url = f"sqlite:///{pyros.folder / 'archive.sqlite'}"
    store = open_store(url)
    fill(store, azimuth(0), ("dome/telemetry/shutter", {"t": EVENING, "v": "open"}))
    store.close()
    where = {"PYROS_ARCHIVE": url, "PYROS_ROOT": "pyros"}
    assert complete(pyros, "plot", "dome", "az", **where) == ["azimuth"]
    assert complete(pyros, "query", "dome", "", **where) == ["azimuth", "shutter"]


def test_tab_completes_a_command(pyros: Pyros) -> None:
    assert complete(pyros, "des") == ["describe"]


def test_tab_is_silent_without_a_broker(pyros: Pyros) -> None:
    assert complete(pyros, "send", "bare", PYROS_BROKERS="mqtt://127.0.0.1:1") == []
    assert complete(pyros, "send", "bare", PYROS_BROKERS="nonsense://") == []


def test_an_upgrade_is_safe_while_nobody_is_busy_here(pyros: Pyros, barebones: str) -> None:
    told = json.loads(pyros("upgrade", "--check", "--json").out)
    assert [one["agent"] for one in told["agents"]] == [barebones]
    assert told["agents"][0]["here"]
    assert told["safe"]
    pyros("send", barebones, "count", "to=1000", "seconds=0.1")
    done = pyros("upgrade", "--check")
    assert done.code == 1
    assert f"{barebones} runs here and is busy: count" in done.out


def test_pyros_does_not_upgrade_itself(pyros: Pyros) -> None:
    done = pyros("upgrade")
    assert done.code == 2
    assert "pyros does not upgrade itself" in done.err
