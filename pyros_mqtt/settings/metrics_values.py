"""Where metrics are served, and of which channels."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError("must be an address of this machine, such as 127.0.0.1") from None


def _listed(value: Any) -> Any:
    """Read `weather/*, dome/azimuth`, or a list of such texts."""
    if isinstance(value, str):
        return tuple(one.strip() for one in value.split(",") if one.strip())
    return value


def _pattern(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9_*?-]+/[a-z0-9_*?-]+", value):
        raise ValueError("must be AGENT/CHANNEL, such as 'weather/*'")
    return value


OwnAddress = Annotated[str, AfterValidator(_address)]
ChannelPatterns = Annotated[
    tuple[Annotated[str, AfterValidator(_pattern)], ...], BeforeValidator(_listed)
]
