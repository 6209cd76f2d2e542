"""`Agent`: the class that users inherit."""

from __future__ import annotations

import inspect
import logging
import re
import signal
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from pyros_mqtt.agent import hosting
from pyros_mqtt.agent.appointment import check_almanac
from pyros_mqtt.agent.conversation import Conversation
from pyros_mqtt.agent.outfit import Outfit
from pyros_mqtt.daily import Almanac
from pyros_mqtt.dispatch import (
    Action,
    ActionTable,
    Rules,
    marked_actions,
    marked_chores,
    marked_names,
    refuse_unless_ordinary,
)
from pyros_mqtt.errors import ActionFailed, AgentError
from pyros_mqtt.failpoints import arm
from pyros_mqtt.messages import Channel
from pyros_mqtt.telemetry import Channels, Room
from pyros_mqtt.topics import Topics, check_name
from pyros_mqtt.transport import settings_for
from pyros_mqtt.version import __version__

if TYPE_CHECKING:
    from pyros_mqtt.agent.life import Life
    from pyros_mqtt.journal import Journal
    from pyros_mqtt.settings import Settings
    from pyros_mqtt.transport import Bus

HOOKS = ("work", "shutdown", "receive", "analyze_message")
"""The methods that an agent's life calls, and that subclasses override."""


class Agent(Conversation):
    """A named process that takes messages, does work, and shows its state.

    Inherit, call `super().__init__(name)` first, and give each message a method: by `@on`, or by
    `self.actions_by_message[MESSAGE] = self.method`. Actions run one at a time in the agent's own
    thread, so they need no locks; urgent ones run beside them in the urgent thread.

    Args:
        name: one of `[a-z0-9][a-z0-9_-]{0,62}`; by default the class's name in lower case.
        bus: where to connect; by default the configured brokers.
        settings: by default those of the environment and the files; on a loopback, its own.
        journal: where accepted commands are remembered; by default as the settings say.

    Raises:
        BadName: the name breaks the rule.
        AgentError: its class is written wrongly: an action, a chore, a hook or its channels.
    """

    ALERT_MANAGER: ClassVar[str] = "alert_manager"
    CAMERA: ClassVar[str] = "camera"
    DOME: ClassVar[str] = "dome"
    MAJORDOME: ClassVar[str] = "majordome"
    MONITORING: ClassVar[str] = "monitoring"
    OBSERVATION_MANAGER: ClassVar[str] = "observation_manager"
    SAFETY: ClassVar[str] = "safety"
    SCHEDULER: ClassVar[str] = "scheduler"
    TELESCOPE: ClassVar[str] = "telescope"
    WEATHER: ClassVar[str] = "weather"

    ABORT: ClassVar[str] = "abort"
    SHUTDOWN: ClassVar[str] = "shutdown"

    channels: Iterable[Channel] = ()
    """What it measures; further channels show up with their first measurement."""

    version: str = __version__
    """Shown in the status."""

    almanac: Almanac | None = None
    """What daily chores go by, those of the sky and then all; set it before the agent starts."""

    def __init__(
        self,
        name: str | None = None,
        *,
        bus: Bus | None = None,
        settings: Settings | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.name = check_name("agent", _own_name(type(self)) if name is None else name)
        self.log = logging.getLogger(f"pyros.{self.name}")
        settings = settings or settings_for(bus)
        self._settings = settings.of_agent(self.name)
        self._bus = bus
        self._journal = journal
        self._alarms_lock = threading.Lock()
        self.actions_by_message = ActionTable(self)
        topics = Topics(settings.root)
        self._outfit = Outfit(
            self.name,
            topics,
            self.actions_by_message,
            measured=Channels(self.name, topics, self.channels, _room(settings)),
            chores=marked_chores(self),
            version=self.version,
            description=inspect.cleandoc(type(self).__doc__ or ""),
            reads_messages_itself=type(self).analyze_message is not Agent.analyze_message,
        )
        self._bind()

    def __init_subclass__(cls, **options: Any) -> None:
        """Refuse an action or a chore that would hide a method of ours."""
        super().__init_subclass__(**options)
        for name in marked_names(cls):
            if hasattr(Agent, name):
                raise AgentError(
                    f"{cls.__name__}.{name} would hide Agent.{name}, which agents need: give the "
                    f"method another name; the message in @on({name!r}) can stay"
                )

    def _bind(self) -> None:
        for hook in HOOKS:
            refuse_unless_ordinary(f"{type(self).__name__}.{hook}", getattr(self, hook))
        always = Rules(urgent=True, idempotent=True)
        self.actions_by_message.bind(Action(self.ABORT, _abort, always))
        self.actions_by_message.bind(Action(self.SHUTDOWN, _shut_down, always))
        for action in marked_actions(self):
            self.actions_by_message.bind(action)

    if not TYPE_CHECKING:

        def __getattr__(self, attribute: str) -> Any:
            """Tell a subclass that forgot to call our constructor."""
            kind = type(self).__name__
            if "_outfit" not in self.__dict__:
                raise AgentError(
                    f"{kind}.__init__ has to call super().__init__(name) before anything else "
                    f"(it wanted {attribute!r})"
                )
            raise AttributeError(f"{kind!r} object has no attribute {attribute!r}")

    # -- to override ----------------------------------------------------------------------------

    def work(self) -> None:
        """Start the work: runs once, in the agent's thread. Must return.

        No message is taken before, but for urgent ones: those run at once, also while this runs.
        """

    def shutdown(self) -> None:
        """Clean up: runs once, in the agent's thread, when an agent stops that has begun to work.

        It may wait with `self.sleep` and ask others; urgent messages are taken until it returns.
        Not for long, though: a `pyros up` that is stopped kills its agents after 5 s.
        """

    def receive(self) -> None:
        """Run messages as they come and chores when due, until the agent stops.

        Runs in the agent's thread after `work()`. Override it to do something before or after.
        """
        self._alive.rhythm.receive()

    def analyze_message(self, message: str) -> Any:
        """Find the action of a message and call it; returns its result.

        Runs in the agent's thread (the urgent thread for urgent messages). An agent that
        overrides it is given every message, also those that are not in its table;
        `self.command` is the whole command.
        """
        ticket = self._alive.stage.current
        if ticket is not None and ticket.action is not None and ticket.command.message == message:
            return ticket.action.call(**ticket.arguments)
        action = self.actions_by_message.action(message)
        if action is None:
            raise ActionFailed(f"there is no message {message!r}", "unknown-message")
        return action.call()

    # -- life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the agent's threads. Returns at once; connecting and `work()` follow.

        The process lives until the agent ends. One that is started while a web server sets up its
        applications is a guest there: it ends, with a goodbye, when the server does.

        Raises:
            AgentError: it has been started before, or a chore waits for an event of the sky and
                there is no `almanac`.
            SettingsError: no broker is configured.
            JournalError: the journal on disk cannot be opened.
        """
        if self._life is not None:
            raise AgentError(f"{self.name} has been started already; make a new one instead")
        from pyros_mqtt.agent.life import Life  # not needed where only Agent.DOME is

        whens = (chore.when for chore, _ in self._outfit.chores.values())
        check_almanac(self.name, whens, self.almanac)
        bus = self._bus
        if bus is None:
            from pyros_mqtt.link import Brokers

            bus = Brokers(self._settings)
        arm(self._settings.fail)
        journal = self._own_journal() if self._journal is None else self._journal
        self._life = Life(self, self._outfit, bus, self._settings, journal)
        self._go_on_with_alarms()
        self._watch_certificate(self._life)
        self._life.start()
        for companion in self._outfit.companions:
            self.thread(companion.measure_until, self.stopping, name="host")
        if hosting.is_guest():
            hosting.heed_sigterm()

    def wait_ready(self, timeout: float = 10.0) -> bool:
        """Wait until the agent takes commands; whether it does within `timeout` seconds."""
        return self._alive.wait_ready(timeout)

    def _go_on_with_alarms(self) -> None:
        """Take up the alarms of an earlier life, where there are some."""
        from pyros_mqtt.agent.alarms import own_alarms_file
        from pyros_mqtt.agent.life import EVICTED

        settings, topics = self._settings, self._outfit.topics
        if settings.journal == "sqlite":
            self._alarms_file = own_alarms_file(settings.state_dir, topics.client_id(self.name))
            if self._alarms_file.is_file():
                self.clear_alarm(EVICTED)  # this life begins under its own client id

    def _watch_certificate(self, life: Life) -> None:
        """Have an alarm raised in time before our certificate ends, if we come by one."""
        settings = self._settings
        if settings.cert_file is not None:
            from pyros_mqtt.agent.certificate import EVERY, CertificateWatch

            watch = CertificateWatch(self, self.name, settings.cert_file, settings.ca_file)
            life.chores.add("certificate", watch.look, EVERY)

    def _own_journal(self) -> Journal:
        from pyros_mqtt.journal import journal_path, open_journal

        settings, topics = self._settings, self._outfit.topics
        path = journal_path(settings.state_dir, topics.client_id(self.name))
        brokers = [f"{one.host}:{one.port}" for one in settings.brokers]
        return open_journal(settings.journal, path, settings.max_clock_skew, brokers)

    def stop(self) -> None:
        """Ask the agent to end: cancels what runs and waits. Returns at once."""
        self._alive.stop()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the agent has ended; whether it has within `timeout` seconds.

        Raises:
            NameTaken: it ended because another live agent holds its name.
            Exception: what ended it, if `work()` or `receive()` raised.
        """
        ended = self._alive.join(timeout)
        if ended and self._alive.failure is not None:
            raise self._alive.failure
        return ended

    def run(self) -> None:
        """Start, and block until the agent ends.

        Called in the main thread, it lets SIGTERM and SIGINT end the agent.

        Raises:
            As `start` and `join`.
        """
        self.start()
        heeded = (signal.SIGTERM, signal.SIGINT) if _is_main_thread() else ()
        before = {number: signal.signal(number, self._on_signal) for number in heeded}
        try:
            while not self.join(timeout=0.5):
                pass
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: object) -> None:
        if self._alive.stopping.is_set():
            raise KeyboardInterrupt
        task = self._alive.condition.task
        waits = f"; waiting for {task.message!r}, once more to leave at once" if task else ""
        self.stop()  # before a word of it, for the next signal may follow that word
        self.log.info("%s received%s", signal.Signals(number).name, waits)

    @property
    def is_alive(self) -> bool:
        """The agent has been started and has not ended."""
        return self._life is not None and self._life.is_alive


def _room(settings: Settings) -> Room:
    return Room(settings.outage_samples, settings.outage_bytes)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _own_name(kind: type) -> str:
    """`AlertManager` becomes `alert_manager`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind.__name__).lower().strip("_")


def _abort() -> None:
    """Cancel the command that runs and all that wait."""


def _shut_down() -> None:
    """End the agent."""
