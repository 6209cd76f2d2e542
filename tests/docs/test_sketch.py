"""The sketch for microcontrollers keeps the protocol: compiled against a stub, and run."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from pyros_mqtt import Command, Outcome, Report, State, wire
from pyros_mqtt.topics import Topics
from tests.docs.pages import DOCS, blocks_of

STUB = Path(__file__).parent / "arduino"
NAME = "flatlamp"
PYROS = Topics("pyros")


def sketch() -> str:
    blocks = blocks_of(DOCS / "how-to" / "microcontrollers.md")
    (block,) = [block for block in blocks if block.language == "cpp"]
    return block.text


@dataclass(frozen=True)
class Device:
    """The compiled sketch."""

    program: Path

    def play(self, *payloads: str | bytes) -> list[list[str]]:
        """Let the payloads come one after the other; give what it said and did, as words."""
        lines = [one if isinstance(one, bytes) else one.encode() for one in payloads]
        done = subprocess.run(  # noqa: S603 - our own program
            [self.program],
            input=b"\n".join([*lines, b""]),
            capture_output=True,
            timeout=10,
            check=True,
        )
        return [line.split("\t") for line in done.stdout.decode().splitlines()]

    def reports(self, *payloads: str | bytes) -> list[tuple[str, Report]]:
        """Give topic and report of what it answered."""
        said = [words for words in self.play(*payloads) if words[0] == "publish"]
        return [
            (topic, wire.decode_report(payload.encode()))
            for _, _, topic, payload in said
            if "/outbox/" in topic
        ]


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Device:
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++ is missing: apt-get install g++")
    folder = tmp_path_factory.mktemp("sketch")
    (folder / "flatlamp.ino").write_text(sketch(), "utf-8")
    command = [
        compiler, "-std=c++17", "-Wall", "-Wextra", "-Werror", "-Wno-format-truncation",
        "-fsanitize=address,undefined",
        f'-DSKETCH="{folder / "flatlamp.ino"}"', f"-I{STUB}", str(STUB / "main.cpp"),
        "-o", str(folder / "flatlamp"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    return Device(folder / "flatlamp")


def command(message: str, **details: object) -> bytes:
    now = time.time()
    usual = {
        "id": "0123456789abcdef01234567",
        "sender": "ops",
        "sent_at": now,
        "deadline": now + 3600,
    }
    return wire.encode_command(Command(NAME, message, **{**usual, **details}))  # type: ignore[arg-type]


def test_it_uses_the_topics_of_the_protocol() -> None:
    ends = set(re.findall(r'TREE "(/[^"%]*)', sketch()))
    assert f'#define TREE "pyros/{NAME}"' in sketch()
    wanted = {
        PYROS.inbox(NAME), PYROS.status(NAME), PYROS.about(NAME),
        PYROS.telemetry(NAME, "temperature"), PYROS.outbox(NAME, "x").removesuffix("x"),
    }  # fmt: skip
    assert {f"pyros/{NAME}{end}" for end in ends} == wanted
    assert f'"{PYROS.client_id(NAME)}"' in sketch()


def test_it_introduces_itself_and_leaves_a_will(device: Device) -> None:
    said = device.play()
    assert ["will", "1", PYROS.status(NAME), "lost"] in said
    cleared = said.index(["publish", "1", PYROS.inbox(NAME), ""])
    assert cleared < said.index(["subscribe", "0", PYROS.inbox(NAME), ""])
    (status,) = [words[3] for words in said if words[:3] == ["publish", "1", PYROS.status(NAME)]]
    assert wire.decode_status(status.encode(), NAME).state is State.READY
    (about,) = [words[3] for words in said if words[:3] == ["publish", "1", PYROS.about(NAME)]]
    assert set(wire.decode_about(about.encode(), NAME).messages) == {"on", "off"}


def test_it_measures(device: Device) -> None:
    topic = PYROS.telemetry(NAME, "temperature")
    (value,) = [words[3] for words in device.play("off") if words[2:3] == [topic]]
    assert wire.decode_samples(value.encode(), 0.0)[0].value == 21.5


def test_a_text_command_lights_the_lamp_and_is_reported(device: Device) -> None:
    assert ["pin", "5", "120"] in device.play("on level=120")
    (first, accepted), (second, done) = device.reports("on level=120")
    assert first == second == PYROS.outbox(NAME, "anonymous")
    assert (accepted.state, done.state) == (Outcome.ACCEPTED, Outcome.DONE)


def test_a_command_of_the_library_is_understood_and_answered_under_its_id(device: Device) -> None:
    said = command("on", args={"level": 7})
    assert ["pin", "5", "7"] in device.play(said)
    (topic, _), (_, done) = device.reports(said)
    assert topic == PYROS.outbox(NAME, "ops")
    assert (done.id, done.message, done.state) == ("0123456789abcdef01234567", "on", Outcome.DONE)


def test_a_repeated_command_is_answered_and_not_run_again(device: Device) -> None:
    said = command("on")
    assert device.play(said, said).count(["pin", "5", "255"]) == 1
    assert [report.state for _, report in device.reports(said, said)][1:] == [Outcome.DONE] * 2


def test_a_late_command_is_not_started(device: Device) -> None:
    late = command("on", sent_at=time.time() - 60, deadline=time.time() - 30)
    assert ["pin", "5", "255"] not in device.play(late)
    ((_, report),) = device.reports(late)
    assert (report.state, report.error and report.error.code) == (Outcome.EXPIRED, "timeout")


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ("dance", "unknown-message"),
        ('da"n\\ce', "unknown-message"),
        ("on level=900", "bad-arguments"),
        (command("on", args={"level": -3}), "bad-arguments"),
        ('{"message":"on"', "bad-json"),
        ("{}", "unknown-message"),
        ("x" * 256, "unknown-message"),
    ],
)
def test_what_is_wrong_is_rejected(device: Device, payload: str | bytes, code: str) -> None:
    reports = [report for _, report in device.reports(payload) if report.state.is_terminal]
    told = [report.error.code for report in reports if report.error]
    assert told == [code]


def test_no_packet_is_larger_than_256_bytes(device: Device) -> None:
    widest = command("abort", id="i" * 64, sender="s" * 40)
    said = device.play("on level=900", widest)
    assert not [words for words in said if words[0] == "too-large"]
