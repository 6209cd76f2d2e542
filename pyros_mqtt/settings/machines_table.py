"""`[machines]` of pyros.toml: the observatory's machines, and what else they run besides agents."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

Service = Literal["broker", "recorder", "dashboard", "metrics"]
"""What runs besides agents; gateway and alarms are agents, with tables of their own."""

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def _host(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise ValueError("must be the name of a machine, such as t60-control")
    return value


HostName = Annotated[str, AfterValidator(_host)]


class MachineTable(BaseModel):
    """One `[machines.NAME]`: a machine, and the services that run there."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    services: tuple[Service, ...] = ()
