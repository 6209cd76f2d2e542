"""Who writes to us: whether an address may, and under which name its messages go on."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from pyros_mqtt.settings import GatewayTable, OldSocket

MOST_NAMES = 200
"""Names made from addresses; whoever comes later speaks under the gateway's own."""


class Peers:
    """The senders by address. For the gateway's thread alone.

    Args:
        table: `sends_from` of its agents gives names, `allow` says who may write.
        own_name: the gateway's, for those beyond `MOST_NAMES`.
    """

    def __init__(self, table: GatewayTable, own_name: str) -> None:
        self._allow = table.allow
        self._own_name = own_name
        self._names = {
            str(address): name for name, one in table.agents.items() for address in one.sends_from
        }
        self._made_up = 0

    def name(self, address: str) -> str:
        """Give the configured name of an address, or make one: `10.0.0.7` is `tcp-10-0-0-7`."""
        plain = str(_plain(address))
        if plain not in self._names:
            if self._made_up >= MOST_NAMES:
                return self._own_name
            self._made_up += 1
            self._names[plain] = f"tcp-{re.sub(r'[^0-9a-f]+', '-', plain).strip('-')}"
        return self._names[plain]

    def may_write(self, address: str, socket: OldSocket) -> bool:
        """Whether a section, or else the whole gateway, allows an address."""
        allow = self._allow if socket.allow is None else socket.allow
        plain = _plain(address)
        return any(plain in network for network in allow)


@lru_cache(maxsize=1000)
def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Read an address; an IPv4 one that came by an IPv6 socket is what it was."""
    read = ipaddress.ip_address(address.partition("%")[0])
    return getattr(read, "ipv4_mapped", None) or read
