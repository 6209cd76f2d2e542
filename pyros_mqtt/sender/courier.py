"""Delivers what the spool holds, through a connection and a thread of its own.

Any number of couriers may run on one machine; a command is leased by one of them at a time, and
should two deliver it all the same, the agent takes it once.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from pyros_mqtt import wire
from pyros_mqtt.errors import (
    BadName,
    NoAnswer,
    NobodyListens,
    SendError,
    SpoolError,
    Undeliverable,
    Unreachable,
)
from pyros_mqtt.messages import NOT_READY
from pyros_mqtt.sender.receipt import Receipt
from pyros_mqtt.sender.voice import Voice, written
from pyros_mqtt.spool import LEASE

if TYPE_CHECKING:
    from pyros_mqtt.messages import Command
    from pyros_mqtt.signing import Signer
    from pyros_mqtt.spool import Spool, Spooled
    from pyros_mqtt.topics import Topics
    from pyros_mqtt.transport import Bus

log = logging.getLogger(__name__)

ROUND = 1.0
"""Most seconds between two looks into the spool, where other processes write as well."""

AGAIN = 1.5
"""Seconds until the next attempt where an agent or a broker is away."""


class Courier:
    """Takes due commands from the spool and sends them until the agents have answered.

    Args:
        bus: where to connect.
        topics: the tree.
        spool: what is delivered; the courier closes it.
        signer: signs what this process posts. What others have left goes out as they wrote it.
    """

    def __init__(
        self, bus: Bus, topics: Topics, spool: Spool, signer: Signer | None = None
    ) -> None:
        self._spool = spool
        self._topics = topics
        self._signer = signer
        self._name = secrets.token_hex(4)
        self._transport = bus.transport(f"{topics.root.replace('/', '-')}-courier-{self._name}")
        self._voice = Voice(self._transport, topics, f"courier-{self._name}", signer)
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._under_way: dict[str, Receipt] = {}
        self._wanted: dict[str, Receipt] = {}
        self._pause_until: dict[str, float] = {}  # by a clock that nobody sets
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        """Start to deliver. Returns at once."""
        self._transport.open()
        self._thread.start()

    def post(self, command: Command, due: float | None) -> Receipt:
        """Write a command to the disk, and deliver it from then on.

        Raises:
            SpoolError: the disk does not take it.
            TypeError, ValueError: an argument that no agent could read.
        """
        wire.strict(wire.encode_command(command).decode())
        receipt = Receipt(command)
        with self._lock:
            self._wanted[command.id] = receipt
        now = time.time()
        sent = now if due is None else due
        payload = for_the_spool(command, sent, self._topics, self._signer)
        self._spool.put(command, now, due, payload)
        self._wake()
        return receipt

    def close(self) -> None:
        """Stop delivering; what is left waits on the disk.

        It never raises: whoever ends here has others to close after us, full disk or not.
        """
        self._closing = True
        self._wake()
        if self._thread.is_alive():
            self._thread.join(5.0)
        try:
            self._transport.close()
            self._spool.release(self._name)
        except SpoolError as error:
            log.warning("%s; others deliver what we held in %g s only", error, LEASE)
        except Exception:
            log.exception("the courier has not ended as it should")
        finally:
            self._spool.close()

    # -- the courier's thread -----------------------------------------------------------------

    def _run(self) -> None:
        while not self._closing:
            try:
                pause = self._go_round()
            except SpoolError as error:
                log.error("%s", error)  # noqa: TRY400 - it says all
                pause = ROUND
            except Exception:  # whatever it is, the others must go on
                log.exception("the spool is delivered further in spite of this")
                pause = ROUND
            # an event, not a condition: what comes while we are busy must not be missed
            self._woken.wait(pause)
            self._woken.clear()
        # an answer that has come in the last moment must not be fetched again by the next process
        with contextlib.suppress(SpoolError):
            self._close_cases()

    def _go_round(self) -> float:
        """Look after what is under way, and send what is due; returns the seconds to wait."""
        self._close_cases()
        self._end_pauses()
        now = time.time()
        for spooled in self._spool.take(self._name, now):
            self._send(spooled, now)
        coming = self._spool.next_due(time.time())
        left = ROUND if coming is None else max(0.0, coming - time.time())
        clock = time.monotonic()
        return min(ROUND, left, *(max(0.0, end - clock) for end in self._pause_until.values()))

    def _end_pauses(self) -> None:
        """Forget those that are over: their commands are sent now, if they still are there."""
        clock = time.monotonic()
        self._pause_until = {key: end for key, end in self._pause_until.items() if end > clock}

    def _send(self, spooled: Spooled, now: float) -> None:
        command = spooled.command
        if command.id in self._under_way or command.id in self._pause_until:
            return
        if command.deadline is not None and now > command.deadline:
            remark = f"its deadline passed; {spooled.remark}".rstrip("; ")
            self._give_up(command, NoAnswer(command, remark))
            return
        try:
            if spooled.problem:
                raise ValueError(spooled.problem)  # noqa: TRY301 - told like the others
            self._voice.speak_for(command.sender)
            receipt = self._voice.send(command, self._as_left(spooled))
        except (TypeError, ValueError, BadName) as error:
            self._give_up(command, Undeliverable(command, f"it cannot be sent: {error}"))
            return
        self._under_way[command.id] = receipt
        receipt.watch(self._watched)

    def _as_left(self, spooled: Spooled) -> bytes | None:
        """Give what others have left as they wrote it; None for what we write ourselves.

        Ed25519 signs the same always alike, so what is ours is known by it.
        """
        if self._signer is None:
            return spooled.payload
        command = spooled.command
        if spooled.payload == written(command, self._topics, self._signer):
            return None
        return spooled.payload or wire.encode_command(command)

    def _watched(self, receipt: Receipt) -> None:
        """Something was heard of a command; runs in the network thread."""
        user = self._wanted.get(receipt.command.id)
        report, error = receipt.report, receipt.error
        for_now = report is not None and report.error and report.error.is_for_now
        if user is not None and report is not None and not for_now:
            user.take(report)
            if error is not None:
                user.give_up(error)
            if user.is_ended:
                self._wanted.pop(receipt.command.id, None)
        self._wake()

    def _close_cases(self) -> None:
        for receipt in list(self._under_way.values()):
            if receipt.is_answered:
                self._close_case(receipt)

    def _close_case(self, receipt: Receipt) -> None:
        """An answer has come, or the voice has given up: decide what becomes of the row."""
        command, report, error = receipt.command, receipt.report, receipt.error
        self._under_way.pop(command.id, None)
        if report is not None and report.state.was_accepted:
            self._spool.remove(command.id)
        elif report is not None and report.error and report.error.code == NOT_READY:
            # it does not stand, so the id stays: a copy under another one could be run as well
            self._again(command, report.error.text)
        elif report is not None and report.error and report.error.is_for_now:
            self._anew(command, report.error.text)
        elif report is not None:
            reason = report.error.text if report.error else ""
            self._spool.end(command.id, time.time(), f"{report.state}: {reason}")
        elif isinstance(error, (NobodyListens, Unreachable, NoAnswer)):
            self._again(command, str(error))
        elif error is not None:
            self._give_up(command, error)

    def _anew(self, command: Command, reason: str) -> None:
        """Try a refused command again under a new id, since its old one stays refused."""
        spooled = self._spool.find(command.id)
        payload = spooled.payload if spooled is not None else None
        new_id = secrets.token_hex(12)
        if spooled is not None and payload is not None:
            if self._as_left(spooled) is not None:
                text = f"{reason}; whoever has signed it has to send it again"
                self._give_up(command, Undeliverable(command, text))
                return
            payload = written(replace(command, id=new_id), self._topics, self._signer)
        self._spool.rename(command.id, new_id, payload)
        with self._lock:
            user = self._wanted.pop(command.id, None)
            if user is not None:
                self._wanted[new_id] = user
        self._spool.remark(new_id, reason)
        self._pause_until[new_id] = time.monotonic() + AGAIN

    def _again(self, command: Command, reason: str) -> None:
        self._spool.remark(command.id, reason)
        self._pause_until[command.id] = time.monotonic() + AGAIN

    def _give_up(self, command: Command, error: SendError) -> None:
        self._spool.end(command.id, time.time(), str(error))
        user = self._wanted.pop(command.id, None)
        if user is not None:
            user.give_up(error)

    def _wake(self) -> None:
        self._woken.set()


def for_the_spool(
    command: Command, sent: float, topics: Topics, signer: Signer | None
) -> bytes | None:
    """Write a command as its sender signs it, for whichever courier delivers it.

    Args:
        command: it says when it ends.
        sent: POSIX seconds from which it is sent.
        topics: the tree.
        signer: whose signature it gets; None: none, and None is returned.

    Raises:
        BadName, TypeError, ValueError: it cannot be written.
    """
    return written(replace(command, sent_at=sent), topics, signer) if signer is not None else None
