"""`[identities.NAME]`: by what an agent is known, where a machine has agents of several names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

IDENTITY_FILES = {"cert_file", "key_file", "signing_key_file", "trust_file"}
"""Its keys, all of them paths; in a pyros.toml they are relative to its folder."""


def existing(value: Path) -> Path:
    """Refuse a file that is not there."""
    value = value.expanduser()
    if not value.is_file():
        raise ValueError("there is no such file")
    return value


File = Annotated[Path, AfterValidator(existing)]


class IdentityTable(BaseModel):
    """One `[identities.NAME]`: what is here is stronger for that agent than what all have."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    cert_file: File | None = None
    key_file: File | None = None
    signing_key_file: File | None = None
    trust_file: File | None = None
