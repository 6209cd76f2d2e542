"""Samples -> payload of a telemetry topic, in all of its forms (protocol section 7).

Columns stay columns, as in `columns`, which reads them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pyros_mqtt.messages import JSON, Sample
from pyros_mqtt.wire.json_text import compact, to_bytes


@dataclass(frozen=True, slots=True)
class Tag:
    """Which message of a channel it is; `first` counts the samples before it in the session."""

    seq: int | None = None
    first: int | None = None
    session: str = ""


NO_TAG = Tag()


def encode_sample(sample: Sample, tag: Tag = NO_TAG) -> bytes:
    """Write one sample; a number that is not finite becomes a missing value of bad quality.

    Raises:
        ValueError, TypeError: its value has no form in JSON.
    """
    if type(sample.value) is float and math.isfinite(sample.value) and not sample.late:
        return _plain(sample, tag)
    value, whole = _finite(sample.value)
    quality = sample.quality if whole or sample.quality != "good" else "bad"
    body: dict[str, JSON] = {"t": round(sample.time, 6), "v": value}
    if quality != "good":
        body["q"] = quality
    _add_tag(body, Tag(sample.seq) if tag is NO_TAG else tag)
    if sample.late:
        body["late"] = True
    return to_bytes(body)


def _plain(sample: Sample, tag: Tag) -> bytes:
    """Write one number, which is most of what is measured, as `to_bytes` would."""
    quality = "" if sample.quality == "good" else f',"q":{compact(sample.quality)}'
    number, first = (sample.seq, None) if tag is NO_TAG else (tag.seq, tag.first)
    seq = "" if number is None else f',"seq":{number}'
    count = "" if first is None or first == number else f',"n":{first}'
    session = f',"session":{compact(tag.session)}' if tag.session else ""
    body = f'{{"t":{round(sample.time, 6)!r},"v":{sample.value!r}{quality}{seq}{count}{session}}}'
    return body.encode(errors="replace")


def encode_batch(
    times: list[float] | tuple[float, float],
    values: list[JSON] | dict[str, list[JSON]],
    quality: str | list[str] = "good",
    tag: Tag = NO_TAG,
) -> bytes:
    """Write a batch by column; a tuple (t0, dt) stands for the times of a steady rate.

    Raises:
        ValueError, TypeError: a value has no form in JSON.
    """
    body: dict[str, JSON]
    if isinstance(times, tuple):
        body = {"t0": round(times[0], 6), "dt": times[1], "v": values}
    else:
        # microseconds; round() would take longer than everything else together
        body = {"t": [int(moment * 1e6 + 0.5) / 1e6 for moment in times], "v": values}
    if quality != "good":
        body["q"] = quality
    _add_tag(body, tag)
    try:
        return to_bytes(body)
    except ValueError:  # a number that is not finite
        return to_bytes(body | _without_infinite(values, quality))


def as_late(payload: bytes) -> bytes:
    """Mark a message that `encode_sample` or `encode_batch` wrote as sent after an outage."""
    return payload[:-1] + b',"late":true}'


def _add_tag(body: dict[str, JSON], tag: Tag) -> None:
    if tag.seq is not None:
        body["seq"] = tag.seq
    if tag.first is not None and tag.first != tag.seq:
        body["n"] = tag.first
    if tag.session:
        body["session"] = tag.session


def _without_infinite(
    values: list[JSON] | dict[str, list[JSON]], quality: str | list[str]
) -> dict[str, JSON]:
    """Make what is not finite missing, and of bad quality; a lone null says that by itself."""
    if isinstance(values, list) and isinstance(quality, str):
        return {"v": _finite(values)[0]}
    columns = list(values.values()) if isinstance(values, dict) else [values]
    bad = {row for one in columns for row, value in enumerate(one) if not _finite(value)[1]}
    words = [quality] * len(columns[0]) if isinstance(quality, str) else quality
    told = ["bad" if row in bad and word == "good" else word for row, word in enumerate(words)]
    return {"v": _finite(values)[0], "q": told}


def _finite(value: JSON) -> tuple[JSON, bool]:
    """Replace what is not finite by None; say whether everything was."""
    if isinstance(value, float) and not math.isfinite(value):
        return None, False
    if isinstance(value, dict):
        parts = {key: _finite(item) for key, item in value.items()}
        return {key: part[0] for key, part in parts.items()}, all(p[1] for p in parts.values())
    if isinstance(value, list | tuple):
        items = [_finite(item) for item in value]
        return [item[0] for item in items], all(item[1] for item in items)
    return value, True
