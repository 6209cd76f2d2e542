"""The alert manager: reads notices, decides about each, and tells the scheduler."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyros_agents.astronomy.sky import SkyClock
from pyros_agents.notices import (
    Casebook,
    Course,
    Decision,
    Limits,
    Notice,
    UnreadableNotice,
    decide,
    read_notice,
)
from pyros_agents.notices.decision import LARGEST_ERROR, OLDEST_AGE
from pyros_agents.notices.drop_box import DropBox
from pyros_agents.notices.order_book import Order, OrderBook
from pyros_agents.notices.reading import LARGEST
from pyros_mqtt import ActionFailed, Agent, Channel, Rejected, SendError, every, on

ORDER_TTL = 5.0
"""Wall seconds for which the scheduler may take an order, and for which we wait for its word."""

_MESSAGES = {Course.OBSERVE: "observe", Course.UPDATE: "update", Course.STOP: "retract"}


class AlertManager(Agent):
    """Reads notices of gamma-ray bursts and their like, and has the good ones observed."""

    channels = (
        Channel(
            "alert",
            description="the last notice: what is done about it, and why",
            fields=("ivorn", "event", "decision", "reason", "ra", "dec", "error"),
            retain=True,
            qos=1,
        ),
    )

    def __init__(  # noqa: PLR0913 - each is a key of the configuration
        self,
        name: str = "alert_manager",
        *,
        sky: Mapping[str, Any] | SkyClock | None = None,
        watch: str | Path | None = None,
        largest_error: float = LARGEST_ERROR,
        oldest_age: float = OLDEST_AGE,
        exposures: int = 3,
        seconds: float = 30.0,
        settle: float = 1.0,
        scheduler: str = "scheduler",
        memory: str | Path | None = None,
        **options: Any,
    ) -> None:
        """Open the folder, where there is one.

        Args:
            name: the agent's.
            sky: the sky's clock, a table of the configuration.
            watch: a folder; notices that appear in it as files are read.
            largest_error: degrees; events that are known less well are not observed.
            oldest_age: sky seconds; events that happened longer ago are not observed.
            exposures: how many images an alert is worth.
            seconds: how long each of them is exposed, seconds of the sky.
            settle: wall seconds without a change after which a dropped file counts as finished.
            scheduler: the agent that is told.
            memory: a file in which orders that it has not taken yet outlive this process.
            options: the agent's.
        """
        super().__init__(name, **options)
        self.clock = SkyClock.of(sky)
        self.limits = Limits(largest_error, oldest_age)
        self._box = None if watch is None else DropBox(watch, settle)
        self._book = Casebook()
        self._visit = {"exposures": exposures, "seconds": seconds}
        self._scheduler = scheduler
        self._orders = OrderBook(memory)
        self._trouble: dict[str, str] = {}

    def work(self) -> None:
        """Read one notice of each form, so that the first real one finds everything loaded.

        Then what the life before could not deliver, and what lies in the watched folder.
        """
        try:
            self._orders.recall()
        except (OSError, ValueError, TypeError, AttributeError):
            self.log.exception("the memory cannot be read; what waited in it is not delivered")
        for warm_up in (
            '<VOEvent version="2.0" role="test" ivorn="ivo://warm/up#1"/>',
            '{"id": 1}',
        ):
            notice = read_notice(warm_up)
            decide(notice, self._book.case_of(notice), self.limits, self.clock.now())
        self.look_into_the_box()

    @on("notice", ttl=600)
    def notice(self, text: str = "", path: str = "") -> dict[str, Any]:
        """Read a notice, given as text or as the path of a file on this machine, and decide.

        VOEvent 2.0 or GCN JSON. The result says what is done about it and why.
        """
        if bool(text) is bool(path):
            raise ActionFailed("a notice is given either as text= or as path=", "bad-arguments")
        try:
            return self._handle(read_notice(_content(Path(path)) if path else text))
        except OSError as error:
            raise ActionFailed(f"{path} cannot be opened: {error}", "unreadable") from None
        except UnreadableNotice as error:
            self._set_aside(error.reason, path or "a notice sent as text")
            if text and self._box is not None:
                self._box.keep(text, error.reason)
            raise ActionFailed(f"no readable notice: {error.reason}", "unreadable") from None

    @every(seconds=0.2)
    def look_into_the_box(self) -> None:
        """Read what has been dropped into the watched folder."""
        if self._box is not None:
            for path in self._box.waiting():
                self._take(self._box, path)
            self._tell_trouble("box", self._box.trouble)

    @every(seconds=2)
    def deliver_again(self) -> None:
        """Send again what the scheduler has not taken, in the order in which it came."""
        for event, order in self._orders.waiting():
            self._send(event, order)
            if (event, order) in self._orders.waiting():
                return

    def _take(self, box: DropBox, path: Path) -> None:
        """Read one dropped file, and put it away; one that is not finished waits."""
        try:
            notice = read_notice(_content(path))
        except (OSError, UnreadableNotice) as error:
            if box.is_settled(path):
                self._set_aside(str(error), str(path))
                box.put_away(path, str(error))
            return
        try:
            self._handle(notice)
        except Exception as error:  # whatever it is, the notices behind this one must not wait
            self.log.exception("%a: nobody has foreseen this; it is set aside", str(path))
            box.put_away(path, f"nobody has foreseen this: {error!r}")
            return
        box.put_away(path)

    def _handle(self, notice: Notice) -> dict[str, Any]:
        """Decide, have it done, and tell everyone; the order leaves before all else."""
        seen, case = self._book.has_seen(notice), self._book.case_of(notice)
        decision = decide(notice, case, self.limits, self.clock.now(), is_duplicate=seen)
        order = self._order(decision)
        delivered = None if order is None else self._deliver(decision.event, order)
        if not seen:
            self._remember(decision)
        self.log.info("%s: %s", decision.course, decision.reason)
        summary = _summary(decision)
        self.telemetry("alert", summary)
        notes = {"notes": list(notice.notes)} if notice.notes else {}
        return summary | notes | ({} if delivered is None else {"delivered": delivered})

    def _order(self, decision: Decision) -> Order | None:
        """Make the scheduler's message of a decision; None where there is nothing to tell it."""
        message = _MESSAGES.get(decision.course)
        if message is None:
            return None
        args: dict[str, Any] = {"event": decision.event, "reason": decision.reason}
        if message != "retract":
            found = _summary(decision)
            args |= {key: found[key] for key in ("ivorn", "ra", "dec", "error")}
        return Order(message, args | (self._visit if message == "observe" else {}))

    def _remember(self, decision: Decision) -> None:
        if decision.course is Course.STOP:
            self._book.close(decision.notice)
        elif decision.course is Course.IGNORE:
            self._book.enter(decision.notice)
        else:
            self._book.enter(decision.notice, decision.notice.position)

    def _deliver(self, event: str, order: Order) -> bool:
        """Send an order; behind others that could not be sent it waits for its turn."""
        if self._orders:
            self._wait(event, order)
            return False
        return self._send(event, order)

    def _send(self, event: str, order: Order) -> bool:
        try:
            self.send_to(self._scheduler, order.message, ttl=ORDER_TTL, args=order.args)
        except (TypeError, ValueError) as error:  # no JSON: it would fail for ever
            self.log.exception("the order for %r cannot be written, and is given up", event)
            self._tell_trouble("scheduler", f"the scheduler never hears of {event!r}: {error}")
            self._orders.strike(event)
            return False
        except SendError as error:
            self._tell_trouble("scheduler", f"the scheduler does not know of {event}: {error}")
            if not _may_be_taken_later(error):
                self._orders.strike(event)
            elif (event, order) not in self._orders.waiting():
                self._wait(event, order)
            return False
        self._orders.strike(event)
        if not self._orders:
            self._tell_trouble("scheduler", "")
        return True

    def _wait(self, event: str, order: Order) -> None:
        self._orders.enter(event, order)
        self._tell_trouble("memory", self._orders.trouble)

    def _set_aside(self, reason: str, origin: str) -> None:
        """Tell everyone of a notice that cannot be read."""
        self.log.warning("%a cannot be read: %s", origin, reason)
        blank = dict.fromkeys(("ivorn", "event", "ra", "dec", "error"))
        self.telemetry(
            "alert", {**blank, "decision": "unreadable", "reason": f"{origin}: {reason}"}
        )

    def _tell_trouble(self, where: str, what: str) -> None:
        """Let the status say what is wrong, and when it is over."""
        before = dict(self._trouble)
        self._trouble[where] = what
        if self._trouble == before:
            return
        troubles = "; ".join(text for text in self._trouble.values() if text)
        if troubles:
            self.degrade(troubles)
        else:
            self.recover()


def _may_be_taken_later(error: SendError) -> bool:
    """Say whether sending again makes sense: not where the scheduler refused the order itself."""
    problem = error.report.error if isinstance(error, Rejected) else None
    return problem is None or problem.is_for_now


def _content(path: Path) -> bytes:
    """Read a file, but not one that cannot be a notice: too large, or no file at all.

    Raises:
        OSError: it cannot be opened.
        UnreadableNotice: it cannot be a notice.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {str(path)!r}")
    if path.stat().st_size > LARGEST:
        raise UnreadableNotice(f"it has {path.stat().st_size} bytes; {LARGEST} is the limit")
    return path.read_bytes()


def _summary(decision: Decision) -> dict[str, Any]:
    position = decision.notice.position
    return {
        "ivorn": decision.notice.ivorn,
        "event": decision.event,
        "decision": decision.course.value,
        "reason": decision.reason,
        "ra": position.ra if position else None,
        "dec": position.dec if position else None,
        "error": position.error if position else None,
    }
