"""A sender's private key, and what it signs."""

from __future__ import annotations

import logging
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pyros_mqtt.errors import MissingExtra, SettingsError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from pyros_mqtt.settings import Settings

log = logging.getLogger(__name__)


def covered(topic: str, body: bytes) -> bytes:
    """Give what a signature is made over: the inbox, too, so that no other one takes it."""
    return topic.encode() + b"\n" + body


class Signer:
    """Signs commands with one key. For any thread."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read a private key: PKCS8 in PEM, as `openssl genpkey -algorithm ed25519` writes it.

        Raises:
            SettingsError: it cannot be read, or is no such key; its content is not repeated.
            MissingExtra: `cryptography` is not installed.
        """
        try:
            from cryptography.exceptions import UnsupportedAlgorithm
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
            from cryptography.hazmat.primitives.serialization import load_pem_private_key
        except ModuleNotFoundError:
            raise MissingExtra("signing_key_file", "access") from None
        try:
            key = load_pem_private_key(file.read_bytes(), password=None)
        except OSError as problem:
            raise SettingsError(f"signing_key_file = {file}: {problem.strerror}") from None
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise SettingsError(
                f"signing_key_file = {file}: is no Ed25519 key without a password in PEM (PKCS8); "
                "openssl genpkey -algorithm ed25519 makes one"
            )
        _warn_if_all_can_read(file)
        return cls(key)

    def sign(self, topic: str, body: bytes) -> bytes:
        """Sign what goes to `topic`; 64 bytes."""
        return self._key.sign(covered(topic, body))


def signer_of(settings: Settings) -> Signer | None:
    """Make the signer of this process; None where no key is set.

    Raises:
        SettingsError, MissingExtra: as `Signer.read`.
    """
    return Signer.read(settings.signing_key_file) if settings.signing_key_file else None


def _warn_if_all_can_read(file: Path) -> None:
    if file.stat().st_mode & stat.S_IROTH:
        log.warning("%s can be read by everyone on this machine: chmod 600", file)
