"""Signed commands (Ed25519), for those who do not want to trust the broker's host.

The package `cryptography` is imported only where a key or a file of trusted senders is set.
"""

from pyros_mqtt.signing.guard import Guard, guard_of
from pyros_mqtt.signing.signer import Signer, covered, signer_of
from pyros_mqtt.signing.trust import Trust

__all__ = ["Guard", "Signer", "Trust", "covered", "guard_of", "signer_of"]
