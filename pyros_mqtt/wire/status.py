"""Status <-> payload of a status topic (protocol section 6)."""

from __future__ import annotations

from pyros_mqtt.errors import BadPayload
from pyros_mqtt.messages import JSON, State, Status, Task
from pyros_mqtt.wire.json_text import to_bytes, tolerant
from pyros_mqtt.wire.report import progress_of, progress_table
from pyros_mqtt.wire.state_word import state_of
from pyros_mqtt.wire.time_text import from_rfc3339, to_rfc3339

MOST = 2**53
"""Counts stay below this."""

HIGHEST_BOOT = MOST - 1
"""The last life that readers can tell from the ones before."""

SLOWEST_BEAT = 86_400.0
"""Nobody may ask for more patience than for this (seconds)."""


def encode_status(status: Status) -> bytes:
    """Write the status document."""
    body: dict[str, JSON] = {
        "agent": status.agent,
        "state": status.state.value,
        "session": status.session,
        "boot": status.boot,
        "beat": status.beat,
        "seq": status.seq,
        "at": None if status.at is None else to_rfc3339(status.at),
        "since": None if status.since is None else to_rfc3339(status.since),
        "host": status.host,
        "pid": status.pid,
        "version": status.version,
        "protocol": status.protocol,
        "detail": status.detail,
        "task": None if status.task is None else _task_table(status.task),
        "waiting": status.waiting,
        "idle": round(status.idle, 3),
    }
    if status.dropped:
        body["dropped"] = status.dropped
    return to_bytes(body)


def last_will(agent: str, session: str, boot: int) -> bytes:
    """What the broker says in the agent's name when its connection breaks."""
    return to_bytes({"agent": agent, "state": "lost", "session": session, "boot": boot})


def decode_status(payload: bytes, agent: str) -> Status:
    """Read the status of `agent`: the document, a will, or a small device's bare word.

    Raises:
        BadPayload: it is none of them, or it speaks of another agent.
    """
    try:
        if not payload.lstrip().startswith(b"{"):
            return Status(agent, State(payload.decode().strip()))
        body = tolerant(payload)
        return _from_table(body, agent)
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise BadPayload(f"not a status: {error}: {payload[:200]!r}") from None


def _from_table(body: dict[str, JSON], agent: str) -> Status:
    if body.get("agent", agent) != agent:
        raise ValueError(f"it speaks of {body['agent']!r} on the topic of {agent!r}")
    state, detail = _state(body["state"], str(body.get("detail") or ""))
    return Status(
        agent=agent,
        state=state,
        session=str(body.get("session") or ""),
        boot=_counted(body.get("boot")),
        seq=_counted(body.get("seq")),
        beat=_beat(body.get("beat")),
        at=_moment(body.get("at")),
        since=_moment(body.get("since")),
        host=str(body.get("host") or ""),
        pid=int(body.get("pid") or 0),
        version=str(body.get("version") or ""),
        protocol=int(body.get("protocol") or 1),
        detail=detail,
        task=_task_of(body.get("task")),
        waiting=int(body.get("waiting") or 0),
        idle=float(body.get("idle") or 0.0),
        dropped=int(body.get("dropped") or 0),
    )


def _state(word: JSON, detail: str) -> tuple[State, str]:
    """Read a state; who claims one of a newer version lives, and shows what it is called."""
    state = state_of(State, word)
    if state is not None:
        return state, detail
    told = f"its state is {word!r}, which this version does not know"
    return State.DEGRADED, f"{told}: {detail}" if detail else told


def _counted(value: JSON) -> int:
    number = int(value or 0)
    if not 0 <= number < MOST:
        raise ValueError(f"{number} is no such count")
    return number


def _beat(value: JSON) -> float:
    seconds = float(value or 5.0)
    if not 0 < seconds <= SLOWEST_BEAT:
        raise ValueError(f"a beat of {seconds} s")
    return max(seconds, 0.05)


def _moment(text: JSON) -> float | None:
    return None if text is None else from_rfc3339(text)


def _task_table(task: Task) -> dict[str, JSON]:
    table: dict[str, JSON] = {
        "message": task.message,
        "id": task.id,
        "from": task.sender,
        "since": to_rfc3339(task.since),
    }
    if task.progress is not None:
        table["progress"] = progress_table(task.progress)
    return table


def _task_of(table: JSON) -> Task | None:
    if table is None:
        return None
    return Task(
        message=str(table.get("message", "")),
        id=str(table.get("id", "")),
        sender=str(table.get("from", "")),
        since=_moment(table.get("since")) or 0.0,
        progress=progress_of(table.get("progress")),
    )
