"""Images out of the Debian packages of this machine: no image can be pulled everywhere."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import docker

SHELL = ("base-files", "coreutils", "dash", "grep", "libc-bin")
"""What every image needs to run a line of shell."""

_MERGED = ("bin", "sbin", "lib", "lib64")
"""Links into /usr."""

_USELESS = re.compile(r"/usr/share/(doc|man|locale|info|lintian|perl|i18n)/|.*/__pycache__/")
_LEFT_OUT = re.compile(
    r"perl.*|libllvm.*|debconf.*|python3-dev|build-essential|ucf|adduser|lsb-base"
)
"""Of the dependencies: what only runs while packages are installed, and the compiler of queries."""


def are_here(packages: Iterable[str]) -> bool:
    """Whether these packages are installed on this machine."""
    if shutil.which("dpkg-query") is None:
        return False
    return set(packages) <= _depends().keys()


@dataclass(frozen=True)
class Content:
    """What an image is made of.

    Attributes:
        packages: with all that they depend on; they are installed on this machine.
        texts: of files, by their paths without the first slash.
        owned: the users, as numbers, of folders that are not root's.
        changes: lines of a Containerfile, such as `ENV A=B`.
    """

    packages: tuple[str, ...]
    texts: Mapping[str, str] = field(default_factory=dict)
    owned: Mapping[str, int] = field(default_factory=dict)
    changes: tuple[str, ...] = ()


def build(client: docker.DockerClient, image: str, content: Content) -> None:
    """Make the image of this name and tag."""
    data = _archive(content)
    client.api.import_image_from_data(data, *image.split(":"), changes=list(content.changes))


def _archive(content: Content) -> bytes:
    placed = {_unmerged(one): one for one in _files(content.packages)}
    extra = [f"{one}/-" for one in ("tmp", "run", *content.owned)]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in _folders([*placed, *content.texts, *extra]):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            folder.uid = folder.gid = content.owned.get(name, 0)
            archive.addfile(folder)
        for name in _MERGED:
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
            archive.addfile(link)
        for path, source in sorted(placed.items()):
            archive.add(source, path, recursive=False)
        for name, text in content.texts.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text.encode()), 0o755
            archive.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def _folders(paths: Iterable[str]) -> list[str]:
    """Give the folders above these paths, the upper ones first."""
    above = {str(folder) for path in paths for folder in Path(path).parents}
    return sorted(above - {"."})


def _unmerged(path: str) -> str:
    first = path.split("/")[1]
    return path.lstrip("/") if first not in _MERGED else f"usr{path}"


def _files(packages: Iterable[str]) -> list[str]:
    names = sorted(_closure([*SHELL, *packages]))
    return [
        one
        for one in _told("-L", *names)
        if one.startswith("/") and not _USELESS.match(one) and _is_file(one)
    ]


def _is_file(path: str) -> bool:
    return path.lstrip("/") not in _MERGED and (os.path.islink(path) or Path(path).is_file())  # noqa: PTH114 - texts


def _closure(packages: Iterable[str]) -> set[str]:
    known = _depends()
    wanted, waiting = set[str](), list(packages)
    while waiting:
        name = waiting.pop()
        if name in known and name not in wanted and not _LEFT_OUT.fullmatch(name):
            wanted.add(name)
            waiting += known[name]
    return wanted


def _depends() -> dict[str, list[str]]:
    """Give what each installed package depends on, every alternative of it."""
    form = "${db:Status-Status}\t${Package}\t${Pre-Depends}, ${Depends}\n"
    rows = [line.split("\t") for line in _told("-W", "-f", form)]
    return {
        name: re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]*)", depends)
        for status, name, depends in rows
        if status == "installed"
    }


def _told(*words: str) -> list[str]:
    asked = ["dpkg-query", *words]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()  # noqa: S603 - it prints
