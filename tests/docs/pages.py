"""The documentation as pages and their fenced blocks.

What a block is for stands behind its language, where readers of the rendered page do not see it:

* `python file=NAME`, `toml file=NAME`, ...: written to the page's folder under that name;
* `python`: run, in one namespace for the whole page; `python pyros`: code for the old PyROS, which
  only has to be Python;
* `console`: each `$ command` is run, and has to print what stands below it (`...` for anything);
  `console background`: the command runs on, as in a terminal of its own, until the page ends, the
  same command is started again, or `<!-- Ctrl-C -->`; `exit=N` is the exit code that is right;
* `sh`: each line is run and has to succeed; `sh until-seen`: again, until the commands that run on
  have printed what their blocks show;
* `json KIND`: a payload of that kind, which the library has to be able to read;
* `mqtt5` with any of them: left out on a broker that knows only MQTT 3.1.1;
* `not-run="reason"` with any of them: shown only.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

CTRL_C = "<!-- Ctrl-C -->"

_FENCE = re.compile(r"^(?P<mark>`{3,})(?P<info>[^`]*)$")


@dataclass(frozen=True)
class Block:
    """One fenced block, or a `CTRL_C` between them; `line` is where its content begins."""

    page: Path
    line: int
    info: str
    text: str

    @property
    def language(self) -> str:
        """The first word behind the fence."""
        return self.info.split(" ", 1)[0]

    @cached_property
    def words(self) -> frozenset[str]:
        """The further words without a value."""
        return frozenset(word for word in shlex.split(self.info)[1:] if "=" not in word)

    @cached_property
    def values(self) -> dict[str, str]:
        """The further words of the form key=value."""
        return dict(word.split("=", 1) for word in shlex.split(self.info)[1:] if "=" in word)

    @property
    def commands(self) -> list[tuple[str, str]]:
        """The commands of a console block, each with what it is to print."""
        found: list[list[str]] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append([line[2:], ""])
            elif line.startswith("> "):
                found[-1][0] += "\n" + line[2:]
            else:
                found[-1][1] += line + "\n"
        return [(command, wanted) for command, wanted in found]

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """List all pages that are written by hand or built for readers."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def blocks_of(page: Path) -> list[Block]:
    """Read the blocks of a page in their order."""
    return list(_read(page, page.read_text("utf-8").splitlines()))


def _read(page: Path, lines: list[str]) -> Iterator[Block]:
    inside: re.Match[str] | None = None
    start = 0
    for number, line in enumerate(lines):
        if inside is None and line.strip() == CTRL_C:
            yield Block(page, number + 1, CTRL_C, "")
        elif inside is None:
            inside, start = _FENCE.match(line), number + 1
        elif line.rstrip() == inside["mark"]:
            text = "\n".join(lines[start:number]) + "\n"
            yield Block(page, start + 1, inside["info"].strip(), text)
            inside = None
    if inside is not None:
        raise ValueError(f"{page}:{start}: the block is not closed")


def prose_of(page: Path) -> str:
    """Give a page's text without its blocks and without code in backticks."""
    text = re.sub(r"^(`{3,}).*?^\1$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "``", text)
