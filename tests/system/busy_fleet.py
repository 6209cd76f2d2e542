"""Many agents as seen from outside, out of one process: their status, about and telemetry."""

from __future__ import annotations

import math
import secrets
import threading
import time
from typing import Self

from pyros_mqtt.link import Brokers
from pyros_mqtt.messages import About, Channel, MessageInfo, Progress, Sample, State, Status, Task
from pyros_mqtt.settings import BrokerUrl, Settings
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Parcel
from pyros_mqtt.wire import encode_about, encode_sample, encode_status

CHANNELS = (
    ("temperature", "degC"), ("humidity", "%"), ("current", "A"), ("voltage", "V"),
    ("pressure", "hPa"), ("position", "deg"), ("velocity", "deg/s"), ("load", ""),
    ("latency", "ms"), ("queue", ""),
)  # fmt: skip
KINDS = ("dome", "mount", "camera", "weather", "focuser", "rotator", "guider", "power")

BEAT = 5.0


class BusyFleet:
    """`agents` agents with `channels` channels each, every one measured once a second.

    Half of what a fleet does at night happens: tasks run and get on, one agent is in fault, one
    degraded.
    """

    def __init__(self, url: BrokerUrl, root: str, agents: int = 200, channels: int = 10) -> None:
        self.names = [f"{KINDS[i % len(KINDS)]}-{i // len(KINDS) + 1:02d}" for i in range(agents)]
        self.sent = 0
        self._channels = CHANNELS[:channels]
        self._topics = Topics(root)
        self._link = Brokers(Settings(brokers=(url,), root=root)).transport(
            f"busy-{secrets.token_hex(4)}"
        )
        self._up = threading.Event()
        self._end = threading.Event()
        self._boot = int(time.time() * 1000)
        self._seqs = dict.fromkeys(self.names, 0)
        self._thread = threading.Thread(target=self._run, name="busy fleet", daemon=True)

    def __enter__(self) -> Self:
        """Introduce everyone, and begin."""
        self._link.on_state(lambda up: self._up.set() if up else None)
        self._link.open()
        assert self._up.wait(10)
        for i, name in enumerate(self.names):
            self._introduce(name)
            self.say(name, i)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it; the broker keeps what it has."""
        self._end.set()
        self._thread.join(10)
        self._link.close()

    def say(self, name: str, i: int, state: State | None = None, detail: str = "") -> None:
        """Publish one agent's status."""
        self._seqs[name] += 1
        now = time.time()
        task = None
        if state is None:
            state, detail, task = self._usual(i, now)
        status = Status(
            agent=name, state=state, session=f"s{i:015d}", boot=self._boot, seq=self._seqs[name],
            beat=BEAT, at=now, since=self._boot / 1000, host=f"t60-pc{i % 12 + 1}", pid=4000 + i,
            version="1.4.0", detail=detail, task=task,
        )  # fmt: skip
        self._publish(self._topics.status(name), encode_status(status), retain=True)

    def _usual(self, i: int, now: float) -> tuple[State, str, Task | None]:
        if i % 97 == 41:
            return State.FAULT, "no answer from the controller at /dev/ttyUSB3", None
        if i % 61 == 17:
            return State.DEGRADED, "encoder 2 is noisy: 3 of 5 readings kept", None
        if i % 9 == 4:
            fraction = (now / 60 + i * 0.13) % 1
            progress = Progress(fraction, f"{fraction * 60:.0f} of 60 s")
            return (
                State.BUSY,
                "",
                Task("expose", f"c{i}", "scheduler", now - fraction * 60, progress),
            )
        return State.READY, "", None

    def _introduce(self, name: str) -> None:
        table = {
            one: Channel(one, unit=unit, description=f"{one} of {name}", rate=1)
            for one, unit in self._channels
        }
        move = {"properties": {"angle": {"type": "number", "minimum": 0, "maximum": 360}},
                "required": ["angle"], "type": "object"}  # fmt: skip
        messages = {
            "move": MessageInfo("Move to an angle.", move),
            "stop": MessageInfo("Stand still at once.", urgent=True),
        }
        about = About(name, "1.4.0", 1, f"One of many: {name}.", messages, table)
        self._publish(self._topics.about(name), encode_about(about), retain=True)

    def _run(self) -> None:
        """Spread one second's work over its second."""
        begin, turn = time.monotonic(), 0
        slices = 20
        while not self._end.is_set():
            for i in range(turn % slices, len(self.names), slices):
                self._measure(i)
                if turn // slices % round(BEAT) == i % round(BEAT):
                    self.say(self.names[i], i)
            turn += 1
            self._end.wait(max(0.0, begin + turn / slices - time.monotonic()))

    def _measure(self, i: int) -> None:
        now = time.time()
        for k, (channel, _) in enumerate(self._channels):
            value = 20 + 5 * k + math.sin(now / (20 + 3 * k) + i) + 0.2 * math.sin(now * 3 + i * k)
            payload = encode_sample(Sample(now, round(value, 4), seq=self.sent))
            self._publish(self._topics.telemetry(self.names[i], channel), payload, qos=0)

    def _publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        self.sent += 1
        self._link.publish(Parcel(topic, payload, qos, retain=retain))
