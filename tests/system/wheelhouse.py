"""Wheels out of what is installed where the tests run: no index can be reached everywhere."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement


def fill(folder: Path, requirements: Iterable[str]) -> None:
    """Put a wheel of each requirement, and of all that it needs, into a folder.

    The wheels fit this Python alone.
    """
    for one in _closure(requirements):
        _pack(one, folder)


def _closure(requirements: Iterable[str]) -> Iterator[Distribution]:
    seen: set[tuple[str, str]] = set()
    packed: set[str] = set()
    waiting = [Requirement(one) for one in requirements]
    while waiting:
        wanted = waiting.pop()
        name = re.sub(r"[-_.]+", "-", wanted.name).lower()
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue  # of another platform, or nothing that an import needs
        for extra in {"", *wanted.extras} - {extra for one, extra in seen if one == name}:
            seen.add((name, extra))
            needed = map(Requirement, found.requires or ())
            waiting += [r for r in needed if not r.marker or r.marker.evaluate({"extra": extra})]
        if name not in packed:
            packed.add(name)
            yield found


def _pack(found: Distribution, folder: Path) -> None:
    tags = re.findall(r"(?m)^Tag: (.+)$", found.read_text("WHEEL") or "")
    parts = zip(*(one.split("-") for one in tags), strict=True)
    tag = "-".join(".".join(sorted(set(part))) for part in parts)
    name = re.sub(r"[-_.]+", "_", found.metadata["Name"])
    # Scripts lie outside of the packages; pip makes them anew.
    files = [one for one in found.files or () if ".." not in one.parts and one.suffix != ".pyc"]
    with zipfile.ZipFile(folder / f"{name}-{found.version}-{tag}.whl", "w") as wheel:
        for file in files:
            if (place := Path(str(found.locate_file(file)))).is_file():
                wheel.write(place, str(file))
