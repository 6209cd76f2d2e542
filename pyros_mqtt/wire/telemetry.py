"""Samples <-> payload of a telemetry topic, in all of its three forms (protocol section 7)."""

from __future__ import annotations

import math

from pyros_mqtt.errors import BadPayload
from pyros_mqtt.messages import JSON, Sample
from pyros_mqtt.wire.json_text import to_bytes, tolerant


def encode_sample(sample: Sample) -> bytes:
    """Write one sample; a number that is not finite becomes a missing value of bad quality."""
    value, whole = _finite(sample.value)
    quality = sample.quality if whole or sample.quality != "good" else "bad"
    body: dict[str, JSON] = {"t": round(sample.time, 6), "v": value}
    if quality != "good":
        body["q"] = quality
    if sample.seq is not None:
        body["seq"] = sample.seq
    if sample.late:
        body["late"] = True
    return to_bytes(body)


def decode_samples(payload: bytes, arrived: float) -> list[Sample]:
    """Read a bare scalar, one sample, or a batch; `arrived` (POSIX seconds) times a scalar.

    Raises:
        BadPayload: it is none of them, or the columns of a batch differ in length.
    """
    try:
        if not payload.lstrip().startswith(b"{"):
            return [_sample({}, arrived, _bare(payload), None)]
        body = tolerant(payload)
        if "t0" in body or isinstance(body.get("t"), list):
            return _batch(body)
        return [_sample(body, float(body["t"]), body["v"], body.get("seq"))]
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise BadPayload(f"not a measurement: {error}: {payload[:200]!r}") from None


def _bare(payload: bytes) -> JSON:
    value = tolerant(payload)
    if isinstance(value, list):
        raise TypeError("a list without times")
    return value


def _sample(body: dict[str, JSON], time: float, value: JSON, seq: JSON) -> Sample:
    quality = str(body.get("q") or ("good" if value is not None else "bad"))
    return Sample(time, value, quality, None if seq is None else int(seq), bool(body.get("late")))


def _batch(body: dict[str, JSON]) -> list[Sample]:
    columns, values = body["v"], body["v"]
    if isinstance(columns, dict):
        if len({len(column) for column in columns.values()}) > 1:
            raise ValueError("the columns differ in length")
        values = [
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        ]
    if "t0" in body:
        start, step = float(body["t0"]), float(body["dt"])
        times = [start + step * i for i in range(len(values))]
    else:
        times = [float(t) for t in body["t"]]
    return [
        _sample(body, time, value, body.get("seq"))
        for time, value in zip(times, values, strict=True)
    ]


def _finite(value: JSON) -> tuple[JSON, bool]:
    """Replace what is not finite by None; say whether everything was."""
    if isinstance(value, float) and not math.isfinite(value):
        return None, False
    if isinstance(value, dict):
        parts = {key: _finite(item) for key, item in value.items()}
        return {key: part[0] for key, part in parts.items()}, all(p[1] for p in parts.values())
    return value, True
