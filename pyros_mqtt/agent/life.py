"""One life of an agent: its threads, from the look at its name to its last status."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from pyros_mqtt import wire
from pyros_mqtt.agent import hosting
from pyros_mqtt.agent.chores import Chores
from pyros_mqtt.agent.outfit import Hooks, Outfit
from pyros_mqtt.agent.ownership import Sighting
from pyros_mqtt.agent.performance import Stage
from pyros_mqtt.agent.presence import Presence
from pyros_mqtt.agent.recovery import resume
from pyros_mqtt.agent.rhythm import Rhythm
from pyros_mqtt.agent.tenure import OFFLINE, Tenure
from pyros_mqtt.agent.threads import Threads
from pyros_mqtt.agent.urgency import UrgentLane
from pyros_mqtt.agent.watchdog import Watchdog
from pyros_mqtt.condition import Condition
from pyros_mqtt.errors import AgentError, Cancelled, JournalError, NameTaken, words_of
from pyros_mqtt.inbox import Inbox, Limits, Ticket
from pyros_mqtt.logbook import Logbook
from pyros_mqtt.messages import State, Status
from pyros_mqtt.outbox import Outbox
from pyros_mqtt.sender import SpoolDesk, Voice, spool_path
from pyros_mqtt.signing import Guard, guard_of, signer_of
from pyros_mqtt.telemetry import Follow
from pyros_mqtt.tracing import tracing
from pyros_mqtt.transport import Bus, Parcel, Transport

if TYPE_CHECKING:
    from pyros_mqtt.journal import Journal
    from pyros_mqtt.settings import Settings

log = logging.getLogger(__name__)

STOPS = "the agent is stopping"

FAREWELL = 2.0
"""Most seconds for the last status and the disconnection together."""

EVICTED = "client-id"
"""The alarm of an agent that is thrown off the broker again and again."""

THREADS_END = 5.0
"""Most seconds that the threads of the agent's own code have to end after `shutdown()`."""


class Life:
    """Runs an agent. `start` and `stop` are for any thread."""

    def __init__(
        self, agent: Hooks, outfit: Outfit, bus: Bus, settings: Settings, journal: Journal
    ) -> None:
        self._agent = agent
        self._outfit = outfit
        self._name = outfit.name
        self._bus = bus
        self.session = secrets.token_hex(8)
        self.condition = Condition(time.monotonic())
        self.chores = Chores(self.condition)
        self.threads = Threads(outfit.name, self.condition)
        self.stopping = threading.Event()
        self.failure: BaseException | None = None
        self._work_began: float | None = None
        self._connected = threading.Event()
        self._settled = threading.Event()
        self._log = logging.getLogger(f"pyros.{outfit.name}")
        self._skew = settings.max_clock_skew
        self._spool_path = spool_path(settings.state_dir, settings.root)
        self._publish_logs = settings.publish_logs
        self._topics = outfit.topics
        self.transport = bus.transport(self._topics.client_id(outfit.name))
        self._guard, self._signer = guard_of(settings), signer_of(settings)
        self._journal = journal = _watched(journal, outfit, self.transport, settings)
        claim = _first_status(outfit, self.session, settings.beat)
        self.outbox = Outbox(self.transport, self._topics, claim, self.condition, journal)
        self.stage = Stage(self.outbox, self.condition)
        self.tenure = Tenure(
            bus, outfit.topics, outfit.name, self.session, self.outbox,
            self._move_in, self._leave, journal.is_taken_over,
        )  # fmt: skip
        self.inbox = Inbox(
            outfit.name,
            outfit.actions,
            journal,
            self.outbox.send,
            lambda: self.condition.life,
            session=self.session,
            limits=Limits(settings.max_payload, settings.max_waiting, settings.max_clock_skew),
            accepts_all=outfit.reads_messages_itself,
            guard=self._guard,
            suffer=self.outbox.suffer,
            is_quick=self.stage.is_quick,
        )
        self.presence = Presence(
            outfit, self.outbox, self.inbox, self.condition, self.tenure, journal.kind
        )
        self.rhythm = Rhythm(
            self.inbox, self.chores, self.stage, self.condition, self.stopping, self._perform
        )
        self._urgent = UrgentLane(
            outfit.name, self.inbox, self.stage, self.condition, self._perform, self.stop
        )
        is_guest = hosting.is_guest()
        self._watchdog = Watchdog(
            outfit.name,
            self.condition,
            self.stage,
            self.presence,
            lambda: self._work_began,
            lambda: hosting.is_last(self),
            may_kill=not is_guest,
        )
        self._wire_up()
        # a guest must not keep its host alive; otherwise as threads do: like the one that starts it
        daemon = True if is_guest else None
        self._main = threading.Thread(target=self._run, name=f"agent {outfit.name}", daemon=daemon)

    def _wire_up(self) -> None:
        name, topics, transport = self._name, self._topics, self.transport
        transport.subscribe(topics.inbox(name), self.inbox.receive)
        transport.subscribe(topics.status(name), self.tenure.hear)
        transport.subscribe(topics.about(name), self.presence.defend_about)
        transport.on_turn(self.inbox.end_turn, vouches=True)
        transport.on_turn(self.tenure.tick)
        transport.on_turn(self.presence.tick)
        if self._guard is not None:
            transport.on_turn(partial(_watch_trust, self._guard, self.condition))
        transport.on_state(self._state_changed)
        transport.guard(self.tenure.may_return, self._evicted)
        self.logbook = Logbook(name, topics, transport, self._publish_logs)
        self.voice = Voice(transport, topics, name, self._signer)
        self.desk = SpoolDesk(self._bus, topics, self._spool_path, self._signer)
        self._outfit.measured.connect(transport, self.session)
        for follow in self._outfit.followed:
            self.listen_to(follow)
        for title, (chore, call) in self._outfit.chores.items():
            self.chores.add(title, partial(hosting.work, call), chore.when, self._agent.almanac)

    # -- for any thread -----------------------------------------------------------------------

    def start(self) -> None:
        """Start the agent's threads. Returns at once."""
        self._main.start()
        self._watchdog.start()
        hosting.see_off(self)

    def stop(self, why: str = STOPS) -> None:
        """Ask everything to end; the running action ends at its next checkpoint.

        From now on no ordinary command is accepted.
        """
        self.stopping.set()
        self._watchdog.stopping()
        if not self.tenure.is_lost:
            task = self.condition.task
            remark = f"waits for {task.message}" if task else ""
            self.condition.enter(State.STOPPING, remark, coming_from={State.STARTING, State.READY})
        self.stage.cancel_main(why)
        self.inbox.wake()

    def listen_to(self, follow: Follow) -> None:
        """Keep a neighbour's channel at hand."""
        topic = self._topics.telemetry(follow.agent, follow.channel)
        self.transport.subscribe(topic, follow.hear)

    def join(self, timeout: float | None) -> bool:
        """Wait for the end of the agent's thread; whether it has come."""
        self._main.join(timeout)
        return not self._main.is_alive()

    def wait_ready(self, timeout: float) -> bool:
        """Wait until commands are taken, or the end; whether they are."""
        self._settled.wait(timeout)
        return self.condition.life is State.READY and self.transport.is_up

    @property
    def is_alive(self) -> bool:
        """The agent's thread runs."""
        return self._main.is_alive()

    @property
    def has_begun(self) -> bool:
        """The agent's `work()` has been called."""
        return self._work_began is not None

    # -- the agent's thread -------------------------------------------------------------------

    def _run(self) -> None:
        self.rhythm.begin()
        try:
            if self.tenure.claim():
                # so that the first measurements and words find a connection
                self._connected.wait(OFFLINE)
            self._urgent.start()
            if not self.stopping.is_set():
                self._work()
                self._agent.receive()
        except Cancelled:
            pass
        except BaseException as error:
            self.failure = error
            self.stopping.set()
            if isinstance(error, NameTaken):
                log.warning("%s does not start: %s", self._name, error)
            elif isinstance(error, (AgentError, JournalError)):
                where = log.isEnabledFor(logging.DEBUG)
                log.error("agent %s has failed: %s", self._name, error, exc_info=where)  # noqa: TRY400 - its text says it all
            else:
                log.exception("agent %s has failed", self._name)
        finally:
            self._end()

    def _move_in(self, seen: Sighting) -> None:
        """The name is ours: take up what an earlier life has left, and connect."""
        self.outbox.rebase(seen.last_boot)
        self.outbox.rebase(self._journal.begin_life(self.outbox.boot))
        resume(self._journal, self._outfit.actions, self.inbox, self.outbox.send, self._skew)
        name = self._name
        payload = wire.last_will(name, self.session, self.outbox.boot)
        self.presence.begin()
        self.transport.open(Parcel(self._topics.status(name), payload, retain=True))
        self.desk.deliver_what_is_left(name)

    def _work(self) -> None:
        self._work_began = time.monotonic()
        hosting.work(self._agent.work)
        self.condition.sign(time.monotonic())
        if self.stopping.is_set():
            return
        if self.condition.enter(State.READY, coming_from={State.STARTING}):
            self.presence.introduce()
            self.outbox.publish_status()
            self._log.info("ready")
            self._settled.set()

    def _perform(self, ticket: Ticket) -> Any:
        return hosting.work(partial(self._agent.analyze_message, ticket.command.message))

    def _end(self) -> None:
        """Leave so that nobody waits for us in vain."""
        self.stopping.set()
        self._watchdog.stopping()
        self._settled.set()
        self.inbox.wake()
        self.stage.say()
        self.tenure.give_up()
        taken = self.tenure.is_lost
        if not taken:
            self.condition.enter(State.STOPPING)
            self.outbox.publish_status()
        self.stage.cancel_waiting(self.inbox.withdraw(), STOPS)
        self._shut_down()
        reason = f"it failed: {words_of(self.failure)}" if self.failure else ""
        left = ", ".join(self.threads.join(THREADS_END))
        if left:
            log.warning("%s: these threads have not ended: %s", self._name, left)
            reason = "; ".join(filter(None, [reason, f"threads that have not ended: {left}"]))
        if not taken:
            self._outfit.measured.finish(FAREWELL / 2)
        self.outbox.dropped = self._outfit.measured.dropped
        self.condition.enter(State.STOPPED, reason)
        # what was accepted in the last moments
        last = self.inbox.withdraw() + self.inbox.withdraw(urgent=True)
        self.stage.cancel_waiting(last, STOPS)
        self.voice.abandon(STOPS)
        if not taken and self.transport.is_up:
            self.outbox.wait_until_told(FAREWELL / 2)
        self.desk.close()
        self.logbook.close()
        self.transport.close(FAREWELL / 2)
        self._journal.close()
        self._watchdog.end()

    def _shut_down(self) -> None:
        """Let the agent clean up, if it has begun to work; urgent messages are run meanwhile."""
        self.rhythm.wind_down(self._urgent.over)
        try:
            if self._work_began is not None:
                hosting.work(self._agent.shutdown)
        except BaseException:
            log.exception("%s: shutdown() failed", self._name)
        self._urgent.end(FAREWELL)

    # -- the network thread -------------------------------------------------------------------

    def _state_changed(self, up: bool) -> None:  # noqa: FBT001 - the transport's signature
        if up:
            self.presence.connected()
        elif not self._urgent.over.is_set():
            self._log.warning("the connection is lost: %s", self.transport.trouble)
        self._connected.set()

    def _evicted(self, what: str) -> None:
        """Somebody else comes to the broker under our client id; we go on under another one."""
        log.error("%s: %s", self._name, what)
        self._agent.alarm(EVICTED, "serious", what)

    def _leave(self, why: Exception) -> None:
        """The name is another one's, or cannot be moved in to: stop acting."""
        self.transport.unsubscribe(self._topics.inbox(self._name))
        self.failure = why
        self.stop("another agent of this name has taken over" if self.tenure.is_lost else STOPS)


def _first_status(outfit: Outfit, session: str, beat: float) -> Status:
    boot = time.time_ns() // 1_000_000
    return Status(
        outfit.name, State.STARTING, session=session, boot=boot, beat=beat, version=outfit.version
    )


def _watched(journal: Journal, outfit: Outfit, transport: Transport, settings: Settings) -> Journal:
    """Let metrics and traces look on, where the settings ask for them."""
    if settings.traces:
        tracing.switch_on()
    if not settings.metrics_port:
        return journal
    from pyros_mqtt.metrics import observed

    return observed(journal, outfit.name, transport, settings)


def _watch_trust(guard: Guard, condition: Condition) -> None:
    """Read trust.toml anew where it has changed, and show what is wrong with it."""
    if not guard.look():
        return
    if guard.problem:
        condition.degrade(guard.problem, "trust")
    else:
        condition.recover("trust")
