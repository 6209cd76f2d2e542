"""What an agent says to the others, and what it hears from them."""

from __future__ import annotations

import threading
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyros_mqtt import wire
from pyros_mqtt.agent.conduct import Conduct
from pyros_mqtt.agent.outfit import Outfit
from pyros_mqtt.errors import AskedOneself
from pyros_mqtt.messages import JSON, Alarm, Command
from pyros_mqtt.sender.moments import Eta, moment_of
from pyros_mqtt.sender.receipt import OnProgress, Receipt
from pyros_mqtt.sender.sender import compose
from pyros_mqtt.telemetry import Follow
from pyros_mqtt.transport import Parcel

if TYPE_CHECKING:
    from pyros_mqtt.agent.alarms import OwnAlarms
    from pyros_mqtt.settings import Settings


class Conversation(Conduct):
    """The part of `Agent` that talks with the rest of the observatory."""

    _outfit: Outfit
    _settings: Settings
    _alarms: OwnAlarms | None = None
    _alarms_lock: threading.Lock
    _alarms_file: Path | None = None

    def telemetry(  # noqa: PLR0913 - what a measurement may come with
        self,
        channel: str,
        value: Any,
        unit: str | None = None,
        *,
        time: float | Collection[float] | None = None,
        quality: str = "good",
        t0: float | None = None,
        dt: float | None = None,
    ) -> None:
        """Publish a measurement, or many at once. For any thread.

        What no broker takes is kept, within bounds, and sent after the outage. Many at once are
        a list or a one-dimensional array, such as NumPy's, or a dict of such columns, and come
        either with `time=` for each or, at a steady rate, with `dt=`.

        Args:
            channel: the channel's name; a new one is declared by its first measurement.
            value: a number, text, boolean, None, or a dict of such fields; or columns of them.
            unit: of a new channel, spelled as in VOUnit (`deg`, `m.s**-1`).
            time: POSIX seconds, UTC; by default now. For columns, one for each sample.
            quality: `good`, `uncertain` or `bad`.
            t0: POSIX seconds of the first of many; by default the last of them is now.
            dt: seconds from one of many to the next.

        Raises:
            AgentError: it is no such value, or there are not as many times as values.
            BadName: the channel's name breaks the rule.
        """
        measured = self._outfit.measured
        if dt is not None or t0 is not None:
            measured.publish_batch(channel, value, unit, start=t0, step=dt, quality=quality)
        elif time is None or isinstance(time, int | float):
            measured.publish(channel, value, unit, time, quality)
        else:
            measured.publish_batch(channel, value, unit, times=time, quality=quality)

    def sample_host(self, every: float = 10.0) -> None:
        """Measure the machine itself from now on, or from the start: load, memory, disk, clock.

        Its channels are called `host-load`, `host-memory` and so on. It is measured in a thread
        of its own, so that a disk that does not answer holds nothing up. Needs the extra `host`.

        Args:
            every: seconds between two measurements.

        Raises:
            AgentError: `every` is not positive, or psutil is not installed.
        """
        from pyros_mqtt.telemetry.host import Host

        host = Host(self._outfit.measured, every, self._settings.state_dir)
        if self._life is None:
            self._outfit.companions.append(host)
        else:
            self.thread(host.measure_until, self.stopping, name="host")

    def alarm(  # noqa: PLR0913 - what an alarm tells
        self,
        name: str,
        severity: str,
        text: str,
        *,
        value: JSON = None,
        limit: JSON = None,
        unit: str = "",
    ) -> None:
        """Raise an alarm of this agent's own. For any thread; saying it again costs nothing.

        It stays until `clear_alarm` and somebody's `acknowledge`, also over a restart, and the
        `alarms` agent calls people for it. The first one gives the agent the messages
        `acknowledge`, `shelve` and `unshelve`.

        Args:
            name: one of `[a-z0-9][a-z0-9_-]{0,62}`.
            severity: `warning`, `serious` or `critical`.
            text: what is wrong, for whoever is woken by it.
            value: what was measured, if anything was.
            limit: what it should have been.
            unit: of both.

        Raises:
            BadName: the name breaks the rule.
            AgentError: there is no such severity, or the agent has not been started.
        """
        from pyros_mqtt.alarms import Finding  # loaded at the start, as all that alarms need

        found = Finding(holds=True, value=value, limit=limit)
        self._own_alarms.raise_(name, severity, text, unit, found)

    def clear_alarm(self, name: str) -> None:
        """Say that an alarm's condition is over, or does not hold. For any thread."""
        self._own_alarms.clear(name)

    def severity_shown(self, name: str) -> str | None:
        """How urgent this agent's own alarm is; None: its condition is over. For any thread."""
        return self._alarms.severity_shown(name) if self._alarms is not None else None

    @property
    def _own_alarms(self) -> OwnAlarms:
        with self._alarms_lock:
            if self._alarms is None:
                self._alarms = self._take_up_alarms()
        return self._alarms

    def _take_up_alarms(self) -> OwnAlarms:
        """Go on with the alarms that an earlier life has raised."""
        from pyros_mqtt.agent.alarms import LOOK, OwnAlarms

        life, outfit = self._alive, self._outfit

        def show(name: str, alarm: Alarm | None) -> None:
            topic = outfit.topics.alarm(outfit.name, name)
            payload = b"" if alarm is None else wire.encode_alarm(alarm)
            life.transport.publish(Parcel(topic, payload, retain=True, keep=True))

        own = OwnAlarms(outfit.name, outfit.actions, show, self._alarms_file)
        life.transport.on_state(lambda up: own.show_all() if up else None)
        life.chores.add("shelves of alarms", own.look, LOOK)
        return own

    def follow(self, agent: str, channel: str) -> Follow:
        """Keep the latest value of another agent's channel at hand."""
        for known in self._outfit.followed:
            if (known.agent, known.channel) == (agent, channel):
                return known
        follow = Follow(agent, channel, self._settings.max_clock_skew)
        self._outfit.followed.append(follow)
        if self._life is not None:
            self._life.listen_to(follow)
        return follow

    def send_to(  # noqa: PLR0913 - each is a choice of the sender
        self,
        agent: str,
        message: str,
        /,
        *,
        ttl: float | None = None,
        urgent: bool = False,
        durable: bool = False,
        countdown: float | None = None,
        eta: Eta | None = None,
        args: dict[str, JSON] | None = None,
        **more: JSON,
    ) -> Receipt:
        """Send a message in this agent's name; returns once it has been accepted.

        With `durable`, `countdown` or `eta` as `Sender.send_to`: once it is on the disk.

        Raises:
            AskedOneself: `agent` is this one.
            SendError: as `Sender.send_to`.
            Cancelled: as `sleep`, which it does while it waits.
        """
        arguments, due = {**(args or {}), **more}, moment_of(countdown, eta)
        if durable or due is not None:
            command = self._compose(agent, message, arguments, ttl, urgent=urgent, due=due)
            return self._alive.desk.post(command, due)
        receipt = self.post(agent, message, arguments, ttl=ttl, urgent=urgent)
        while not receipt.is_answered:
            self.checkpoint()
            receipt.wait_answered(0.05)
        return receipt.wait_accepted()

    def post(
        self,
        agent: str,
        message: str,
        args: dict[str, JSON] | None = None,
        *,
        ttl: float | None = None,
        urgent: bool = False,
    ) -> Receipt:
        """Send a message in this agent's name without waiting; its receipt tells how it goes.

        Raises:
            AskedOneself: `agent` is this one.
        """
        command = self._compose(agent, message, args or {}, ttl, urgent=urgent)
        return self._alive.voice.send(command)

    def wait_for(
        self,
        receipt: Receipt,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> JSON:
        """Wait for the end of a command that was sent, and return its result.

        Raises:
            SendError: as `Sender.ask`.
            Cancelled: as `sleep`, which it does while it waits.
        """
        return receipt.result(timeout, on_progress, between=self.checkpoint)

    def ask(  # noqa: PLR0913 - each is a choice of the sender
        self,
        agent: str,
        message: str,
        /,
        *,
        ttl: float | None = None,
        urgent: bool = False,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
        args: dict[str, JSON] | None = None,
        **more: JSON,
    ) -> JSON:
        """Send a message in this agent's name, and wait for its result: `send_to`, `wait_for`."""
        receipt = self.post(agent, message, {**(args or {}), **more}, ttl=ttl, urgent=urgent)
        return self.wait_for(receipt, timeout, on_progress)

    def _compose(  # noqa: PLR0913 - what a command is made of
        self,
        agent: str,
        message: str,
        args: dict[str, JSON],
        ttl: float | None,
        *,
        urgent: bool,
        due: float | None = None,
    ) -> Command:
        command = compose(agent, message, self.name, args=args, ttl=ttl, urgent=urgent, due=due)
        if agent == self.name:
            raise AskedOneself(command, "an agent cannot send to itself: call the method instead")
        return command
