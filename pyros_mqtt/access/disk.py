"""Writing files whole or not at all; secrets are never readable by others, not for a moment."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import stat
import time
from pathlib import Path

from pyros_mqtt.disk import private_folder
from pyros_mqtt.errors import AccessError

OPEN = 0o644
SECRET = 0o600
OF_GROUP = 0o640

LEFT_BEHIND = 60.0
"""Seconds after which nobody is writing a draft any more."""

_DRAFT = re.compile(r"\..+\.[0-9a-f]{8}", re.DOTALL)


def write(
    file: Path,
    content: bytes | str,
    *,
    secret: bool = False,
    owner: str | None = None,
    group: int | None = None,
) -> None:
    """Write a file, with its folder; an older one is replaced in one step.

    What is no secret keeps the mode that an older one has; both keep its owner, unless another
    is named. With a `group` (its number) it is for that one and the owner to read.

    Raises:
        AccessError: the disk does not take it, or there is no such owner.
    """
    data = content.encode() if isinstance(content, str) else content
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        old = file.stat() if file.exists() else None
        mode = SECRET if secret else stat.S_IMODE(old.st_mode) if old else OPEN
        mode = mode if group is None else OF_GROUP
        _write_anew(draft, data, mode)
        if owner is not None:
            shutil.chown(draft, owner)
        elif old is not None and old.st_uid != os.geteuid():
            os.chown(draft, old.st_uid, old.st_gid)
        if group is not None:
            os.chown(draft, -1, group)
        draft.replace(file)
    except OSError as problem:
        raise AccessError(f"{file}: cannot be written: {problem.strerror}") from None
    except LookupError:
        raise AccessError(f"there is no user {owner!r} on this machine") from None
    finally:
        with contextlib.suppress(OSError):  # whatever it is has been told
            draft.unlink(missing_ok=True)


def _write_anew(draft: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), mode)  # whatever the umask says
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sweep(folder: Path) -> None:
    """Take away drafts, also of secrets, that a process left behind when it was killed."""
    for file in folder.rglob(".*.*"):
        if _DRAFT.fullmatch(file.name):
            with contextlib.suppress(OSError):
                if time.time() - file.stat().st_mtime > LEFT_BEHIND:
                    file.unlink()


def private(folder: Path) -> Path:
    """Make a folder that only its owner may look into; gives it back.

    Raises:
        AccessError: it cannot be made.
    """
    try:
        private_folder(folder)
    except OSError as problem:
        raise AccessError(f"{folder}: cannot be made: {problem.strerror}") from None
    return folder


def read(file: Path) -> bytes:
    """Read a file.

    Raises:
        AccessError: it cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as problem:
        raise AccessError(f"{file}: cannot be read: {problem.strerror}") from None
