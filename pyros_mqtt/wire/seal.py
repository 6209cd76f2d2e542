"""The signature at the end of a command's body: put on and taken off as text.

It is always the last field, so that nobody needs a canonical form of JSON: what was signed are the
body's bytes as they were before.
"""

from __future__ import annotations

import base64
import re

from pyros_mqtt.messages import JSON, Seal

SIGNATURE = "x-signature"

_END = re.compile(r',"x-signature":"([A-Za-z0-9+/]{86}==)"\}')
_LENGTH = len(f',"{SIGNATURE}":""}}') + 88
"""Characters from the comma on: base64 has 88 for 64 bytes."""


def sealed(body: bytes, signature: bytes) -> bytes:
    """Write a signature of 64 bytes behind the last field of a JSON object."""
    return b'%b,"x-signature":"%b"}' % (body.removesuffix(b"}"), base64.b64encode(signature))


def seal_of(text: str, body: dict[str, JSON]) -> Seal | None:
    """Take the signature off a text that has been read as `body`; None where it has none."""
    if SIGNATURE not in body:
        return None
    found = _END.fullmatch(text, max(0, len(text) - _LENGTH))
    if found is None:
        return Seal(b"", b"", is_bound=False)
    # without `sent_at` a lifetime, also an action's own, begins anew with each replay
    has_end = "sent_at" in body and ("ttl" in body or "expires" in body)
    return Seal(
        text[: found.start()].encode() + b"}",
        base64.b64decode(found[1]),
        is_bound=has_end and bool(body.get("from")) and bool(body.get("id")),
    )
