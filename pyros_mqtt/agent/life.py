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
from pyros_mqtt.agent.ownership import Finding
from pyros_mqtt.agent.performance import Stage
from pyros_mqtt.agent.recovery import resume
from pyros_mqtt.agent.tenure import OFFLINE, Tenure
from pyros_mqtt.agent.threads import Threads
from pyros_mqtt.condition import Condition
from pyros_mqtt.errors import AgentError, Cancelled, NameTaken
from pyros_mqtt.inbox import Inbox, Limits, Ticket
from pyros_mqtt.logbook import Logbook
from pyros_mqtt.messages import Outcome, Progress, State, Status
from pyros_mqtt.outbox import Outbox
from pyros_mqtt.sender import SpoolDesk, Voice
from pyros_mqtt.spool import spool_path
from pyros_mqtt.telemetry import Follow
from pyros_mqtt.transport import Bus, Delivery, Parcel

if TYPE_CHECKING:
    from pyros_mqtt.journal import Journal
    from pyros_mqtt.settings import Settings

log = logging.getLogger(__name__)

SLOW_WORK = 5.0
"""Seconds after which a `work()` that has not returned is called out."""

PROGRESS_PAUSE = 0.1
"""Least seconds between two reports of progress; what comes in between only shows in the status."""

STOPS = "the agent is stopping"

FAREWELL = 2.0
"""Most seconds for the last status and the disconnection together."""

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
        self._warned = False
        self._is_ending = False
        self._over = threading.Event()
        self._connected = threading.Event()
        self._settled = threading.Event()
        self._log = logging.getLogger(f"pyros.{outfit.name}")
        self._introduced = -1
        self._journal = journal
        self._spool_path = spool_path(settings.state_dir, settings.root)
        self._publish_logs = settings.publish_logs
        self._topics = outfit.topics
        self.transport = bus.transport(self._topics.client_id(outfit.name))
        claim = Status(
            outfit.name,
            State.STARTING,
            session=self.session,
            boot=time.time_ns() // 1_000_000,
            beat=settings.beat,
            version=outfit.version,
        )
        self.outbox = Outbox(self.transport, self._topics, claim, self.condition, journal)
        self.stage = Stage(self.outbox, self.condition)
        self.tenure = Tenure(
            bus, outfit.topics, outfit.name, self.session, self.outbox, self._move_in, self._leave
        )
        self.inbox = Inbox(
            outfit.name,
            outfit.actions,
            journal,
            self.outbox.send,
            lambda: self.condition.life,
            session=self.session,
            limits=Limits(settings.max_payload, settings.max_waiting, settings.max_clock_skew),
            accepts_all=outfit.reads_messages_itself,
        )
        self._wire_up()
        # a guest must not keep its host alive; otherwise as threads do: like the one that starts it
        daemon = True if hosting.is_guest() else None
        self._main = threading.Thread(target=self._run, name=f"agent {outfit.name}", daemon=daemon)
        self._urgent = threading.Thread(
            target=self._run_urgent, name=f"urgent {outfit.name}", daemon=True
        )

    def _wire_up(self) -> None:
        name, topics, transport = self._name, self._topics, self.transport
        transport.subscribe(topics.inbox(name), self.inbox.receive)
        transport.subscribe(topics.status(name), self.tenure.hear)
        transport.subscribe(topics.about(name), self._defend_about)
        transport.on_turn(self.inbox.end_turn)
        transport.on_turn(self._tick)
        transport.on_state(self._state_changed)
        transport.guard(self.tenure.may_return)
        self.logbook = Logbook(name, topics, transport, self._publish_logs)
        self.voice = Voice(transport, topics, name)
        self.desk = SpoolDesk(self._bus, topics, self._spool_path)
        self._outfit.measured.connect(transport, self.session)
        for follow in self._outfit.followed:
            self.listen_to(follow)
        for title, (chore, call) in self._outfit.chores.items():
            self.chores.add(title, partial(hosting.work, call), chore.when, self._agent.almanac)

    # -- for any thread -----------------------------------------------------------------------

    def start(self) -> None:
        """Start the agent's threads. Returns at once."""
        self._main.start()
        hosting.see_off(self)

    def stop(self, why: str = STOPS) -> None:
        """Ask everything to end; the running action ends at its next checkpoint.

        From now on no ordinary command is accepted.
        """
        self.stopping.set()
        if self.condition.life in {State.STARTING, State.READY} and not self.tenure.is_lost:
            task = self.condition.task
            self.condition.enter(State.STOPPING, f"waits for {task.message}" if task else "")
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

    def is_here(self) -> bool:
        """The caller is the agent's thread."""
        return threading.current_thread() is self._main

    # -- the agent's thread -------------------------------------------------------------------

    def _run(self) -> None:
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
            elif isinstance(error, AgentError):
                where = log.isEnabledFor(logging.DEBUG)
                log.error("agent %s has failed: %s", self._name, error, exc_info=where)  # noqa: TRY400 - its text says it all
            else:
                log.exception("agent %s has failed", self._name)
        finally:
            self._end()

    def _move_in(self, finding: Finding) -> None:
        """The name is ours: take up what an earlier life has left, and connect."""
        self.outbox.rebase(max(finding.last_boot, self._journal.last_boot()))
        self._journal.begin_life(self.outbox.boot)
        resume(self._journal, self._outfit.actions, self.inbox, self.outbox.send)
        name = self._name
        payload = wire.last_will(name, self.session, self.outbox.boot)
        self.transport.open(Parcel(self._topics.status(name), payload, retain=True))

    def _work(self) -> None:
        self._work_began = time.monotonic()
        hosting.work(self._agent.work)
        self.condition.sign(time.monotonic())
        if not self.stopping.is_set():
            self.condition.enter(State.READY)
            self._introduce()
            self.outbox.publish_status()
            self._log.info("ready")
            self._settled.set()

    def receive(self) -> None:
        """Run what comes, one at a time, and chores when due, until the agent stops."""
        while not self.stopping.is_set():
            now = time.monotonic()
            self.condition.sign(now)
            self.chores.run_due(now)
            pause = min(self.chores.next_due(time.monotonic()), 1.0)
            ticket = self.inbox.take(pause, self.stage.prepare)
            if ticket is not None:
                self.stage.perform(ticket, self._perform)

    def pause(self, seconds: float, cancelled: threading.Event | None) -> None:
        """Wait within an action, showing life and running due chores meanwhile.

        Raises:
            Cancelled: the action has been cancelled, or the agent stops. `shutdown()` may wait.
        """
        end = time.monotonic() + seconds
        may_finish = self._is_ending and self.is_here()
        event = cancelled or (self._over if may_finish else self.stopping)
        while True:
            now = time.monotonic()
            if self.is_here():
                self.condition.sign(now)
                self.chores.run_due(now)
            if event.is_set():
                raise Cancelled
            left = end - time.monotonic()
            if left <= 0:
                return
            due = self.chores.next_due(time.monotonic()) if not self.chores.is_busy else left
            event.wait(min(left, max(due, 0.005), 1.0) if self.is_here() else left)

    def advance(self, ticket: Ticket, progress: Progress, patience: float | None) -> None:
        """Show how far an action has come."""
        now = time.monotonic()
        if not ticket.is_urgent:
            self.condition.advance(progress, now, patience)
        if now - ticket.told >= PROGRESS_PAUSE or patience is not None or progress.fraction == 1:
            ticket.told = now
            self.outbox.advanced(ticket.command, progress, patience)

    def _perform(self, ticket: Ticket) -> Any:
        return hosting.work(partial(self._agent.analyze_message, ticket.command.message))

    def _end(self) -> None:
        """Leave so that nobody waits for us in vain."""
        self.stopping.set()
        self._settled.set()
        self.inbox.wake()
        self.tenure.give_up()
        taken = self.tenure.is_lost
        if not taken:
            self.condition.enter(State.STOPPING)
            self.outbox.publish_status()
        self._cancel(self.inbox.withdraw(), STOPS)
        self._shut_down()
        reason = f"it failed: {self.failure}" if self.failure else ""
        left = ", ".join(self.threads.join(THREADS_END))
        if left:
            log.warning("%s: these threads have not ended: %s", self._name, left)
            reason = "; ".join(filter(None, [reason, f"threads that have not ended: {left}"]))
        if not taken:
            self._outfit.measured.finish(FAREWELL / 2)
        self.outbox.dropped = self._outfit.measured.dropped
        self.condition.enter(State.STOPPED, reason)
        # what was accepted in the last moments
        self._cancel(self.inbox.withdraw() + self.inbox.withdraw(urgent=True), STOPS)
        self.voice.abandon(STOPS)
        if not taken and self.transport.is_up:
            self.outbox.wait_until_told(FAREWELL / 2)
        self.desk.close()
        self.logbook.close()
        self.transport.close(FAREWELL / 2)
        self._journal.close()

    def _shut_down(self) -> None:
        """Let the agent clean up, if it has begun to work; urgent messages are run meanwhile."""
        self._is_ending = True
        try:
            if self._work_began is not None:
                hosting.work(self._agent.shutdown)
        except BaseException:
            log.exception("%s: shutdown() failed", self._name)
        self._over.set()
        self.inbox.wake()
        if self._urgent.is_alive():
            self._urgent.join(FAREWELL)

    # -- the urgent thread --------------------------------------------------------------------

    def _run_urgent(self) -> None:
        while True:
            ticket = self.inbox.take_urgent(1.0)
            if ticket is None:
                if self._over.is_set():
                    return
                continue
            message = ticket.command.message
            if message == "abort":
                self._abort()
            self.stage.perform(ticket, self._perform)
            if message == "shutdown":
                self.stop("the agent was told to shut down")

    def _abort(self) -> None:
        """Cancel the command that runs, and all that wait."""
        self.stage.cancel_main("aborted")
        waiting = self.inbox.withdraw()
        self.stage.cancel_main("aborted")  # the one that has come up meanwhile
        self._cancel(waiting, "aborted")

    def _cancel(self, tickets: list[Ticket], why: str) -> None:
        """Give commands that will not be run their terminal report."""
        for ticket in tickets:
            self.stage.end(ticket, Outcome.CANCELLED, "cancelled", why)

    # -- the network thread -------------------------------------------------------------------

    def _tick(self) -> None:
        life = self.condition.life
        began = self._work_began
        slow = began is not None and time.monotonic() - began > SLOW_WORK
        if life is State.STARTING and slow and not self._warned:
            self._warned = True
            text = f"work() has not returned for {SLOW_WORK:.0f} s; until then no message is taken"
            log.warning("%s: %s", self._name, text)
            self.condition.enter(State.STARTING, text)
        if life is State.READY and self._introduced != self._outfit.vocabulary():
            self._introduce()
        self.outbox.waiting = self.inbox.waiting
        self.outbox.dropped = self._outfit.measured.dropped
        if not self.tenure.is_lost:
            self.outbox.tick()

    def _introduce(self) -> None:
        self._introduced = self._outfit.vocabulary()
        self.outbox.introduce(self._outfit.about(self._journal.kind))

    def _defend_about(self, delivery: Delivery) -> None:
        """Say again what we understand, where somebody has written over it."""
        if not self.outbox.is_our_about(delivery.payload):
            self._introduce()

    def _state_changed(self, up: bool) -> None:  # noqa: FBT001 - the transport's signature
        if up:
            self._log.info("connected")
            self.outbox.greet()
        elif not self._over.is_set():
            self._log.warning("the connection is lost: %s", self.transport.trouble)
        self._connected.set()

    def _leave(self, why: NameTaken) -> None:
        """Another one holds our name: stop acting, without a word on the bus."""
        self.transport.unsubscribe(self._topics.inbox(self._name))
        self.failure = why
        self.stop("another agent of this name has taken over")
