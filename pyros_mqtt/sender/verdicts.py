"""When a sender gives up a command that has no answer, and what it says then."""

from __future__ import annotations

from pyros_mqtt.errors import NoAnswer, NobodyListens, SendError, Undeliverable, Unreachable
from pyros_mqtt.sender.peers import Peers
from pyros_mqtt.sender.underway import Pending
from pyros_mqtt.transport import Transport

ABSENT = 3.0
"""Seconds for which an agent may be away before the sender is told that nobody listens."""

NEVER_UP = 5.0
"""Seconds after which a first connection that does not come about is given up."""


def verdict(
    pending: Pending, peers: Peers, transport: Transport, now: float, *, was_up: bool
) -> SendError | None:
    """Say why nothing can be expected of a command any more; None while there is hope.

    One that an agent may have taken, or may be about to, is never told to have reached nobody.

    Args:
        pending: the command.
        peers: what is known of its agent.
        transport: the connection of its sender.
        now: monotonic seconds.
        was_up: that connection has stood before.
    """
    command, is_over = pending.command, now >= pending.deadline
    if not was_up and now - pending.sent > NEVER_UP:
        return Unreachable(command, f"no broker could be reached: {transport.trouble}")
    where = peers.whereabouts(command.agent)
    if _is_absent(pending, now, is_away=peers[command.agent].is_away, is_over=is_over):
        return NobodyListens(command, f"nobody listens: {where}")
    if not is_over:
        return None
    if pending.is_held:
        text = "its deadline has passed while it waited behind others that have no answer yet"
        return Undeliverable(command, text)
    if not (pending.taken or pending.may_have_it or transport.is_up):
        return Unreachable(command, f"the broker was away: {transport.trouble}")
    return NoAnswer(command, f"no answer before its deadline; {where}")


def _is_absent(pending: Pending, now: float, *, is_away: bool, is_over: bool) -> bool:
    """Whether its agent has been away for long enough, and cannot have it."""
    away = pending.away_since
    if away is None or pending.may_have_it or pending.is_under_way:
        return False
    return (is_away or pending.unheard) and (is_over or now - away > ABSENT)
