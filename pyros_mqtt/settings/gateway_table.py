"""`[gateway]` of pyros.toml: the old TCP sockets, who may use them, and who lives on them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from pyros_mqtt.topics import check_name

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

BUFFER_SIZE = 1024
"""Bytes of one read where a section does not say."""

HIGHEST_PORT = 65535

_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_ANYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - to know it, not to listen there


def _listed(value: Any) -> Any:
    """Read `10.0.0.0/8, 192.168.1.7`, or a list of such texts."""
    if isinstance(value, str):
        return [one.strip() for one in value.split(",") if one.strip()]
    return value


def _network(value: Any) -> Any:
    try:
        return ipaddress.ip_network(value)
    except ValueError as problem:
        right = "such as '10.0.0.0/8' or '192.168.1.7'"
        raise ValueError(f"{problem}; right are addresses and networks {right}") from None


def _address(value: Any) -> Any:
    try:
        return ipaddress.ip_address(value)
    except ValueError as problem:
        raise ValueError(f"{problem}; right is an address such as '10.0.0.7'") from None


def _host(value: str) -> str:
    """Take an address or a host's name; digits and dots alone have to be an address."""
    if ":" in value or re.fullmatch(r"[0-9.]*", value):
        try:
            return str(ipaddress.ip_address(value))
        except ValueError:
            raise ValueError("must be an address such as 127.0.0.1") from None
    if not all(_LABEL.fullmatch(one) for one in value.removesuffix(".").split(".")):
        raise ValueError("must be an address such as 127.0.0.1, or a host's name")
    return value


def _answer(value: Any) -> Any:
    """Read yes and no, as PyROS's own files say it; TOML has them as booleans."""
    plain = value.lower() if isinstance(value, str) else value
    if plain in {"no", "off", "false", False}:
        return "none"
    return "accepted" if plain in {"yes", "on", "true", True} else plain


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _agent(value: str) -> str:
    return check_name("agent", value)


Networks = Annotated[
    tuple[Annotated[Network, BeforeValidator(_network)], ...], BeforeValidator(_listed)
]
Addresses = Annotated[
    tuple[Annotated[Address, BeforeValidator(_address)], ...], BeforeValidator(_listed)
]

NEAR = tuple(
    ipaddress.ip_network(one)
    for one in (
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
        "::1/128", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip
"""This machine and private networks (RFC 1918, 3927, 4193, 4291): never the whole internet."""


class OldSocket(BaseModel):
    """One agent's old address: where it listens for it, or where it still lives (`proxy`).

    `buffer_size` is bytes, `ttl`, `timeout` and `probe` are seconds; None: as in `[gateway]`.
    `sends_from` are the addresses whose messages carry this name; a section with nothing else
    only gives its sender a name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    ip: Annotated[str, AfterValidator(_host)] = "127.0.0.1"
    receive_port: int | None = Field(default=None, ge=1, le=HIGHEST_PORT)
    buffer_size: int = Field(default=BUFFER_SIZE, ge=1, le=64 * 1024 * 1024)
    framing: Annotated[Literal["read", "line"], BeforeValidator(_lower)] = "read"
    answer: Annotated[Literal["none", "accepted", "ended"], BeforeValidator(_answer)] = "none"
    allow: Networks | None = None
    sends_from: Addresses = ()
    proxy: bool = False
    ttl: float | None = Field(default=None, gt=0, le=86400)
    timeout: float | None = Field(default=None, gt=0, le=3600)
    probe: float = Field(default=10.0, ge=0, le=3600)
    """Seconds between two looks whether the port of a proxy's agent answers; 0: never."""

    @property
    def place(self) -> str:
        """Address and port, for people."""
        host = f"[{self.ip}]" if ":" in self.ip else self.ip
        return f"{host}:{self.receive_port}"

    @model_validator(mode="after")
    def _proxy_has_a_port(self) -> Self:
        if self.proxy and self.receive_port is None:
            raise ValueError("proxy needs receive_port: where the agent's old socket is")
        return self


class GatewayTable(BaseModel):
    """`[gateway]`: whether `pyros up` runs it, and its limits. Times are seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    enabled: bool = False
    host: str | None = None
    allow: Networks = NEAR
    max_connections: int = Field(default=500, ge=1, le=10_000)
    max_waiting: int = Field(default=5000, ge=1, le=1_000_000)
    timeout: float = Field(default=10.0, gt=0, le=3600)
    ttl: float = Field(default=30.0, gt=0, le=86400)
    agents: dict[Annotated[str, AfterValidator(_agent)], OldSocket] = Field(default_factory=dict)

    @property
    def listening(self) -> dict[str, OldSocket]:
        """The agents for which the gateway listens."""
        agents = self.agents.items()
        return {name: one for name, one in agents if one.receive_port and not one.proxy}

    @property
    def proxied(self) -> dict[str, OldSocket]:
        """The agents that still live on their old sockets."""
        return {name: one for name, one in self.agents.items() if one.proxy}

    @model_validator(mode="after")
    def _each_has_its_own(self) -> Self:
        problems = [*_shared_ports(self.agents), *_shared_addresses(self.agents)]
        if problems:
            raise ValueError("; ".join(problems))
        return self


def _shared_ports(agents: dict[str, OldSocket]) -> Iterable[str]:
    taken: dict[int, list[tuple[str, str]]] = {}
    for name, one in agents.items():
        if one.receive_port is None:
            continue
        others = taken.setdefault(one.receive_port, [])
        for other, ip in others:
            if ip == one.ip or _ANYWHERE & {ip, one.ip}:
                yield (
                    f"{name} and {other} have the same receive_port {one.receive_port} at "
                    f"{one.ip}; each agent needs its own"
                )
        others.append((name, one.ip))


def _shared_addresses(agents: dict[str, OldSocket]) -> Iterable[str]:
    taken: dict[Address, str] = {}
    for name, one in agents.items():
        for address in one.sends_from:
            other = taken.setdefault(address, name)
            if other != name:
                yield f"sends_from of {name} and {other} have both {address}; it can be only one"
