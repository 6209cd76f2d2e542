"""The layers that settings come from, laid over each other, and which layer each value is from.

From the strongest: arguments, what a host such as Django was told, `PYROS_*` of the environment,
`.env` of the current folder, `pyros.toml`, `pyros_agent_config.ini`. Nothing here raises: what
cannot be read is a problem in words, so that all of them can be told at once.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource

from pyros_mqtt.settings import legacy_ini
from pyros_mqtt.settings.folders import config_folders
from pyros_mqtt.settings.identity_table import IDENTITY_FILES
from pyros_mqtt.settings.notifier_tables import ALARM_FILES

PREFIX = "PYROS_"
CONFIG_VARIABLE = "PYROS_CONFIG"
"""Names the pyros.toml to read; without it the first of the folders that has one decides."""

FILE_KEYS = {
    "access_file", "access_folder", "ca_file", "cert_file", "key_file", "password_file",
    "signing_key_file", "state_dir", "trust_file",
}  # fmt: skip
"""Paths; in a pyros.toml they are relative to its folder."""

TABLES = {
    "agents", "alarms", "gateway", "home_assistant", "identities", "machines", "observatory"
}  # fmt: skip
"""These have keys of their own, so they do not fit into a variable."""

_EITHER = {"password": "password_file", "password_file": "password"}
"""A stronger layer that says one of a pair silences the other in the weaker layers."""

REACHING = frozenset({
    "brokers", "ca_file", "cert_file", "key_file", "keepalive", "listen_qos", "password",
    "password_file", "root", "sender", "signing_key_file", "state_dir", "username",
})  # fmt: skip
"""What it takes to reach the agents: plain values, which in a pyros.toml stand above all tables."""

_TABLE = re.compile(r"^\s*\[", re.MULTILINE)

Path_ = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """What one origin says, as flat paths: `("agents", "dome", "class")` to a value."""

    origin: str
    values: Mapping[Path_, Any]
    is_environment: bool = False
    places: Mapping[Path_, str] = field(default_factory=dict)

    def place(self, path: Path_) -> str:
        """Name the place of one value for people: the variable, or the file."""
        if self.is_environment:
            return f"{self.origin} {PREFIX}{path[0].upper()}"
        return self.places.get(path, self.origin)


@dataclass(slots=True)
class Reading:
    """All layers laid over each other: the strongest value of each path, and its place."""

    values: dict[str, Any] = field(default_factory=dict)
    places: dict[Path_, str] = field(default_factory=dict)
    legacy_agents: Mapping[str, legacy_ini.LegacyAgent] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    files: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def place(self, path: Path_) -> str:
        """Name where a value, or the table that holds it, came from; empty for a default."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        below = (place for known, place in self.places.items() if known[: len(path)] == path)
        return next(below, "")


_adopted: list[Layer] = []


def adopt(origin: str, values: Mapping[str, Any]) -> None:
    """Take what this process's host has been told; it replaces what was adopted before."""
    _adopted[:] = [Layer(origin, dict(_flat(_given(values))))]


def read(
    settings: type[BaseSettings], arguments: Mapping[str, Any], *, spares: bool = False
) -> Reading:
    """Read every layer for the fields of `settings`; with `spares` those of `REACHING` alone."""
    return _Reader(settings, spares=spares).read(arguments)


class _Reader:
    """Reads the layers from the strongest to the weakest, and keeps what the first one says."""

    def __init__(self, settings: type[BaseSettings], *, spares: bool) -> None:
        self._settings = settings
        self._spares = spares
        self._reading = Reading()
        self._config_file = ""

    def read(self, arguments: Mapping[str, Any]) -> Reading:
        self._lay(Layer("argument", dict(_flat(_given(arguments)))))
        for layer in _adopted:
            self._lay(layer)
        self._lay(self._environment())
        self._lay(self._dotenv())
        self._lay(self._toml())
        self._lay(self._ini())
        self._take_password_from_file()
        return self._reading

    def _lay(self, layer: Layer) -> None:
        taken = {path[0] for path in self._reading.places}
        for path, value in layer.values.items():
            if _EITHER.get(path[0]) not in taken and not self._is_spared(path):
                self._put(path, value, layer.place(path))

    def _is_spared(self, path: Path_) -> bool:
        """Whether it is left unread. An unknown plain value may be a slip for a needed one."""
        key = path[0]
        if not self._spares or key in REACHING:
            return False
        if len(path) > 1 or key in self._settings.model_fields:
            return True
        meant = get_close_matches(key, self._settings.model_fields, 1)
        return not meant or meant[0] not in REACHING or meant[0] in self._reading.values

    def _put(self, path: Path_, value: Any, place: str) -> None:
        table = self._reading.values
        for key in path[:-1]:
            table = table.setdefault(key, {})
            if not isinstance(table, dict):  # a stronger layer has a plain value here
                return
        if path[-1] not in table:
            table[path[-1]] = value
            self._reading.places[path] = place

    def _environment(self) -> Layer:
        said = EnvSettingsSource(self._settings, env_prefix=PREFIX).env_vars
        return self._variables("environment variable", said)

    def _dotenv(self) -> Layer:
        file = Path.cwd() / ".env"
        if not file.is_file():
            return Layer("", {})
        try:
            source = DotEnvSettingsSource(self._settings, env_file=file, env_prefix=PREFIX)
        except (OSError, UnicodeDecodeError) as problem:
            self._reading.problems.append(f"{file}: cannot be read: {problem}")
            return Layer("", {})
        self._reading.files.append(file)
        return self._variables(f"{file}:", source.env_vars)

    def _variables(self, origin: str, variables: Mapping[str, str | None]) -> Layer:
        said = {name.upper(): value for name, value in variables.items() if value}
        self._config_file = self._config_file or said.get(CONFIG_VARIABLE, "")
        self._tell_misspelt(origin, said)
        values: dict[Path_, Any] = {
            (key,): said[PREFIX + key.upper()]
            for key in self._settings.model_fields
            if PREFIX + key.upper() in said and key not in TABLES
        }
        return Layer(origin, values, is_environment=True)

    def _tell_misspelt(self, origin: str, names: Iterable[str]) -> None:
        """Others may own variables of our prefix; only what looks like a slip is a problem."""
        known = [PREFIX + key.upper() for key in self._settings.model_fields if key not in TABLES]
        for name in names:
            if not name.startswith(PREFIX) or name in known or name == CONFIG_VARIABLE:
                continue
            near = get_close_matches(name, known, 1, cutoff=0.85)
            if self._is_spared(((near or [name])[0].removeprefix(PREFIX).lower(),)):
                continue
            if near:
                self._reading.problems.append(
                    f"{origin} {name}: is not a setting; did you mean {near[0]}?"
                )
            elif name.removeprefix(PREFIX).lower() in TABLES:
                self._reading.problems.append(f"{origin} {name}: is a table of pyros.toml only")

    def _toml(self) -> Layer:
        named = self._config_file
        file = Path(named).absolute() if named else _find("pyros.toml")
        if file is None:
            return Layer("", {})
        try:
            said = dict(_flat(tomllib.loads(self._needed(self._text(file)))))
        except tomllib.TOMLDecodeError as problem:
            self._reading.problems.append(f"{file}: is not valid TOML: {problem}")
            said = {}
        except RecursionError:
            self._reading.problems.append(f"{file}: is not valid TOML: it is nested too deeply")
            said = {}
        for path in [one for one in said if one[0].startswith("_")]:  # would steer pydantic
            del said[path]
            self._reading.problems.append(f"{file}: {'.'.join(path)}: unknown key")
        for path, value in said.items():
            if _is_file(path) and isinstance(value, str):
                said[path] = file.parent / os.path.expanduser(value)  # noqa: PTH111 - never raises
        return Layer(str(file), said)

    def _needed(self, text: str) -> str:
        return _TABLE.split(text, 1)[0] if self._spares else text

    def _ini(self) -> Layer:
        file = _find("pyros_agent_config.ini")
        if file is None or (self._spares and "brokers" in self._reading.values):
            return Layer("", {})
        found = legacy_ini.parse(self._text(file), str(file))
        self._reading.problems.extend(found.problems)
        self._reading.legacy_agents = found.agents
        self._reading.remarks = found.remarks
        values: dict[Path_, Any] = {("brokers",): found.broker} if found.broker else {}
        if found.problems:  # they have been told with their lines
            return Layer(str(file), values)
        sockets: dict[Path_, legacy_ini.Entry] = {
            ("gateway", "agents", name, key): entry
            for name, keys in found.sockets.items()
            for key, entry in keys.items()
        }
        values |= {path: entry.value for path, entry in sockets.items()}
        places = {path: f"{file}, line {entry.line}" for path, entry in sockets.items()}
        return Layer(str(file), values, places=places)

    def _take_password_from_file(self) -> None:
        values, places = self._reading.values, self._reading.places
        if "password_file" not in values:
            return
        place = places["password_file",]
        if "password" in values:
            self._reading.problems.append(f"{place}: password is given, too; keep one of them")
            return
        file = Path(os.path.expanduser(values["password_file"]))  # noqa: PTH111 - never raises
        password = self._text(file).rstrip("\r\n") if file.is_file() else None
        if password == "":
            self._reading.problems.append(f"{place}: password_file = {str(file)!r}: is empty")
        if password:
            values["password"] = password
            places["password",] = str(file)

    def _text(self, file: Path) -> str:
        """Read a file; old ones may be Latin-1, in which every byte is a letter."""
        try:
            data = file.read_bytes()
        except OSError as problem:
            self._reading.problems.append(f"{file}: cannot be read: {problem.strerror}")
            return ""
        self._reading.files.append(file)
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return data.decode("latin-1")


def _find(name: str) -> Path | None:
    return next((one / name for one in config_folders() if (one / name).is_file()), None)


def _is_file(path: Path_) -> bool:
    below = {"alarms": ALARM_FILES, "identities": IDENTITY_FILES}
    return path[0] in FILE_KEYS or path[-1] in below.get(path[0], ())


def _given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in arguments.items() if value is not None}


def _flat(table: Mapping[str, Any], prefix: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Walk nested tables; an empty table counts as a value."""
    for key, value in table.items():
        path = (*prefix, str(key))
        if isinstance(value, Mapping) and value:
            yield from _flat(value, path)
        else:
            yield path, value
