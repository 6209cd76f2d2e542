"""Builds the pages `reference/api.md` and `reference/cli.md` from docstrings and help texts.

`scripts/docs` runs it; a test tells when it has to be run again.
"""
# ruff: noqa: INP001 - a script, in a folder of pages

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- Built by `scripts/docs`; change the docstrings instead. -->"
WIDTH = "96"


def api() -> str:
    """Write the page of every public name, from docstrings and signatures."""
    import pyros_mqtt
    from pyros_mqtt import testing

    lead = "Everything is imported from `pyros_mqtt`, except where another module is named."
    parts = [NOTE, "# Python", lead]
    public = {name: getattr(pyros_mqtt, name) for name in pyros_mqtt.__all__}
    public["pyros_mqtt.testing.Rehearsal"] = testing.Rehearsal
    errors = {n: one for n, one in public.items() if _is_error(one)}
    for name, one in public.items():
        if name not in errors and not name.startswith("__"):
            parts += _entry(name, one)
    parts += ["## Errors", "What they mean, and what to do: [errors](errors.md)."]
    parts += [
        f"* `{name}`({one.__bases__[0].__name__}): {_first(one)}" for name, one in errors.items()
    ]
    return "\n\n".join(parts) + "\n"


def cli() -> str:
    """Write the page of every command, from its help text."""
    parts = [NOTE, "# Command line", "`python -m pyros_mqtt` is the same as `pyros`."]
    for words, said in _helps(()):
        parts += [f"## {' '.join(('pyros', *words))}", f"```text\n{said.strip()}\n```"]
    return "\n\n".join(parts) + "\n"


def _helps(words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Ask a command, and those below it, for their help texts."""
    from typer.testing import CliRunner

    from pyros_mqtt.cli.commands import complete

    plain = {"COLUMNS": WIDTH, "TERMINAL_WIDTH": WIDTH, "NO_COLOR": "1"}
    runner = CliRunner(env=plain)
    said = runner.invoke(complete(), [*words, "--help"], prog_name="pyros").stdout
    yield words, said
    below = said.partition("\nCommands:\n")[2].partition("\n\n")[0]
    for name in re.findall(r"^  ([\w-]+)  ", below, re.MULTILINE):
        yield from _helps((*words, name))


def _entry(name: str, one: Any) -> Iterator[str]:
    """Write a class with its public members, or a function."""
    yield f"## `{name}`"
    if not isinstance(one, type):
        yield f"```text\n{_signature(one, name)}\n```"
        yield _prose(one)
        return
    yield f"```text\n{_signature(one, name.rpartition('.')[2])}\n```"
    yield _prose(one)
    for family in one.__mro__:
        if family.__module__.startswith("pyros_mqtt"):
            for key, member in vars(family).items():
                if (
                    not key.startswith("_")
                    and _prose(member)
                    and vars(one).get(key, member) is member
                ):
                    yield from _member(key, member)


def _member(name: str, member: Any) -> Iterator[str]:
    member = getattr(member, "_method", member)  # one that works on the class and on instances
    if isinstance(member, property) or not callable(getattr(member, "__func__", member)):
        if isinstance(member, property):
            yield f"**`{name}`**: {_prose(member)}"
        return
    yield f"### `{name}`"
    yield f"```text\n{_signature(getattr(member, '__func__', member), name)}\n```"
    yield _prose(member)


def _signature(one: Any, name: str) -> str:
    if isinstance(one, type) and issubclass(one, Enum):
        return "\n".join(f"{name}.{each.name} = {each.value!r}" for each in one)
    if getattr(one, "_is_protocol", False):
        return f"class {name}(Protocol)"
    signature = inspect.signature(vars(one)["__init__"] if isinstance(one, type) else one)
    own = [each for each in signature.parameters.values() if each.name not in {"self", "cls"}]
    text = str(signature.replace(parameters=own))
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", text).removesuffix(" -> None")
    text = re.sub(r"<(\w+\.\w+): [^>]*>", r"\1", text)
    text = re.sub(r"<[a-z -]*?(\w+)>", r"\1", text).replace("= factory", "= {}")
    line = f"{name}{text}"
    if len(line) <= int(WIDTH):
        return line
    inside, _, after = line.partition("(")[2].rpartition(")")
    apart = re.sub(r", (?=\*|/|\w+: )", ",\n    ", inside)
    return f"{name}(\n    {apart},\n){after}"


def _prose(one: Any) -> str:
    """Turn a docstring's sections into lists."""
    text = inspect.getdoc(one) or ""
    if isinstance(one, str | int | float | tuple):
        return ""
    lines, inside = [], False
    for line in text.splitlines():
        if re.fullmatch(r"(Args|Raises|Returns|Attributes|Yields):", line):
            inside = True
            lines.append(f"*{line}*\n")
        elif inside and (found := re.match(r" {4}([\w*, `]+): (.*)", line)):
            lines.append(f"* `{found[1].strip('`')}`: {found[2]}")
        else:
            inside = inside and (not line or line.startswith(" "))
            lines.append(f"  {line.strip()}" if inside and line else line)
    return "\n".join(lines).rstrip()


def _first(one: Any) -> str:
    return (inspect.getdoc(one) or "").split("\n\n", 1)[0].replace("\n", " ")


def _is_error(one: Any) -> bool:
    return isinstance(one, type) and issubclass(one, BaseException)


PAGES = {"api.md": api, "cli.md": cli}

if __name__ == "__main__":
    for page, build in PAGES.items():
        (REFERENCE / page).write_text(build(), "utf-8")
        sys.stdout.write(f"docs/reference/{page}\n")
