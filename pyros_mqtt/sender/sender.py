"""`Sender.send_to(agent, message, ...)`, as in PyROS, and senders with a name of their own."""

from __future__ import annotations

import atexit
import getpass
import os
import re
import secrets
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Concatenate, Generic, ParamSpec, Self, TypeVar

from pyros_mqtt.messages import JSON, Command
from pyros_mqtt.sender.desk import SpoolDesk, spool_path
from pyros_mqtt.sender.moments import Eta, lasting, moment_of
from pyros_mqtt.sender.receipt import OnProgress, Receipt
from pyros_mqtt.sender.voice import Voice
from pyros_mqtt.signing import signer_of
from pyros_mqtt.topics import Topics, check_name
from pyros_mqtt.tracing import tracing
from pyros_mqtt.transport import Bus, settings_for

if TYPE_CHECKING:
    from pyros_mqtt.settings import Settings

DEFAULT_TTL = 30.0
"""Seconds for which a command may start, where its sender does not say."""

P = ParamSpec("P")
R = TypeVar("R")


class _on_the_class_too(Generic[P, R]):  # noqa: N801 - it reads as a decorator
    """A method that, called on the class, acts for the process's default sender."""

    def __init__(self, method: Callable[Concatenate[Sender, P], R]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(self, sender: Sender | None, owner: type[Sender]) -> Callable[P, R]:
        def bound(*args: P.args, **kwargs: P.kwargs) -> R:
            return self._method(sender or owner.default(), *args, **kwargs)

        bound.__doc__ = self.__doc__
        return bound


def compose(  # noqa: PLR0913 - what a command is made of
    agent: str,
    message: str,
    sender: str,
    *,
    args: dict[str, JSON],
    ttl: float | None,
    urgent: bool,
    due: float | None = None,
) -> Command:
    """Make a command with an id of its own, that may start for `ttl` seconds from `due`, or now.

    Raises:
        BadName: the agent's name breaks the rule.
        TypeError, ValueError: `ttl` is no such number.
    """
    now = time.time() if due is None else due
    lifetime = DEFAULT_TTL if ttl is None else lasting("ttl", ttl)
    return Command(
        agent=check_name("agent", agent),
        message=str(message),
        args=args,
        id=secrets.token_hex(12),
        sender=sender,
        sent_at=now,
        deadline=now + lifetime,
        urgent=urgent,
    )


class Sender:
    """Sends commands under one name, over one lasting connection. For any thread.

    `Sender.send_to("dome", "open")` needs no instance: one default sender serves the process. An
    instance has its own name and broker: `Sender("ops").send_to("dome", "open")`.

    Args:
        name: under which the agents report; by default one is made up for this process.
        bus: where to connect; by default the configured brokers.
        settings: by default those of the environment and the files.
    """

    _default: Sender | None = None
    _default_lock = threading.Lock()

    def __init__(
        self,
        name: str | None = None,
        *,
        bus: Bus | None = None,
        settings: Settings | None = None,
    ) -> None:
        settings = settings or settings_for(bus)
        if bus is None:
            from pyros_mqtt.link import Brokers

            bus = Brokers(settings)
        if settings.traces:
            tracing.switch_on()
        self.name = check_name("sender", name or settings.sender or made_up_name())
        signer = signer_of(settings)
        self._topics = Topics(settings.root)
        client = f"{self._topics.root.replace('/', '-')}-from-{self.name}-{secrets.token_hex(3)}"
        self._transport = bus.transport(client)
        self._voice = Voice(self._transport, self._topics, self.name, signer)
        path = spool_path(settings.state_dir, settings.root)
        self._desk = SpoolDesk(bus, self._topics, path, signer)
        self._transport.open()
        self._desk.deliver_what_is_left()

    @classmethod
    def default(cls) -> Sender:
        """The sender that serves the class methods; one a process, made when first needed."""
        with cls._default_lock:
            if cls._default is None:
                cls._default = cls()
                atexit.register(cls.close_default)
            return cls._default

    @classmethod
    def close_default(cls) -> None:
        """Close the default sender, if there is one; the next call makes a new one."""
        with cls._default_lock:
            sender, cls._default = cls._default, None
        if sender is not None:
            sender.close()

    @_on_the_class_too
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
        """Send a message and return once the agent has accepted it.

        A `durable` one returns once it is on this machine's disk. It is delivered in the
        background, by the next process if need be, until the agent has answered or the deadline
        has passed. `countdown` and `eta` send it later, and are durable, too.

        Args:
            agent: the agent's name, such as `Agent.DOME`.
            message: the message's name, as in the agent's table.
            ttl: seconds within which it may start (default 30); it is repeated until then.
            urgent: overtake what waits, where the agent allows it.
            durable: write it to the disk, and return.
            countdown: seconds from now before which it is not sent; `ttl` counts from then.
            eta: the same as a moment: a datetime with a time zone, RFC 3339, or POSIX seconds.
            args: arguments whose names collide with the ones here.
            **more: the message's arguments.

        Raises:
            NobodyListens: no agent of this name is there.
            Rejected: the agent refused it; the text says why.
            Expired: it reached the agent too late.
            Unreachable: no broker could be reached.
            NoAnswer: the deadline passed in silence; whether it was run is not known.
            Undeliverable: the broker refused it.
            BadName: the agent's name breaks the rule.
            SpoolError: a durable one could not be written to the disk.
            ValueError: `eta` is no moment, or comes with a `countdown`.
        """
        arguments = {**(args or {}), **more}
        due = moment_of(countdown, eta)
        if durable or due is not None:
            command = compose(
                agent, message, self.name, args=arguments, ttl=ttl, urgent=urgent, due=due
            )
            return self._desk.post(command, due)
        return self.post(agent, message, arguments, ttl=ttl, urgent=urgent).wait_accepted()

    @_on_the_class_too
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
        """Send a message, wait for its end, and return the action's result.

        Args:
            agent: as for `send_to`.
            message: as for `send_to`.
            ttl: as for `send_to`.
            urgent: as for `send_to`.
            timeout: seconds to wait for the end; None waits for as long as the agent lives.
            on_progress: called in this thread with each report of state `running`.
            args: as for `send_to`.
            **more: as for `send_to`.

        Raises:
            Failed, WasCancelled, Interrupted: how it ended instead.
            SendError: as for `send_to`.
        """
        receipt = self.post(agent, message, {**(args or {}), **more}, ttl=ttl, urgent=urgent)
        return receipt.result(timeout, on_progress)

    def post(
        self,
        agent: str,
        message: str,
        args: dict[str, JSON] | None = None,
        *,
        ttl: float | None = None,
        urgent: bool = False,
    ) -> Receipt:
        """Send a message without waiting for anything; its receipt tells how it goes."""
        command = compose(agent, message, self.name, args=args or {}, ttl=ttl, urgent=urgent)
        return self._voice.send(command)

    def close(self, timeout: float = 2.0) -> None:
        """End the connection; whoever still waits for an answer is told."""
        self._desk.close()
        self._voice.abandon("the sender was closed")
        self._transport.close(timeout)

    def __enter__(self) -> Self:
        """Use the sender for one block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def made_up_name() -> str:
    """A name for a sender that has none: whose process, and which."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "somebody"
    user = re.sub(r"[^a-z0-9_-]", "-", user.lower()).lstrip("_-")[:32] or "somebody"
    return f"{user}-{os.getpid()}-{secrets.token_hex(2)}"


def _after_fork() -> None:
    """A child process shares no connection with its parent."""
    Sender._default = None  # noqa: SLF001 - the same file
    Sender._default_lock = threading.Lock()  # noqa: SLF001


os.register_at_fork(after_in_child=_after_fork)
