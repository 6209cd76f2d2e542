"""`pyros_agent_config.ini` -> `pyros.toml`, comments and all."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import tomlkit
from pydantic import ValidationError
from tomlkit.items import Table

from pyros_mqtt.errors import SettingsError
from pyros_mqtt.settings import legacy_ini
from pyros_mqtt.settings.gateway_table import GatewayTable

_COMMENT = re.compile(r"(?:^|\s)[;#]\s?(.*)$")
_NUMBERS = {"receive_port", "buffer_size", "ttl", "timeout", "probe"}
_LISTS = {"allow", "sends_from"}
_BOOLEANS = {"proxy": {"1", "yes", "true", "on"}}


@dataclass(frozen=True, slots=True)
class Migration:
    """The new file's text, and what a person has to look at, a line each."""

    text: str
    remarks: tuple[str, ...]


@dataclass(slots=True)
class _Piece:
    """One section of the old file: the comments before its lines, and at their ends."""

    name: str
    above: list[str] = field(default_factory=list)
    beside: str = ""
    lines: list[tuple[list[str], str, str]] = field(default_factory=list)
    """Comments above, key, comment beside."""


def migrate(text: str, file: str = "pyros_agent_config.ini") -> Migration:
    """Write what an old file says as a pyros.toml.

    Raises:
        SettingsError: the old file is wrong; a line each.
    """
    found = legacy_ini.parse(text, file)
    if found.problems:
        raise SettingsError("\n".join(found.problems))
    wanted = _validated(
        {name: {key: entry.value for key, entry in keys.items()}
         for name, keys in found.sockets.items() if keys},
        file,
    )  # fmt: skip
    written = _Writer(found).write(list(_pieces(text)))
    said = tomllib.loads(written)
    again = _validated(said.get("gateway", {}).get("agents", {}), "the new file")
    if again != wanted or ",".join(said.get("brokers", [])) != _url(found.broker):
        raise SettingsError(f"{file}: the new file would not say the same; please report this")
    return Migration(written, found.remarks)


def _validated(agents: dict[str, Any], file: str) -> GatewayTable:
    try:
        return GatewayTable(agents=agents)
    except ValidationError as error:
        lines = [
            f"{file}: {'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors()
        ]
        raise SettingsError("\n".join(lines)) from None


def _url(broker: str) -> str:
    return f"mqtt://{broker}" if broker else ""


class _Writer:
    """Puts the new file together."""

    def __init__(self, found: legacy_ini.LegacyIni) -> None:
        self._found = found
        self._document = tomlkit.document()

    def write(self, pieces: list[_Piece]) -> str:
        """Write the sections in their order; what has no section of its own stands first."""
        general = [one for one in pieces if one.name in {"", "broker", "default"}]
        for piece in general:
            self._comments(self._document, piece.above)
            for above, _, beside in piece.lines:
                self._comments(self._document, [*above, *([beside] if beside else [])])
        if self._found.broker:
            self._document.add("brokers", tomlkit.array(f'["{_url(self._found.broker)}"]'))
        tables: list[tuple[str, Any]] = []
        for piece in [one for one in pieces if one not in general]:
            before = tables[-1][1] if tables else self._document
            if piece.above:  # what stands above a heading ends the table before it
                before.add(tomlkit.nl())
            self._comments(before, piece.above)
            tables.append((piece.name, self._agent(piece)))
        agents, gateway = tomlkit.table(is_super_table=True), tomlkit.table(is_super_table=True)
        for name, table in tables:
            agents.add(name, table)
        gateway.add("agents", agents)
        if tables:
            self._document.add("gateway", gateway)
        return re.sub(r"\n{3,}", "\n\n", tomlkit.dumps(self._document)).lstrip("\n")

    def _agent(self, piece: _Piece) -> Table:
        table = tomlkit.table()
        if piece.beside:
            table.comment(piece.beside)
        said = dict(self._found.sockets.get(piece.name, {}))
        rest = self._found.agents[piece.name].rest
        for above, key, beside in piece.lines:
            self._comments(table, above)
            if key in said:
                self._pair(table, key, said.pop(key).value, beside)
            elif key in rest:
                told = f"{key} = {rest[key]} (no key of a socket)"
                table.add(tomlkit.comment(": ".join(filter(None, [told, beside]))))
            elif beside:
                self._comments(table, [beside])
        for key, entry in said.items():  # what [DEFAULT] says for all
            self._pair(table, key, entry.value, "")
        return table

    @staticmethod
    def _pair(table: Table, key: str, value: str, beside: str) -> None:
        item = tomlkit.item(_typed(key, value))
        if beside:
            item.comment(beside)
        table.add(key, item)

    @staticmethod
    def _comments(table: Any, comments: list[str]) -> None:
        for one in comments:
            table.add(tomlkit.comment(one) if one else tomlkit.nl())


def _typed(key: str, value: str) -> Any:
    if key in _NUMBERS:
        return int(value) if value.isdigit() else float(value)
    if key in _LISTS:
        return [one.strip() for one in value.split(",") if one.strip()]
    if key in _BOOLEANS:
        return value.lower() in _BOOLEANS[key]
    return value.lower() if key in {"framing", "answer"} else value


def _pieces(text: str) -> Iterator[_Piece]:
    """Cut the old file into its sections, with the comments where they belong."""
    piece, above = _Piece(""), list[str]()
    for line in text.removeprefix("\ufeff").splitlines():
        comment = _COMMENT.search(line)
        said = line[: comment.start()].strip() if comment else line.strip()
        beside = comment[1].strip() if comment else ""
        if not said:
            above += [beside] if beside else []
        elif said.startswith("["):
            yield piece
            name = re.sub(r"\s+", "_", said.strip("[] \t").lower())
            piece, above = _Piece(name, above, beside), []
        else:
            key = re.split(r"[=:]", said, maxsplit=1)[0].strip().lower()
            piece.lines.append((above, key, beside))
            above = []
    if above:
        piece.lines.append((above, "", ""))
    yield piece
