"""What passes on the bus, as tables for programs and as lines for people."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from pyros_mqtt.cli import show
from pyros_mqtt.cli.log_form import indented, shortened

if TYPE_CHECKING:
    from pyros_mqtt.messages import Columns, Command, LogRecord, Report
    from pyros_mqtt.telemetry import Gaps
    from pyros_mqtt.traffic import Passing


class Misses:
    """Counts what did not come on each channel, and tells when that has changed."""

    def __init__(self) -> None:
        self._gaps: dict[tuple[str, str], Gaps] = {}

    def told(self, passing: Passing) -> dict[str, Any]:
        """Give `missed`, all samples so far, where it is another number than before."""
        from pyros_mqtt.messages import Columns
        from pyros_mqtt.telemetry import Gaps

        if not isinstance(passing.what, Columns):
            return {}
        gaps = self._gaps.setdefault((passing.agent, passing.leaf), Gaps())
        before = gaps.samples
        gaps.take(passing.what)
        return {"missed": gaps.samples} if gaps.samples != before else {}


def as_table(passing: Passing) -> dict[str, Any]:
    """Give what passed as a table, in the order in which it is read."""
    from pyros_mqtt.messages import Columns, Command, LogRecord, Report
    from pyros_mqtt.wire import to_rfc3339

    start: dict[str, Any] = {"at": to_rfc3339(passing.at)}
    if isinstance(passing.what, LogRecord):
        return _told_of_record(passing.agent, passing.what)
    if isinstance(passing.what, Columns):
        return start | _told_of_columns(passing, passing.what)
    ends = {"agent": passing.agent, "sender": passing.sender}
    match passing.what:
        case Command() as command:
            return start | {"kind": "command"} | ends | _told_of_command(command)
        case Report() as report:
            return start | {"kind": "report"} | ends | _told_of_report(report)
        case problem:
            return start | {"kind": "unreadable"} | ends | {"problem": problem}


def _told_of_command(command: Command) -> dict[str, Any]:
    from pyros_mqtt.wire import to_rfc3339

    expires = None if command.deadline is None else to_rfc3339(command.deadline)
    return {
        "message": command.message,
        "args": command.args,
        "id": command.id,
        "urgent": command.urgent,
        "expires": expires,
    }


def _told_of_report(report: Report) -> dict[str, Any]:
    told: dict[str, Any] = {"message": report.message, "state": report.state.value}
    told["id"] = report.id
    if report.progress is not None:
        told["progress"] = {"fraction": report.progress.fraction, "text": report.progress.text}
    if report.error is not None:
        told["error"] = {"code": report.error.code, "text": report.error.text}
    elif report.result is not None:
        told["result"] = report.result
    return told


def _told_of_record(agent: str, record: LogRecord) -> dict[str, Any]:
    from pyros_mqtt.wire import to_rfc3339

    told: dict[str, Any] = {"at": to_rfc3339(record.time), "kind": "log", "agent": agent}
    told |= {"level": record.level, "logger": record.logger, "text": record.text}
    if record.exception:
        told["exception"] = record.exception
    if record.left_out:
        told["left_out"] = record.left_out
    return told


def _record_in_words(told: dict[str, Any]) -> str:
    """Give a record as `pyros run` shows it: nothing that came from the bus forges a line."""
    moment, logger = told["at"][11:], show.one_line(told["logger"])
    level, text = show.one_line(told["level"].upper()), shortened(told["text"])
    own = "" if logger in {"", f"pyros.{told['agent']}"} else f" {logger}"
    coloured = show.coloured(level, told["level"])
    lines = [f"{moment} {told['agent']}{own} {coloured} {text}"]
    if "left_out" in told:
        lines.insert(0, f"{moment} {told['agent']}: {told['left_out']} records were left out")
    return "\n".join([*lines, *indented(told.get("exception", ""))])


def _told_of_columns(passing: Passing, columns: Columns) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": "telemetry", "agent": passing.agent, "channel": passing.leaf}
    told |= {"t": columns.times, "v": columns.values}
    if columns.quality != "good":
        told["q"] = columns.quality
    if columns.seq is not None:
        told["seq"] = columns.seq
    return told | ({"late": True} if columns.late else {})


def _columns_in_words(told: dict[str, Any]) -> str:
    """Give a single sample as its value, many as their number and the last one."""
    count = len(told["t"])
    values = told["v"]
    fields = values.items() if isinstance(values, dict) else [("", values)]
    last = [f"{name}={_short(one[-1])}" if name else _short(one[-1]) for name, one in fields if one]
    quality = told.get("q", "good")
    remarks = [f"last of {count}"] if count > 1 else []
    remarks += [] if quality == "good" else [quality if isinstance(quality, str) else "mixed"]
    remarks += ["late"] if told.get("late") else []
    remarks += [f"{told['missed']} samples missed"] if "missed" in told else []
    words = [told["agent"], told["channel"], *last, *([f"({', '.join(remarks)})"] * bool(remarks))]
    return f"{told['at'][11:]} {show.one_line(' '.join(words))}"


def in_words(told: dict[str, Any]) -> str:
    """Give what passed as a line for people; nothing in it drives a terminal or forges a line."""
    if told["kind"] in _WORDS:
        return _WORDS[told["kind"]](told)
    moment, agent, sender = told["at"][11:], told["agent"], told["sender"]
    if told["kind"] == "command":
        words = [told["message"], *(f"{key}={_short(one)}" for key, one in told["args"].items())]
        words += ["(urgent)"] if told["urgent"] else []
        text = show.one_line(f"{sender} -> {agent}: {' '.join(words)}")
        return f"{moment} {show.coloured(text, 'command')}"
    if told["kind"] == "unreadable":
        return show.one_line(f"{moment} {agent} / {sender}: {told['problem']}")
    state = show.coloured(told["state"], told["state"])
    message, remark = show.one_line(told["message"]), show.one_line(_remark(told))
    return f"{moment} {agent} -> {sender}: {message} {state} {remark}".rstrip()


_WORDS = {"log": _record_in_words, "telemetry": _columns_in_words}


def _remark(told: dict[str, Any]) -> str:
    if "error" in told:
        return f"{told['error']['text']} ({told['error']['code']})"
    if "progress" in told:
        fraction = told["progress"]["fraction"]
        share = "" if fraction is None else f"{fraction:.0%} "
        return f"{share}{told['progress']['text']}".strip()
    return _short(told["result"]) if "result" in told else ""


def _short(value: Any, limit: int = 200) -> str:
    from pyros_mqtt.wire import compact

    text = shlex.quote(value) if isinstance(value, str) else compact(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
