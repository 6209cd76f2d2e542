"""Signed commands (Ed25519), for those who do not want to trust the broker's host.

The package `cryptography` and the reader of that file are imported only where a key
or a file of trusted senders is set.
"""

from pyros_mqtt.signing.guard import Guard, guard_of
from pyros_mqtt.signing.signer import Signer, covered, signer_of

__all__ = ["Guard", "Signer", "covered", "guard_of", "signer_of"]
