"""The observatory's `access.toml`: who there is, and with which role.

```toml
[roles.student]
views = true
commands = { telescope = ["goto", "park"], camera = ["expose"] }

[identities.dome]
role = "agent"
host = "t60-dome"

[identities.watchman]
role = "agent"
commands = { dome = ["close"] }  # besides what the role allows

[identities.north]
role = "bridge"
commands = { telescope = ["goto"] }
reads = ["status", "about", "alarm/+", "outbox/north-scheduler"]
brings = "north"
```
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from pyros_mqtt.access.roles import BUILT_IN, EVERYONE, Commands, Role, allows
from pyros_mqtt.settings import access_tables
from pyros_mqtt.topics import NAME_PATTERN, Topics, check_name

_BRANCH = re.compile(
    rf"status|about|(telemetry|alarm|log|outbox)/(\+|{NAME_PATTERN[1:-1]})", re.ASCII
)


def _name(value: str) -> str:
    return check_name("identity", value)


def _branch(value: str) -> str:
    if not _BRANCH.fullmatch(value):
        raise ValueError("must be a branch of agents, such as 'status', 'alarm/+' or 'outbox/ops'")
    return value


def _host(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be one line of letters")
    return value


def _root(value: str) -> str:
    return Topics(value).root


Name = Annotated[str, AfterValidator(_name)]


class Identity(BaseModel):
    """One machine's agent, program or person: the name in its certificate, and its role.

    Attributes:
        role: the name of its role.
        host: the machine that it runs on, for people.
        commands: what it may send besides what its role allows.
        password: it may come by name and password, to the listener of devices without TLS.
        reads: the branches of all agents that it reads besides what its role lets it see.
        brings: the root of a far site; it publishes here who is there, what they understand and
            which alarms stand, for those who see everything.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Name
    host: Annotated[str, AfterValidator(_host)] = ""
    commands: Commands = Field(default_factory=dict)
    password: bool = False
    reads: tuple[Annotated[str, AfterValidator(_branch)], ...] = ()
    brings: Annotated[str, AfterValidator(_root)] | None = None


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    roles: dict[Name, Role] = Field(default_factory=dict)
    identities: dict[Name, Identity] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _each_role_is_known(self) -> Self:
        if taken := sorted(BUILT_IN.keys() & self.roles):
            raise ValueError(f"roles.{taken[0]}: is a built-in role: choose another name for yours")
        known = {**BUILT_IN, **self.roles}
        for name, one in self.identities.items():
            if one.role not in known:
                raise ValueError(
                    f"identities.{name}: role = {one.role!r}: there is no such role; "
                    f"known are {', '.join(sorted(known))}"
                )
        return self


class Register:
    """Everyone in an observatory, and what each may do. It is read once and does not change."""

    def __init__(self, identities: Mapping[str, Identity], roles: Mapping[str, Role]) -> None:
        self.identities = dict(identities)
        self.roles: dict[str, Role] = {**BUILT_IN, **roles}

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read `access.toml`.

        Raises:
            AccessError: it cannot be read, or says something wrong; a line each.
        """
        found = access_tables.read(file, _File, _known)
        return cls(found.identities, found.roles)

    @classmethod
    def parse(cls, text: str, place: str) -> Self:
        """Read what is in an `access.toml`; `place` names it for people.

        Raises:
            AccessError: it says something wrong; a line each.
        """
        found = access_tables.parse(text, place, _File, _known)
        return cls(found.identities, found.roles)

    def role(self, name: str) -> Role:
        """What this identity's role allows; someone unknown may do nothing."""
        known = self.identities.get(name)
        return self.roles[known.role] if known else Role()

    def may_command(self, name: str, agent: str, message: str) -> bool:
        """Say whether `name` may send `message` to `agent`."""
        known = self.identities.get(name)
        own = known.commands if known else {}
        return self.role(name).allows(agent, message) or allows(own, agent, message)

    def messages(self, name: str, agent: str) -> set[str]:
        """The messages that `name` may send to `agent`; one of them may be `*`."""
        known = self.identities.get(name)
        tables = [self.role(name).commands, known.commands if known else {}]
        return {one for table in tables for to in (agent, EVERYONE) for one in table.get(to, ())}

    def inboxes(self, name: str) -> list[str]:
        """The agents that `name` may send anything to, sorted; `*` alone where it is everyone."""
        known = self.identities.get(name)
        agents = {*self.role(name).commands, *(known.commands if known else ())}
        return [EVERYONE] if EVERYONE in agents else sorted(agents)

    @property
    def far_roots(self) -> list[str]:
        """The roots of the sites that bridges bring, sorted."""
        return sorted({one.brings for one in self.identities.values() if one.brings})

    @property
    def agents(self) -> list[str]:
        """The identities that are agents, sorted."""
        return sorted(name for name in self.identities if self.role(name).lives)


def _known(path: tuple[str, ...]) -> Any:
    if not path:
        return _File.model_fields
    return (Role if path[0] == "roles" else Identity).model_fields
