"""PyROS's own file, `pyros_agent_config.ini`: a section an agent, and `[broker]`.

People have edited these files by hand for years, so the reading is tolerant: the case of sections
and keys, spaces, a byte-order mark, `=` or `:`, `;` and `#` do not matter. What could be meant in
two ways is told with its line, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType

from pyros_mqtt.errors import BadName
from pyros_mqtt.settings.gateway_table import OldSocket
from pyros_mqtt.topics import check_name

_COMMENT = re.compile(r"(^|\s)[;#].*$")
_SECTION = re.compile(r"\[\s*([^\]]*?)\s*\]$")
_PAIR = re.compile(r"([^=:]+?)\s*[=:]\s*(.*)$")
_HIGHEST_PORT = 65535
_BROKER_KEYS = ("host", "port")

LONGEST = 200
"""Characters of a file's text that are shown in a problem; the rest would hide what is wrong."""

AGENT_KEYS = tuple(OldSocket.model_fields)
"""What a section may say of an agent's socket; the gateway reads all of it."""


@dataclass(frozen=True, slots=True)
class LegacyAgent:
    """How PyROS reached one agent: a TCP address, and the size of its reads in bytes.

    `rest` holds the section's other keys, in lower case, as they stand.
    """

    name: str
    ip: str = "127.0.0.1"
    receive_port: int | None = None
    buffer_size: int | None = None
    rest: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Entry:
    """One value as it stands, and its line."""

    line: int
    value: str


@dataclass(frozen=True, slots=True)
class LegacyIni:
    """What such a file says. `broker` is `host:port`, empty where the file has no `[broker]`."""

    broker: str = ""
    agents: Mapping[str, LegacyAgent] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    """What is no mistake for certain, so that only a strict check complains of it."""
    sockets: Mapping[str, Mapping[str, Entry]] = field(default_factory=dict)
    """What is said of each agent's socket: the keys of `AGENT_KEYS`, as they stand."""


_Section = dict[str, Entry]


def parse(text: str, file: str = "pyros_agent_config.ini") -> LegacyIni:
    """Read such a file's text. It never raises: what is wrong stands in `problems`, by line."""
    return _Reader(file).read(text)


class _Reader:
    """Reads one file and gathers what is wrong with it."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._problems: list[str] = []

    def read(self, text: str) -> LegacyIni:
        sections = self._sections(text.removeprefix("\ufeff"))
        defaults = sections.pop("default", {})
        broker = self._broker(sections.pop("broker", {}))
        sections = {name: {**defaults, **one} for name, one in sections.items()}
        agents = {name: self._agent(name, one) for name, one in sections.items()}
        self._tell_shared_ports(agents)
        sockets = {
            name: {key: entry for key, entry in one.items() if key in AGENT_KEYS}
            for name, one in sections.items()
        }
        remarks = tuple(self._remarks(sections))
        return LegacyIni(broker, agents, tuple(self._problems), remarks, sockets)

    def _remarks(self, sections: Mapping[str, _Section]) -> Iterator[str]:
        if not sections:
            yield f"{self._file}: no agent has a section, such as [scheduler] with its receive_port"
        for name, section in sections.items():
            for key in [one for one in section if one not in AGENT_KEYS]:
                entry = section[key]
                yield self._said(
                    entry.line, f"[{name}] {key} = {entry.value!r}", _unknown(name, key)
                )
            if not {"receive_port", "sends_from"} & set(section):
                right = "without it nobody can reach this agent by TCP"
                yield f"{self._file}: [{name}]: receive_port is missing; {right}"

    def _sections(self, text: str) -> dict[str, _Section]:
        sections: dict[str, _Section] = {}
        current: _Section | None = None
        for number, line in _lines(text):
            if heading := _SECTION.match(line):
                name = re.sub(r"\s+", "_", heading[1].lower())
                if name in sections:
                    self._tell(number, f"[{name}]", "is there twice; put its keys under one")
                self._check_section(number, name)
                current = sections.setdefault(name, {})
            elif not (pair := _PAIR.match(line)):
                self._tell(number, repr(line), "is neither [section] nor key = value")
            elif current is None:
                self._tell(number, repr(line), "stands before the first [section]")
            else:
                self._take(number, current, pair[1].strip().lower(), pair[2].strip())
        return sections

    def _check_section(self, line: int, name: str) -> None:
        try:
            check_name("section", name)
        except BadName as problem:
            self._tell(line, f"[{name}]", str(problem))

    def _take(self, line: int, section: _Section, key: str, value: str) -> None:
        if key in section and section[key].value != value:
            first = section[key]
            self._tell(
                line,
                f"{key} = {value!r}",
                f"line {first.line} says {first.value!r}; keep one of them",
            )
        section.setdefault(key, Entry(line, value))

    def _broker(self, section: _Section) -> str:
        for key, entry in section.items():
            if key not in _BROKER_KEYS:
                near = get_close_matches(key, _BROKER_KEYS, 1)
                hint = f"did you mean {near[0]!r}?" if near else "known are host and port"
                self._tell(entry.line, f"[broker] {key} = {entry.value!r}", f"unknown key; {hint}")
        if not section:
            return ""
        host = section["host"].value if "host" in section else "localhost"
        port = self._number("broker", section, "port", _HIGHEST_PORT)
        return f"{host}:{port}" if port else host

    def _agent(self, name: str, section: _Section) -> LegacyAgent:
        known = {"ip", "receive_port", "buffer_size"}
        ip = section.get("ip", Entry(0, "127.0.0.1"))
        if not ip.value or re.search(r"\s", ip.value):
            right = "must be an address such as 127.0.0.1"
            self._tell(ip.line, f"[{name}] ip = {ip.value!r}", right)
        return LegacyAgent(
            name,
            ip.value,
            self._number(name, section, "receive_port", _HIGHEST_PORT),
            self._number(name, section, "buffer_size", 2**31),
            MappingProxyType({k: e.value for k, e in section.items() if k not in known}),
        )

    def _number(self, name: str, section: _Section, key: str, highest: int) -> int | None:
        if key not in section:
            return None
        entry = section[key]
        if re.fullmatch(r"[0-9]{1,10}", entry.value) and 0 < int(entry.value) <= highest:
            return int(entry.value)
        right = f"must be a whole number from 1 to {highest}"
        self._tell(entry.line, f"[{name}] {key} = {entry.value!r}", right)
        return None

    def _tell_shared_ports(self, agents: Mapping[str, LegacyAgent]) -> None:
        taken: dict[tuple[str, int], str] = {}
        for agent in agents.values():
            if agent.receive_port is None:
                continue
            first = taken.setdefault((agent.ip, agent.receive_port), agent.name)
            if first != agent.name:
                what = f"[{agent.name}] receive_port = {agent.receive_port}"
                right = f"[{first}] has the same at {agent.ip}; each agent needs its own"
                self._problems.append(f"{self._file}: {what}: {right}")

    def _tell(self, line: int, what: str, right: str) -> None:
        self._problems.append(self._said(line, what, right))

    def _said(self, line: int, what: str, right: str) -> str:
        if len(what) > LONGEST:
            what = f"{what[:LONGEST]} ..."
        where = f"{self._file}, line {line}" if line else self._file
        return f"{where}: {what}: {right}"


def _unknown(name: str, key: str) -> str:
    if near := get_close_matches(key, AGENT_KEYS, 1):
        return f"unknown key; did you mean {near[0]!r}?"
    return f"unknown key; an option of the agent belongs into [agents.{name}.options] of pyros.toml"


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Give the lines that say something, with their numbers, without comments."""
    for number, line in enumerate(text.splitlines(), start=1):
        said = _COMMENT.sub("", line).strip()
        if said:
            yield number, said
