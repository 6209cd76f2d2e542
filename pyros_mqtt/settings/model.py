"""What can be set, with its default and its bounds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from pyros_mqtt.errors import SettingsError
from pyros_mqtt.failpoints import Failpoint
from pyros_mqtt.settings import layers, problems
from pyros_mqtt.settings.alarms_table import AlarmsTable, known_keys
from pyros_mqtt.settings.broker_url import BrokerUrl
from pyros_mqtt.settings.folders import state_folder
from pyros_mqtt.settings.gateway_table import HIGHEST_PORT, GatewayTable, Networks, OldSocket
from pyros_mqtt.settings.home_assistant_table import HomeAssistantTable
from pyros_mqtt.settings.identity_table import File, IdentityTable
from pyros_mqtt.settings.legacy_ini import LegacyAgent
from pyros_mqtt.settings.machines_table import HostName, MachineTable
from pyros_mqtt.settings.metrics_values import ChannelPatterns, OwnAddress
from pyros_mqtt.settings.when_given import WhenGiven
from pyros_mqtt.topics import Topics, check_name


class Origin(NamedTuple):
    """One value as it may be shown, and the place that it came from."""

    key: str
    shown: str
    place: str


_PARTED = "one of them is no URL such as 'mqtt://user:secret@host'; a comma in a password is %2C"


def _parted(text: str) -> list[str]:
    """Part URLs at their commas, unless that might be the comma of a password."""
    given = [one for one in text.split(",") if one.strip()]
    if any("@" in one and "://" not in one for one in given[1:]):
        raise ValueError(_PARTED)
    return given


def _brokers(value: Any) -> Any:
    """Read `mqtt://one, mqtt://two`, or a list of such URLs."""
    if isinstance(value, BrokerUrl):
        return (value,)
    if isinstance(value, Mapping):  # its keys would pass for hosts
        raise ValueError("must be URLs such as 'mqtt://localhost:1883', not a table")  # noqa: TRY004 - pydantic's way
    given = _parted(value) if isinstance(value, str) else value
    try:
        return tuple(one if isinstance(one, BrokerUrl) else BrokerUrl.parse(one) for one in given)
    except SettingsError as problem:
        if isinstance(value, str) and "@" in value and len(given) > 1:  # parts of a password?
            raise ValueError(_PARTED) from None
        raise ValueError(str(problem)) from None
    except (AttributeError, TypeError):
        raise ValueError("must be URLs such as 'mqtt://localhost:1883', with commas") from None


def _names(value: Any) -> Any:
    """Read `dash.example, t60.example`, or a list of such names."""
    if isinstance(value, str):
        return tuple(one.strip() for one in value.split(",") if one.strip())
    return value


def _root(value: str) -> str:
    Topics(value)
    return value


def _sender(value: str) -> str:
    return check_name("sender", value)


def _agent(value: str) -> str:
    return check_name("agent", value)


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _off(value: Any) -> Any:
    """TOML has no bare words: `publish_logs = false` is `off`, too."""
    return "off" if value is False else _lower(value)


def _folder(value: Path) -> Path:
    return value.expanduser().absolute()


def _class_path(value: str) -> str:
    if not re.fullmatch(r"[\w.]+:\w+", value):
        raise ValueError("must be 'module:Class', such as 'pyros_agents.dome:Dome'")
    return value


LogLevel = Literal["debug", "info", "warning", "error", "critical"]


class AgentTable(BaseModel):
    """One `[agents.NAME]` of pyros.toml: which class it is, and on which machine it runs.

    `host` is the name of the machine; without it, whichever reads the file. `options` go to the
    class's constructor.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    class_path: Annotated[str, Field(alias="class"), AfterValidator(_class_path)]
    host: str | None = None
    enabled: bool = True
    options: dict[str, Any] = Field(default_factory=dict)


_ENTRIES: Mapping[str, type[BaseModel]] = {
    "home_assistant": HomeAssistantTable,
    "identities": IdentityTable,
    "machines": MachineTable,
}
"""What the keys of other tables than `[agents.NAME]` are."""


_SPARES = "_spares"
"""The argument by which `Settings.reaching` says that it takes only what it needs."""


class Settings(BaseSettings):
    """Everything that can be set, read once from all places, and frozen.

    Arguments are stronger than what a host has `adopt`ed, then `PYROS_*` of the environment,
    `.env`, `pyros.toml`, `pyros_agent_config.ini` and the defaults; an argument that is None
    counts as not given.

    Raises:
        SettingsError: something is wrong; a line each, with file, key, value and what is right.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    brokers: Annotated[tuple[BrokerUrl, ...], BeforeValidator(_brokers)] = ()
    """Tried in turn; none: not configured."""
    root: Annotated[str, AfterValidator(_root)] = "pyros"
    sender: Annotated[str, AfterValidator(_sender)] | None = None
    state_dir: Annotated[Path, AfterValidator(_folder)] = Field(default_factory=state_folder)
    username: str | None = None
    password: SecretStr | None = None
    password_file: File | None = None
    ca_file: File | None = None
    cert_file: File | None = None
    key_file: File | None = None
    access_folder: Annotated[Path, AfterValidator(_folder)] | None = None
    """Where `pyros access` keeps who may do what, and the authority; None: in `state_dir`."""
    signing_key_file: File | None = None
    """Our Ed25519 private key: what this process sends is signed with it."""
    trust_file: File | None = None
    """Whose signatures agents believe, and who may say what."""
    signatures: Annotated[Literal["off", "checked", "required"] | None, BeforeValidator(_off)] = (
        None
    )
    """What agents do with them; None: `required` where there is a `trust_file`, else `off`."""
    unsigned_urgent: bool = False
    """Take what an agent has declared urgent, but for `shutdown`, also where it is not signed."""
    keepalive: int = Field(default=10, ge=5, le=65535)
    """Seconds; the broker speaks an agent's last will after one and a half of them."""
    listen_qos: int = Field(default=1, ge=0, le=1)
    """QoS of subscriptions; 0 where one at QoS 1 goes with its node, or takes a cluster's vote."""
    beat: float = Field(default=5.0, ge=0.1, le=3600)
    """Seconds between two status documents."""
    max_payload: int = Field(default=256 * 1024, ge=256, le=64 * 1024 * 1024)
    """Bytes; larger commands are rejected."""
    max_waiting: int = Field(default=1000, ge=1)
    max_clock_skew: float = Field(default=5.0, ge=0)
    """Seconds by which another machine's clock may be ahead."""
    outage_samples: int = Field(default=100_000, ge=0)
    """Samples that an agent keeps while no broker takes them; the oldest are dropped first."""
    outage_bytes: int = Field(default=16 * 1024 * 1024, ge=0)
    """Bytes of the same."""
    journal: Literal["sqlite", "memory"] = "sqlite"
    """Where an agent remembers its commands; in memory it forgets them with its process."""
    archive: str = ""
    """Where `pyros record` writes and others read: `sqlite:///path`, `postgresql://...`."""
    keep_raw: int = Field(default=0, ge=0)
    """Nights for which each measurement is kept; 0: for ever."""
    keep_minutes: int = Field(default=0, ge=0)
    """Nights for which means, minima and maxima of a minute are kept; 0: for ever."""
    keep_hours: int = Field(default=0, ge=0)
    """The same, of an hour."""
    keep_events: int = Field(default=0, ge=0)
    """Nights for which status, commands, reports, alarms and logs are kept; 0: for ever."""
    dashboard_host: str = "127.0.0.1"
    """Where the dashboard listens."""
    dashboard_port: int = Field(default=8420, ge=0, le=65535)
    dashboard_names: Annotated[tuple[str, ...], BeforeValidator(_names)] = ()
    """Host names under which browsers ask for it, besides this machine's own."""
    dashboard_token: Annotated[SecretStr, Field(min_length=12)] | None = None
    """Whoever knows it may command by the dashboard; none: nobody may."""
    dashboard_person_header: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")] | None = None
    """The header in which a proxy names whom it has let in."""
    dashboard_proxies: Networks = ()
    """From where such headers are believed."""
    access_file: File | None = None
    """Who may do what: `access.toml`; None: the one in the access folder, where there is one."""
    fail: Failpoint | None = None
    """For trials only: die at this moment."""
    log_level: Annotated[LogLevel, BeforeValidator(_lower)] = "info"
    publish_logs: Annotated[LogLevel | Literal["off"], BeforeValidator(_off)] = "info"
    """Least level of the records that an agent publishes."""
    metrics_address: OwnAddress = "127.0.0.1"
    """Where metrics are served: an address of this machine."""
    metrics_port: int = Field(default=0, ge=0, le=HIGHEST_PORT)
    """From which port on an agent's process serves its own; 0: not at all."""
    metrics_bridge_port: int = Field(default=9883, ge=0, le=HIGHEST_PORT)
    """Where `pyros metrics` serves; 0: at any port that is free."""
    metrics_channels: ChannelPatterns = ()
    """The channels whose values `pyros metrics` serves."""
    traces: bool = False
    """Make OpenTelemetry spans of commands."""
    agents: dict[Annotated[str, AfterValidator(_agent)], Annotated[AgentTable, WhenGiven()]] = (
        Field(default_factory=dict)
    )
    identities: dict[
        Annotated[str, AfterValidator(_agent)], Annotated[IdentityTable, WhenGiven()]
    ] = Field(default_factory=dict)
    """By what single agents are known, where several run on one machine."""
    observatory: dict[str, Any] = Field(default_factory=dict)
    """The shared table: `site`, `sky` and what else more than one agent has to know."""
    alarms: Annotated[AlarmsTable, WhenGiven()] = Field(default_factory=AlarmsTable.model_construct)
    """What is watched, and who is told."""
    gateway: Annotated[GatewayTable, WhenGiven()] = Field(
        default_factory=GatewayTable.model_construct
    )
    """The old TCP sockets; `pyros_agent_config.ini` speaks here, too."""
    home_assistant: Annotated[HomeAssistantTable, WhenGiven()] = Field(
        default_factory=HomeAssistantTable.model_construct
    )
    """Which measurements are shown there."""
    machines: dict[HostName, Annotated[MachineTable, WhenGiven()]] = Field(default_factory=dict)
    """The observatory's machines, and what they run besides agents."""

    _reading: layers.Reading = PrivateAttr(default_factory=layers.Reading)
    _left_out: tuple[str, ...] = PrivateAttr(default=())

    def __init__(self, **arguments: Any) -> None:
        """Read all places; see the class."""
        spares = arguments.pop(_SPARES, None) is not None
        reading = layers.read(type(self), arguments, spares=spares)
        try:
            super().__init__(**reading.values)
        except ValidationError as error:
            reading.problems += problems.in_words(error, reading.place, self._known)
        if reading.problems:
            raise SettingsError("\n".join(reading.problems)) from None
        self._reading = reading

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what `layers` has read, which knows where each value came from."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @classmethod
    def check(cls, **arguments: Any) -> list[str]:
        """List everything that is wrong with this machine's settings, a line each."""
        try:
            cls(**arguments)
        except SettingsError as error:
            return str(error).splitlines()
        return []

    @classmethod
    def reaching(cls, **arguments: Any) -> Self:
        """Read what it takes to reach the agents, whatever is wrong with the rest.

        So that no slip in an alarm's rule stands between an operator and `abort`. Where something
        is wrong, `left_out` says what, and the rest has its defaults.

        Raises:
            SettingsError: what is wrong may concern the way to the agents.
        """
        try:
            return cls(**arguments)
        except SettingsError as error:
            settings = cls(**arguments | {_SPARES: True})
            settings._left_out = tuple(str(error).splitlines())
            return settings

    @staticmethod
    def adopt(origin: str, values: Mapping[str, Any]) -> None:
        """Give every later `Settings()` of this process what its host, such as Django, was told.

        Weaker than arguments, stronger than the environment. `origin` names the place for people;
        what was adopted before is forgotten.
        """
        layers.adopt(origin, values)

    @property
    def legacy_agents(self) -> Mapping[str, LegacyAgent]:
        """The agents of `pyros_agent_config.ini`, by name."""
        return self._reading.legacy_agents

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a strict check complains of, though it can be lived with."""
        return self._reading.remarks

    @property
    def left_out(self) -> tuple[str, ...]:
        """What is wrong with that which `reaching` has not read, a line each."""
        return self._left_out

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that were read."""
        return tuple(self._reading.files)

    def of_agent(self, name: str) -> Settings:
        """Give the settings of one agent: its own identity, where `[identities.NAME]` has one."""
        table = self.identities.get(name)
        own = table.model_dump(exclude_none=True) if table else {}
        known = {key: value for key, value in own.items() if key in type(self).model_fields}
        return self.model_copy(update=known) if known else self

    def sources(self) -> list[Origin]:
        """List each value and where it came from; secrets are not shown."""
        place = self._reading.place
        return [
            Origin(".".join(path), problems.shown(path, value), place(path) or "default")
            for path, value in self._each()
        ]

    def _each(self) -> Iterable[tuple[tuple[str, ...], Any]]:
        for key in type(self).model_fields:
            if key not in layers.TABLES:
                yield (key,), getattr(self, key)
        for path in self._reading.places:
            if path[0] in layers.TABLES:
                yield path, reduce(getitem, path, self._reading.values)

    @staticmethod
    def _known(path: tuple[str, ...]) -> Iterable[str]:
        if not path:
            return Settings.model_fields
        if path[0] == "alarms":
            return known_keys(path[1:])
        if path[0] == "gateway":
            return (OldSocket if len(path) > 1 else GatewayTable).model_fields
        table = _ENTRIES.get(path[0], AgentTable)
        return [one.alias or key for key, one in table.model_fields.items()]

    @model_validator(mode="after")
    def _key_has_its_certificate(self) -> Self:
        if self.key_file and not self.cert_file:
            raise ValueError("key_file needs cert_file")
        return self

    @model_validator(mode="after")
    def _header_has_its_proxies(self) -> Self:
        if self.dashboard_person_header and not self.dashboard_proxies:
            raise ValueError("dashboard_person_header needs dashboard_proxies: who may set it")
        return self

    @model_validator(mode="after")
    def _signatures_have_their_keys(self) -> Self:
        if self.signatures in {"checked", "required"} and self.trust_file is None:
            raise ValueError(f"signatures = {self.signatures!r} needs trust_file")
        trusts = [self.trust_file, *(one.trust_file for one in self.identities.values())]
        if any(trusts) and self.signatures != "off" and self.journal == "memory":
            raise ValueError(
                "signatures need journal = 'sqlite': an agent that forgets its commands cannot "
                "know a recorded one that is played again after its restart"
            )
        return self

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Keep secrets out of every representation, also those in the free tables."""
        return [(one.key, one.shown) for one in self.sources()]
