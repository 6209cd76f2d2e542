"""G13: nothing an outsider sends stops, grows or confuses an agent.

Each trial is a batch: payloads for the inbox, each answered as the protocol says, documents that
others forge, strange topics, broken packets and broken files. The next good command is timed, and
the process of the agent is measured.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.faults.bad_input import Input, batch, command, worst
from tests.faults.builds import BUILD
from tests.faults.company import REPOSITORY, Company, await_true, settings_of
from tests.faults.harness import Harness, RunTrial, Setting, Trial
from tests.system.own_mosquitto import OwnMosquitto
from tests.system.raw_mqtt import Message, RawClient

BATCHES = 120
"""Together they hold every input."""

INPUTS = 195
"""At most so many there are in each."""

OTHERS = ("running", "done", "failed", "cancelled", "interrupted")
"""States that follow upon an accepted command."""

FORGED = (
    b"", b"lost", b"ready", b"\xff\xfe", b"{", b"[]", b"null", b"{" * 5000, b'{"state":"lost"}',
    b'{"state":"ready","boot":1e999}', b'{"state":"ready","boot":-5}',
    b'{"state":"ready","seq":"x"}',
    b'{"state":"stopped","session":"other","boot":5}', b'{"agent":"dome","state":"lost"}',
    b'{"state":"ready","beat":1e300}', b'{"state":"ready","at":"yesterday","boot":[]}',
    b'{"id":[],"state":"done"}',
    b'{"id":"x","state":"accepted","agent":"steady"}', b"12.3e", b"NaN",
)  # fmt: skip

PLACES = (
    "steady/status", "steady/about", "steady/telemetry/x", "steady/outbox/ops", "steady/log/info",
    "other/status", "other/outbox/ops", "steady/alarm/rain", "steady/inbox/deeper",
)  # fmt: skip

STRANGE = ("w//inbox", "w/+/inbox", "w/#", "", "w/steady/inbox#", "$w/steady/inbox", "w/\0/inbox")

REPLIES = ("w/steady/inbox", "w/other/inbox", "w/steady/status", "w/steady/about", "w/x/$y", "+/#")

BROKEN = (
    b"", b"\0" * 50, b"\xff" * 50, b"GET / HTTP/1.1\r\n\r\n", b"\x10\xff\xff\xff\xff\x7f",
    b"\x10\x02\0\4", b"\x10\x0c\0\4MQTT\4\2\0\x3c\0\0\x30\xff\xff\xff\x7f",
    b"\x10\x0c\0\4MQTT\4\2\0\x3c\0\0\x82\x02\0\1", b"\x10\x0c\0\4MQTT\x7f\2\0\x3c\0\0",
    b"\x10\x0c\0\4MQTT\4\2\0\x3c\0\0\x36\x05\0\3a/b", b"\x30\x05\0\3a/b", b"\x16\x03\x01\x02\0\1\0",
)  # fmt: skip


class Outsider:
    """Somebody on the broker of one agent."""

    def __init__(self, stack: contextlib.ExitStack, setting: Setting) -> None:
        folder = setting.folder
        self._build = setting.build
        self._folder = folder
        self.broker = stack.enter_context(OwnMosquitto(folder, max_packet_size="20000000"))
        url = self.broker.url
        agent = {
            "name": "steady",
            "settings": settings_of(url, folder / "a"),
            "history": str(folder / "history"),
        }
        sender = {"ops": {"settings": settings_of(url, folder / "b")}}
        self.agent = stack.enter_context(Company(folder, setting.build, agents=[agent]))
        self.ops = stack.enter_context(Company(folder, setting.build, senders=sender))
        self.agent.wait_ready()
        self.ops.wait_ready()
        self._numbers = itertools.count(1)
        self._answered = 0
        for _ in range(2):
            self._inbox(list(worst()))  # so that the next growth is no warming up
        self._good()
        self._before = self.agent.vitals()

    def trial(self, number: int) -> Trial:
        """Send one batch, and everything else that is bad."""
        inputs = batch(number % BATCHES, BATCHES)
        broken = self._inbox(inputs)
        for attack in (self._forge, self._misname, self._reply, self._break_packets):
            attack()
        broken += self._files(number)
        took = self._good()
        if took is None:
            broken.append("the next good command is not answered")
        broken += self._wounds()
        grown = self.agent.vitals().rss - self._before.rss
        return Trial(len(inputs), broken, {"next good command": took or 60.0, "grown MB": grown})

    def _inbox(self, inputs: list[Input]) -> list[str]:
        """Send to the inbox, and compare each first answer with what it has to be."""
        with RawClient(self.broker.url) as client:
            client.subscribe("w/steady/outbox/+")
            for one in inputs:
                client.publish("w/steady/inbox", one.payload, qos=1, retain=one.retain)
            client.publish("w/steady/inbox", b"", qos=1, retain=True)
            expected = [one for one in inputs if one.is_answered]
            answers = list(itertools.islice(_first_answers(client), len(expected)))
        broken = [
            f"{one.kind}: {one.payload[:80]!r} is answered by {answer.body}"
            for one, answer in zip(expected, answers, strict=False)
            if not one.fits(answer.body)
        ]
        if missing := len(expected) - len(answers):
            broken = [f"{missing} of {len(inputs)} payloads are not answered", *broken]
        return broken[:5]

    def _forge(self) -> None:
        """Speak in the name of the agent, and of others."""
        with RawClient(self.broker.url) as client:
            for place, payload in itertools.product(PLACES, FORGED):
                client.publish(f"w/{place}", payload, qos=1, retain=place.endswith("status"))

    def _misname(self) -> None:
        for topic in STRANGE:
            with contextlib.suppress(OSError), RawClient(self.broker.url) as client:
                client.publish(topic, command("x-extra", "1"), qos=1)

    def _reply(self) -> None:
        """Ask for answers at places where they would do harm (MQTT 5)."""
        for topic in REPLIES:
            wishes = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            object.__setattr__(wishes, "ResponseTopic", topic)  # paho itself refuses some
            client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
            client.connect(self.broker.url.host, self.broker.url.port)
            client.loop_start()
            said = client.publish(
                "w/steady/inbox", command("x-extra", "1"), qos=1, properties=wishes
            )
            with contextlib.suppress(RuntimeError):
                said.wait_for_publish(1.0)
            client.disconnect()
            client.loop_stop()

    def _break_packets(self) -> None:
        for packet in BROKEN:
            place = (self.broker.url.host, self.broker.url.port)
            with socket.create_connection(place, timeout=5) as sock, contextlib.suppress(OSError):
                sock.sendall(packet)
                sock.shutdown(socket.SHUT_WR)
                sock.recv(100)

    def _files(self, number: int) -> list[str]:
        folder = self._folder / f"files-{number}"
        folder.mkdir()
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PYROS_")}
        done = subprocess.run(  # noqa: S603 - ourselves
            [sys.executable, "-m", "tests.faults.bad_files", str(folder)],
            cwd=REPOSITORY,
            env=kept | {BUILD: self._build, "XDG_CONFIG_HOME": str(folder / "none")},
            capture_output=True,
            text=True,
            check=False,
        )
        failed = [f"files: {done.stderr[-500:]}"] if done.returncode else []
        return failed + done.stdout.splitlines()

    def _good(self) -> float | None:
        """Send a good command; seconds until its end."""
        n, began = next(self._numbers), time.monotonic()
        self.ops.send("ops", "steady", n)
        word = self.ops.await_word(n, 10, wanted=lambda heard: heard.is_final)
        return time.monotonic() - began if word and word.told == "done" else None

    def _wounds(self) -> list[str]:
        """A dead thread, a new one, a descriptor, or a failure that nobody has foreseen."""
        before = self._before

        def is_as_before() -> bool:
            now = self.agent.vitals()
            return (now.threads, now.descriptors) == (before.threads, before.descriptors)

        broken = []
        if not await_true(is_as_before, 5):
            broken.append(f"it was {before}, and is {self.agent.vitals()}")
        for company in (self.agent, self.ops):
            text = company.log.read_text(errors="replace")
            if "Traceback" in text:
                broken.append(f"{company.log.name}: {text[-300:]}")
        return broken


def _first_answers(client: RawClient) -> Iterator[Message]:
    """The first report on each command, in the order of the commands."""
    accepted: set[str] = set()
    with contextlib.suppress(TimeoutError):
        while True:
            message = client.next(3.0)
            report = message.body
            if report["state"] == "accepted":
                accepted.add(report["id"])
            elif report["id"] in accepted and report["state"] in {*OTHERS, "expired"}:
                continue
            yield message


@contextlib.contextmanager
def opened(setting: Setting) -> Iterator[RunTrial]:
    """One agent for all batches."""
    with contextlib.ExitStack() as stack:
        yield Outsider(stack, setting).trial


G13 = Harness(
    name="g13-bad-input",
    promise="G13",
    title="nothing an outsider sends stops, grows or confuses an agent",
    full=BATCHES * INPUTS,
    gate=1,
    mutants=(
        "json-falls-back-to-text",
        "recursion-not-caught",
        "keeps-what-it-refuses",
        "runs-what-is-retained",
    ),
    open=opened,
    limits={"next good command": (100, 1.0), "grown MB": (100, 20.0)},
    needs=("mosquitto", "corpora"),
)
