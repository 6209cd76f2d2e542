"""Report <-> payload of an outbox (protocol section 5)."""

from __future__ import annotations

import time
from collections.abc import Iterator

from pyros_mqtt.errors import BadPayload
from pyros_mqtt.messages import JSON, Outcome, Problem, Progress, Report
from pyros_mqtt.wire.json_text import compact, tolerant
from pyros_mqtt.wire.state_word import state_of
from pyros_mqtt.wire.time_text import from_rfc3339, to_rfc3339


def encode_report(report: Report) -> bytes:
    """Write a report, once; what it does not say is left out.

    Raises:
        TypeError, ValueError: a result that JSON has no form for.
    """
    if report.written is None:
        object.__setattr__(report, "written", _payload(report))
    return report.written or b""


def _payload(report: Report) -> bytes:
    head = (
        f'{{"id":{compact(report.id)},"message":{compact(report.message)},'
        f'"agent":{compact(report.agent)},"state":"{report.state.value}",'
        f'"at":"{to_rfc3339(report.at)}"'
    )
    return f"{head}{''.join(_fields(report))}}}".encode(errors="replace")


def _fields(report: Report) -> Iterator[str]:
    """The fields that not every report has."""
    if report.state is Outcome.DONE:
        yield f',"result":{compact(report.result)}'
    if (error := report.error) is not None:
        yield f',"error":{{"code":{compact(error.code)},"text":{compact(error.text)}}}'
    if report.progress is not None:
        yield f',"progress":{compact(progress_table(report.progress))}'
    if report.patience is not None:
        yield f',"patience":{compact(report.patience)}'
    if report.echo is not None:
        yield f',"echo":{compact(report.echo)}'


def decode_report(payload: bytes) -> Report:
    """Read a report; fields that we do not know are passed over.

    A device without a clock leaves `at` out; then the moment of the reading stands for it.

    Raises:
        BadPayload: it is none.
    """
    try:
        body = tolerant(payload)
        return Report(
            id=str(body["id"]),
            message=str(body["message"]),
            agent=str(body["agent"]),
            state=_outcome(body),
            at=from_rfc3339(body["at"]) if body.get("at") else time.time(),
            result=body.get("result"),
            error=_problem(body.get("error")),
            progress=progress_of(body.get("progress")),
            patience=None if body.get("patience") is None else float(body["patience"]),
            echo=body.get("echo"),
        )
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise BadPayload(f"not a report: {error}: {payload[:200]!r}") from None


def progress_table(progress: Progress) -> dict[str, JSON]:
    """The form of a progress, in reports and in status."""
    return {"fraction": progress.fraction, "text": progress.text}


def progress_of(table: JSON) -> Progress | None:
    """Read a progress; None where there is none."""
    if table is None:
        return None
    fraction = table.get("fraction")
    return Progress(None if fraction is None else float(fraction), str(table.get("text", "")))


def _outcome(body: dict[str, JSON]) -> Outcome:
    """Read a state; what one of a newer version amounts to is told by what comes with it."""
    state = state_of(Outcome, body["state"])
    if state is not None:
        return state
    if body.get("error") is not None:
        return Outcome.FAILED
    return Outcome.DONE if "result" in body else Outcome.RUNNING


def _problem(table: JSON) -> Problem | None:
    if table is None:
        return None
    return Problem(str(table.get("code", "")), str(table.get("text", "")))
