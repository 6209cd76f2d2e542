"""Everything that can go wrong, as one tree; each error carries the object it is about.

The texts are for people: what was wrong, with which value, and what to do next.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyros_mqtt.messages import Command, Report, Status

_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def words_of(error: BaseException) -> str:
    """What somebody's error says of itself; its class where it says nothing, or fails to."""
    try:
        return str(error) or repr(error)
    except Exception:  # noqa: BLE001 - whatever its `__str__` does
        return type(error).__name__


class PyrosError(Exception):
    """The root of every error that this library raises on purpose."""


class BadName(PyrosError, ValueError):
    """A name of an agent, sender, channel or alarm, or a topic root, breaks the rule.

    Attributes:
        name: what was given.
    """

    def __init__(self, kind: str, name: object) -> None:
        super().__init__(
            f"{kind} {name!r} is not a valid name: use 1 to 63 of a-z, 0-9, '-' and '_', "
            "starting with a letter or a digit"
        )
        self.name = name


class SettingsError(PyrosError):
    """A setting or a configuration file is wrong; names file, key and value."""


class AccessError(PyrosError):
    """Something about who may do what is wrong: names the file or identity, and what to do."""


class Refusal(PyrosError):
    """A message that an inbox does not accept.

    Attributes:
        code: one of the protocol's error codes, for programs.
        text: the reason, for people.
        command: as much of the command as could be read, for the report.
    """

    def __init__(self, code: str, text: str, command: Command | None = None) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.command = command


class BadPayload(PyrosError, ValueError):
    """A status, report or measurement from the bus that cannot be read."""


# -- what an agent can run into -------------------------------------------------------------


class AgentError(PyrosError):
    """An agent was used or written wrongly; the text says how to mend it."""


class NameTaken(AgentError):
    """Another live process already holds this agent's name.

    Attributes:
        holder: the status of the one that holds it.
    """

    def __init__(self, holder: Status) -> None:
        super().__init__(
            f"the name {holder.agent!r} is held by a live agent on host "
            f"{holder.host or 'unknown'}, pid {holder.pid or 'unknown'}: "
            "stop that one first, or give this one another name"
        )
        self.holder = holder


class JournalError(AgentError):
    """A journal cannot be opened or written; names the file and what to do."""


class JournalInUse(JournalError):
    """An agent that lives in another process, at other brokers, has the journal.

    Attributes:
        pid: of that process, on this machine.
    """

    def __init__(self, path: object, pid: int, brokers: str) -> None:
        super().__init__(
            f"the journal {path} is used by the process {pid}, which serves {brokers}: end that "
            "one first, or give this one another state_dir"
        )
        self.pid = pid


class Replaced(JournalError):
    """Another life of this agent has taken its journal over; this one must not act any more."""


class ActionFailed(PyrosError):
    """Raise it in an action to end its command as `failed` with a text of your own.

    It never refuses what it is given, since it is raised at night: where the text is empty it
    says so, and a code that breaks the rule goes into the text.

    Attributes:
        code: goes into the report's `error.code`; 1 to 63 of a-z, 0-9 and '-'.
    """

    def __init__(self, text: str, code: str = "action-failed") -> None:
        text = str(text).strip() or "the action failed without saying why"
        if not _CODE.fullmatch(str(code)):
            text = f"{text} (its code {str(code)[:80]!r} is not 1 to 63 of a-z, 0-9 and '-')"
            code = "action-failed"
        super().__init__(text)
        self.text = text
        self.code = code


class Cancelled(BaseException):
    """Ends a cancelled action at its next checkpoint.

    It is no `Exception`, so that a driver's `except Exception: retry` cannot swallow an abort.
    """


class SpoolError(PyrosError):
    """The sender's spool cannot be opened or written; names the file and what to do."""


class ArchiveError(PyrosError):
    """The archive cannot be opened, read or written; names its place and what to do."""


class MissingExtra(PyrosError):
    """Something needs packages that are not installed; names the extra that brings them."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs more packages: pip install 'pyros-mqtt[{extra}]'")
        self.extra = extra


# -- what a sender can be told --------------------------------------------------------------


class SendError(PyrosError):
    """A command did not get where it should, or did not end well.

    Attributes:
        command: the command in question.
    """

    def __init__(self, command: Command, text: str) -> None:
        super().__init__(f"{command.message!r} to {command.agent}: {text}")
        self.command = command


class NobodyListens(SendError):
    """No agent of this name is on the bus."""


class Unreachable(SendError):
    """No broker could be reached before the deadline; the command never left."""


class NoAnswer(SendError):
    """The deadline passed without an answer: what became of the command is not known."""


class AskedOneself(SendError):
    """An agent that waited for itself would wait for ever."""


class Undeliverable(SendError):
    """The broker or the link refused the command itself: too large, or not allowed."""


class Ended(SendError):
    """The agent reported an end other than `done`.

    Attributes:
        report: the agent's terminal report.
    """

    def __init__(self, command: Command, report: Report) -> None:
        reason = f": {report.error.text} ({report.error.code})" if report.error else ""
        super().__init__(command, f"{report.state}{reason}")
        self.report = report


class Rejected(Ended):
    """The agent did not accept the command; `report.error` says why."""


class Expired(Ended):
    """The command came to the agent after its deadline and was not started."""


class Failed(Ended):
    """The action ran and failed."""


class WasCancelled(Ended):
    """The command was cancelled, by an abort or by the agent's shutdown."""


class Interrupted(Ended):
    """The agent died while the action ran; how far it came is not known."""
