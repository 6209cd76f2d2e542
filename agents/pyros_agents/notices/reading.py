"""Bytes or text of any dialect -> `Notice`: the one entry for all that comes from outside."""

from __future__ import annotations

import codecs
import re

from pyros_agents.notices.gcn_json import read_gcn_json
from pyros_agents.notices.notice import Notice, UnreadableNotice
from pyros_agents.notices.voevent import read_voevent

LARGEST = 16 * 2**20
"""Bytes. Gravitational-wave notices with their sky map reach 2.3 MB."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
    (b"{\0", "utf-16-le"),
    (b"\0{", "utf-16-be"),
)
_ENCODING = re.compile(rb"""\A\s*<\?xml[^>]{0,100}\bencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})""")
_ENCODINGS = {"utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252"}


def read_notice(content: bytes | str) -> Notice:
    """Read one notice: a VOEvent 2.0 packet or a GCN notice in JSON.

    Takes a fraction of a millisecond; any thread may call it.

    Raises:
        UnreadableNotice: it is neither, too large, damaged, or dangerous; nothing else is raised.
    """
    if len(content) > LARGEST:
        raise UnreadableNotice(f"it has {len(content)} bytes; {LARGEST} is the limit")
    text = content if isinstance(content, str) else _decode(content)
    text = text.removeprefix("\ufeff").strip()
    if text.startswith("<"):
        return read_voevent(text)
    if text.startswith("{"):
        return read_gcn_json(text)
    start = f"begins with {text[:20]!r}" if text else "is empty"
    raise UnreadableNotice(f"it is neither XML nor a JSON object: it {start}")


def _decode(content: bytes) -> str:
    encoding = next((name for mark, name in _BOMS if content.startswith(mark)), None)
    try:
        return content.decode(encoding or _declared_encoding(content))
    except UnicodeDecodeError as error:
        raise UnreadableNotice(f"its bytes are not {error.encoding}: {error.reason}") from None


def _declared_encoding(content: bytes) -> str:
    found = _ENCODING.match(content)
    if found is None:
        return "utf-8"
    told = found[1].decode("ascii")
    try:
        encoding = codecs.lookup(told).name
    except LookupError:
        encoding = ""
    if encoding not in _ENCODINGS:
        raise UnreadableNotice(f"it claims the encoding {told!r}, which notices do not use")
    return encoding
