"""`trust.toml`: whose signatures an agent believes, and what each of them may say.

```toml
[senders.scheduler]
key = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
may = ["*"]

[senders.gateway]
key = "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="
may = ["goto", "park"]
speaks_for = ["tcp-*"]  # signs for these names, too
```
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pyros_mqtt.errors import MissingExtra
from pyros_mqtt.settings import access_tables
from pyros_mqtt.topics import check_name

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

EVERYTHING = "*"
KEY_BYTES = 32


def _name(value: str) -> str:
    return check_name("sender", value)


def _pattern(value: str) -> str:
    _name(value.removesuffix("*"))
    return value


def _key(value: str) -> str:
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != KEY_BYTES:
        raise ValueError("must be the base64 of the 32 bytes of an Ed25519 public key")
    return value


class Trusted(BaseModel):
    """One sender who is believed.

    Attributes:
        key: its public key, base64 of 32 bytes.
        may: the messages that it may send; `*`: all.
        speaks_for: other names that it signs for, which have no key of their own; one that ends
            in `*` stands for all that begin so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: Annotated[str, AfterValidator(_key)]
    may: tuple[str, ...] = Field(min_length=1)
    speaks_for: tuple[Annotated[str, AfterValidator(_pattern)], ...] = ()

    def allows(self, message: str) -> bool:
        """Say whether it may send this message."""
        return EVERYTHING in self.may or message in self.may

    def stands_for(self, name: str) -> bool:
        """Say whether it signs for `name`, which is not its own."""
        return any(
            name.startswith(one[:-1]) if one.endswith("*") else name == one
            for one in self.speaks_for
        )


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    senders: dict[Annotated[str, AfterValidator(_name)], Trusted] = Field(default_factory=dict)


class Trust:
    """Everyone who is believed. It is read once and does not change."""

    def __init__(self, senders: Mapping[str, Trusted]) -> None:
        try:
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        except ModuleNotFoundError:
            raise MissingExtra("trust_file", "access") from None
        self._senders: dict[str, tuple[Ed25519PublicKey, Trusted]] = {
            name: (Ed25519PublicKey.from_public_bytes(base64.b64decode(one.key)), one)
            for name, one in senders.items()
        }

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read `trust.toml`.

        Raises:
            AccessError: it cannot be read, or says something wrong; a line each.
            MissingExtra: `cryptography` is not installed.
        """
        found = access_tables.read(file, _File, _known)
        return cls(found.senders)

    def who_speaks_for(self, name: str) -> Iterator[tuple[Ed25519PublicKey, Trusted]]:
        """Give the keys that may have signed for `name`: its own alone, where it has one."""
        if name in self._senders:
            yield self._senders[name]
            return
        yield from (one for one in self._senders.values() if one[1].stands_for(name))


def _known(path: tuple[str, ...]) -> Any:
    return Trusted.model_fields if path else _File.model_fields
