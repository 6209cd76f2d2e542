"""Keys for tests of signed commands: the first one of RFC 8032, section 7.1, and another."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pyros_mqtt.signing import Signer

PEM = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
"""
PUBLIC = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

TRUST = f"""
[senders.scheduler]
key = "{PUBLIC}"
may = ["open", "goto"]
speaks_for = ["tcp-*"]
"""

OTHER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


def key_file(folder: Path) -> Path:
    """The first key, as a sender has it."""
    file = folder / "scheduler.key"
    file.write_text(PEM)
    file.chmod(0o600)
    return file


def trust_file(folder: Path, text: str = TRUST) -> Path:
    """What an agent believes."""
    file = folder / "trust.toml"
    file.write_text(text)
    return file
