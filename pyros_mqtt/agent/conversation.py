"""What an agent says to the others, and what it hears from them."""

from __future__ import annotations

from pyros_mqtt.agent.conduct import Conduct
from pyros_mqtt.agent.outfit import Outfit
from pyros_mqtt.errors import AskedOneself
from pyros_mqtt.messages import JSON, Command
from pyros_mqtt.sender.desk import Eta, moment_of
from pyros_mqtt.sender.receipt import OnProgress, Receipt
from pyros_mqtt.sender.sender import compose
from pyros_mqtt.telemetry import Follow


class Conversation(Conduct):
    """The part of `Agent` that talks with the rest of the observatory."""

    _outfit: Outfit

    def telemetry(
        self,
        channel: str,
        value: JSON,
        unit: str | None = None,
        *,
        time: float | None = None,
        quality: str = "good",
    ) -> None:
        """Publish a measurement. For any thread.

        Args:
            channel: the channel's name; a new one is declared by its first measurement.
            value: a number, text, boolean, None, or a dict of such fields.
            unit: of a new channel, spelled as in VOUnit (`deg`, `m.s**-1`).
            time: POSIX seconds, UTC; by default now.
            quality: `good`, `uncertain` or `bad`.
        """
        self._outfit.measured.publish(channel, value, unit, time, quality)

    def follow(self, agent: str, channel: str) -> Follow:
        """Keep the latest value of another agent's channel at hand."""
        for known in self._outfit.followed:
            if (known.agent, known.channel) == (agent, channel):
                return known
        follow = Follow(agent, channel)
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
        receipt = self._post(agent, message, arguments, ttl, urgent=urgent)
        while not receipt.is_answered:
            self.checkpoint()
            receipt.wait_answered(0.05)
        return receipt.wait_accepted()

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
        receipt = self._post(agent, message, {**(args or {}), **more}, ttl, urgent=urgent)
        return self.wait_for(receipt, timeout, on_progress)

    def _post(
        self, agent: str, message: str, args: dict[str, JSON], ttl: float | None, *, urgent: bool
    ) -> Receipt:
        return self._alive.voice.send(self._compose(agent, message, args, ttl, urgent=urgent))

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
