"""`trust.toml`: whose signed commands an agent takes, and which; needs the extra `access`.

```toml
[senders.ops]
key = "<base64 of the 32 bytes of its Ed25519 public key>"
may = ["*"]  # or the messages
```
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

import tomlkit
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pyros_mqtt.access.register import Register
from pyros_mqtt.access.roles import EVERYTHING


def new_key() -> Ed25519PrivateKey:
    """Make a key that signs commands."""
    return Ed25519PrivateKey.generate()


def public_text(key: Ed25519PrivateKey) -> str:
    """Write a key's public half as `trust.toml` has it."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode("ascii")


def trust_of(agent: str, register: Register, keys: Mapping[str, str]) -> str:
    """Write the `trust.toml` of an agent; `keys` are the senders' public ones, by name."""
    document = tomlkit.document()
    document.add(tomlkit.comment(f"Whose signed commands {agent} takes, and which."))
    senders = tomlkit.table(is_super_table=True)
    for name in sorted(register.identities):
        may = register.messages(name, agent)
        if may and name in keys:
            row = {"key": keys[name], "may": [EVERYTHING] if EVERYTHING in may else sorted(may)}
            senders.append(name, row)
    if senders:
        document.add("senders", senders)
    return tomlkit.dumps(document)
