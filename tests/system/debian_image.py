"""Images out of the Debian packages of this machine: no image can be pulled everywhere."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import docker

SHELL = ("base-files", "coreutils", "dash", "libc-bin")
"""What every image needs to run a line of shell."""

_MERGED = ("bin", "sbin", "lib", "lib64")
"""Links into /usr."""

_USELESS = re.compile(r"/usr/(share/(doc|man|locale|info|lintian|perl|i18n)|lib/python3/dist-packages/"
                      r"pip/_vendor/.*/tests)/|.*/__pycache__/")  # fmt: skip
_LEFT_OUT = re.compile(r"perl.*|libllvm.*|debconf.*|python3-dev|build-essential|ucf|adduser|lsb-base")
"""Of the dependencies: what only runs while packages are installed, and the compiler of queries."""


def are_here(packages: Iterable[str]) -> bool:
    """Whether these packages are installed on this machine."""
    if shutil.which("dpkg-query") is None:
        return False
    return set(packages) <= _depends().keys()


def build(
    client: docker.DockerClient, image: str, packages: Iterable[str], more: Mapping[str, str]
) -> None:
    """Make an image of packages and all that they depend on; `more` are texts of files."""
    client.api.import_image_from_data(_archive(_files(packages), more), *image.split(":"))


def _archive(files: Iterable[str], more: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        placed = {_unmerged(one): one for one in files}
        for name in _folders([*placed, *more, "tmp/-", "run/-", "var/lib/-"]):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            archive.addfile(folder)
        for name in _MERGED:
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
            archive.addfile(link)
        for path, source in sorted(placed.items()):
            archive.add(source, path, recursive=False)
        for name, text in more.items():
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
    listed = subprocess.run(["dpkg-query", "-L", *names], capture_output=True, text=True, check=True)  # noqa: S603, S607 - prints paths
    return [
        one
        for one in listed.stdout.splitlines()
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
    told = subprocess.run(["dpkg-query", "-W", "-f", form], capture_output=True, text=True, check=True)  # noqa: S603, S607 - prints a table
    rows = [line.split("\t") for line in told.stdout.splitlines()]
    return {
        name: re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]*)", depends)
        for status, name, depends in rows
        if status == "installed"
    }
