"""One log record <-> payload of a log topic."""

from __future__ import annotations

from pyros_mqtt.errors import BadPayload
from pyros_mqtt.messages import JSON, LogRecord
from pyros_mqtt.wire.json_text import plain, to_bytes, tolerant

END_OF_TIME = 253_402_300_800.0
"""POSIX seconds of the year 10000, which has no RFC 3339."""

LONGEST_TEXT = 2_000
"""Characters of a text that are sent."""

LONGEST_EXCEPTION = 8_000
"""Characters of a traceback that are sent: its beginning and its end."""


def encode_log(record: LogRecord) -> bytes:
    """Write a record; long texts lose their middle, and say so."""
    body: dict[str, JSON] = {
        "t": round(record.time, 6),
        "level": record.level,
        "logger": record.logger,
        "text": _shortened(record.text, LONGEST_TEXT),
    }
    if record.exception:
        body["exception"] = _shortened(record.exception, LONGEST_EXCEPTION)
    if record.left_out:
        body["left_out"] = record.left_out
    return to_bytes(body)


def decode_log(payload: bytes, level: str, arrived: float) -> LogRecord:
    """Read a record of the topic's level; a small device's plain text is one of this moment.

    Raises:
        BadPayload: it is neither.
    """
    try:
        if not payload.lstrip().startswith(b"{"):
            return LogRecord(arrived, level, "", plain(payload))
        body = tolerant(payload)
        moment = float(body.get("t", arrived))
        return LogRecord(
            moment if 0 <= moment < END_OF_TIME else arrived,
            level,
            str(body.get("logger") or ""),
            str(body["text"]),
            str(body.get("exception") or ""),
            int(body.get("left_out") or 0),
        )
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise BadPayload(f"not a log record: {error}: {payload[:200]!r}") from None


def _shortened(text: str, longest: int) -> str:
    left = len(text) - longest
    if left <= 0:
        return text
    half = longest // 2
    return f"{text[:half]}... ({left} more characters) ...{text[-half:]}"
