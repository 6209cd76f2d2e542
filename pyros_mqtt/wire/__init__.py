"""Bytes <-> shapes; the only place that knows JSON.

One file a shape. Reading is strict for commands, which move machines, and tolerant for status,
about and telemetry, where a newer neighbour may say more than we know.
"""

from pyros_mqtt.wire.about import decode_about, encode_about
from pyros_mqtt.wire.alarm import alarm_table, decode_alarm, encode_alarm, unreadable_alarm
from pyros_mqtt.wire.columns import decode_columns, decode_samples
from pyros_mqtt.wire.command import decode_command, encode_command
from pyros_mqtt.wire.json_text import compact, pretty, strict, tolerant, unveiled
from pyros_mqtt.wire.log import decode_log, encode_log
from pyros_mqtt.wire.report import decode_report, encode_report
from pyros_mqtt.wire.seal import sealed
from pyros_mqtt.wire.status import HIGHEST_BOOT, decode_status, encode_status, last_will
from pyros_mqtt.wire.telemetry import Tag, as_late, encode_batch, encode_sample
from pyros_mqtt.wire.text import read_text, typed_words, write_text
from pyros_mqtt.wire.time_text import from_rfc3339, to_rfc3339

__all__ = [
    "HIGHEST_BOOT",
    "Tag",
    "alarm_table",
    "as_late",
    "compact",
    "decode_about",
    "decode_alarm",
    "decode_columns",
    "decode_command",
    "decode_log",
    "decode_report",
    "decode_samples",
    "decode_status",
    "encode_about",
    "encode_alarm",
    "encode_batch",
    "encode_command",
    "encode_log",
    "encode_report",
    "encode_sample",
    "encode_status",
    "from_rfc3339",
    "last_will",
    "pretty",
    "read_text",
    "sealed",
    "strict",
    "to_rfc3339",
    "tolerant",
    "typed_words",
    "unreadable_alarm",
    "unveiled",
    "write_text",
]
